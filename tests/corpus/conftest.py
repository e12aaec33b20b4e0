"""Builds the corpus once, runs all its experiments side by side, and hands out the run dirs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from chaosmem.drivers import gotool
from tests.corpus.truth import CASES, Case

SIDE_BY_SIDE = 5
"""Runs at once: each sleeps most of the time; more would disturb each other on two cores."""
_HERE = Path(__file__).parent

SPEC = """
apiVersion: chaosmem/v1
kind: Experiment
metadata: {{name: {program}}}
target:
  process:
    command: [{binary}]
    args: ["-addr", "127.0.0.1:{{port}}"]
    env: {env}
    ready: {{http: {ready}, within: {within}}}
phases: {phases}
faults:
  - heap: {{retain: 64MiB, rate: 64MiB/s, churn: 60MiB/s, at: "main.(*Cache).Fill"}}
  - goroutines: {{count: {count}, at: "main.(*Pool).Start"}}
captures:
  - {{profile: heap}}
  - {{profile: goroutine}}
checks:
  - goroutine-recovery
  - next-gc-prediction: {{minCycles: 3}}
  - top-allocations: {{contains: 'main\\.\\(\\*Cache\\)\\.Fill', share: 60%}}
  - heap-returns
  - gc-cpu: {{max: 60%}}
  - no-restart
  - no-oom
"""
PHASES = {"warmup": "500ms", "baseline": "2500ms", "inject": "1500ms", "hold": "3s"}
PHASES |= {"recover": "6500ms"}


@dataclass(frozen=True)
class Done:
    """A finished run of the command line."""

    case: Case
    exit_code: int
    stdout: str
    stderr: str
    rundir: Path

    @property
    def verdict(self) -> dict[str, object]:
        """The verdict as it was written."""
        loaded: dict[str, object] = json.loads((self.rundir / "verdict.json").read_bytes())
        return loaded


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with every program of the corpus, built."""
    out = tmp_path_factory.mktemp("corpus-bin")
    subprocess.run(
        [
            gotool.find().program,
            "build",
            "-buildvcs=false",
            "-ldflags=-s -w",
            "-o",
            f"{out}/",
            "./...",
        ],
        cwd=_HERE,
        check=True,
        env=os.environ | {"GOPROXY": "off", "GOTOOLCHAIN": "local"},
    )
    return out


def _run(case: Case, programs: Path, base: Path) -> Done:
    spec = base / f"{case.program}.yaml"
    spec.write_text(
        SPEC.format(
            program=case.program,
            binary=json.dumps(str(programs / case.program)),
            env=json.dumps(case.env),
            phases=json.dumps(PHASES | case.phases),
            count=100 if case.program == "noisy-baseline" else 500,
            ready="/readyz" if case.program == "never-ready" else "/healthz",
            within="3s" if case.program == "never-ready" else "15s",
        )
    )
    done = subprocess.run(
        [sys.executable, "-m", "chaosmem", "run", spec, "--runs-dir", base / "runs"],
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    found = sorted((base / "runs" / case.program).glob("2*"))
    return Done(case, done.returncode, done.stdout, done.stderr, found[-1] if found else base)


@pytest.fixture(scope="session")
def ran(programs: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Done]:
    """Start all experiments, SIDE_BY_SIDE at a time; ask for one by its program's name."""
    base = tmp_path_factory.mktemp("corpus")
    pool = ThreadPoolExecutor(SIDE_BY_SIDE)
    futures: dict[str, Future[Done]] = {
        c.program: pool.submit(_run, c, programs, base) for c in CASES
    }
    return lambda program: futures[program].result(timeout=280)
