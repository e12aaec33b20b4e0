"""A repository with a real Go service, a short experiment, and an approved baseline."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from chaosmem import rundir
from chaosmem.errors import Exit
from chaosmem.history import baselines, database, place, reading, store
from chaosmem.history.model import Run
from chaosmem.history.times import stamp

SPEC = """\
apiVersion: chaosmem/v1
kind: Experiment
metadata: {name: cart}
target:
  process:
    command: [./service]
    args: ["-addr", "127.0.0.1:{port}"]
    ready: {within: 30s}
phases: {baseline: 3s, inject: 500ms, hold: 700ms, recover: 5500ms}
faults:
  - goroutines: {count: 300, at: main.start}
checks:
  - stress-effect
  - goroutine-recovery: {within: 4s, dwell: 200ms, minSamples: 4}
  - pause: {max: 1ns, advisory: true}
limits: {duration: 2m}
"""
SECONDS = (0.20, 0.22, 0.24, 0.26, 0.28, 0.30, 0.32, 0.34)
"""Recoveries of the approved runs; their band ends at 0.62 s (median 0.27 s, k(8) = 5.91)."""
SLOWER = {"DRAIN": "1500ms"}
"""In time by the spec, and far above the band."""
LEAK = {"DRAIN": "never"}
INERT = {"INERT": "1"}
"""Nothing is started, so the fault is not proven, and nothing is shown."""


@dataclass(frozen=True)
class Done:
    """A finished command."""

    code: int
    stdout: str
    stderr: str

    @property
    def said(self) -> str:
        """Both streams, for the message of a failed assertion."""
        return self.stdout + self.stderr


@dataclass(frozen=True)
class Lab:
    """The repository."""

    base: Path

    @property
    def out(self) -> Path:
        """Where the gate leaves its files."""
        return self.base / "chaosmem-gate"

    @property
    def db(self) -> Path:
        """The history."""
        return self.base / "history.db"

    @property
    def env(self) -> dict[str, str]:
        """Environment of its commands: no CI's, no history but its own, chaosmem on PATH."""
        foreign = ("CHAOSMEM_", "GITHUB_", "RUNNER_", "CI_", "DRAIN", "FLAKY", "INERT")
        mine = {k: v for k, v in os.environ.items() if not k.startswith(foreign)}
        path = f"{Path(sys.executable).parent}{os.pathsep}{mine['PATH']}"
        state = str(self.base / "state")
        return mine | {"PATH": path, "CHAOSMEM_DB": str(self.db), "XDG_STATE_HOME": state}

    def gate(
        self, *args: str, env: Mapping[str, str] | None = None, wanted: Exit = Exit.PASS
    ) -> Done:
        """`chaosmem gate spec.yaml`, to its end, undisturbed."""
        command = ("gate", "spec.yaml", "--progress", "none", *args)
        return undisturbed(lambda: self.call(*command, env=env), lambda done: done.code == wanted)

    def call(self, *args: str | Path, env: Mapping[str, str] | None = None) -> Done:
        """Any command of chaosmem, to its end."""
        command = [sys.executable, "-m", "chaosmem", *args]
        return done(command, self.base, self.env | dict(env or {}))

    def spec(self, text: str) -> None:
        """Write the experiment."""
        (self.base / "spec.yaml").write_text(text)

    def decision(self) -> dict[str, Any]:
        """gate.json."""
        found: dict[str, Any] = json.loads((self.out / "gate.json").read_bytes())
        return found

    def sarif(self) -> dict[str, Any]:
        """The one run of results.sarif."""
        found: dict[str, Any] = json.loads((self.out / "results.sarif").read_bytes())
        (run,) = found["runs"]
        return dict(run)

    def approved(self, run: Run, seconds: Sequence[float] = SECONDS) -> None:
        """Record and approve a baseline of such runs with these recoveries."""
        with database.opened(place.resolve(str(self.db))) as history:
            runs = [_earlier(run, number, value) for number, value in enumerate(seconds, 1)]
            now = stamp(datetime.now(UTC))
            for one in runs:
                store.put(history, one, now)
            baselines.record(history, "default", runs, baselines.Act("ann", now))
            baselines.approve(history, run.experiment, "default", baselines.Act("ann", now))

    def run(self) -> Run:
        """The newest run as the history reads it."""
        return reading.read(list(rundir.runs(self.base / "runs"))[-1])


def done(
    command: Sequence[str | Path], where: Path, env: Mapping[str, str], seconds: float = 300
) -> Done:
    """Run a command to its end."""
    ran = subprocess.run(
        command, cwd=where, env=env, capture_output=True, text=True, timeout=seconds, check=False
    )
    return Done(ran.returncode, ran.stdout, ran.stderr)


def undisturbed(call: Callable[[], Done], well: Callable[[Done], bool]) -> Done:
    """Do it again, at most twice, where it is not `well` and the gate says INCONCLUSIVE.

    A machine that stalls for seconds lets a heartbeat lapse or unsettles a baseline. Then nothing
    is shown, the gate says so, and neither is anything shown about the gate.
    """
    for _ in range(2):
        done = call()
        if well(done) or done.code != Exit.INCONCLUSIVE:
            return done
    return call()


def _earlier(run: Run, number: int, seconds: float) -> Run:
    started = stamp(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number))
    levels = tuple(
        replace(level, value=seconds, error=0.0) if level.check == "goroutine-recovery" else level
        for level in run.levels
    )
    return replace(run, run_id=f"earlier-{number}", started=started, levels=levels)


def opened(base: Path, service: Path, text: str = SPEC) -> Lab:
    """A fresh repository."""
    base.mkdir(parents=True, exist_ok=True)
    shutil.copy2(service, base / "service")
    lab = Lab(base)
    lab.spec(text)
    return lab
