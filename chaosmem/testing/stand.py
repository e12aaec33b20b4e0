"""The demo service, and experiments against it, as a plugin's user would run them."""

from __future__ import annotations

import atexit
import contextlib
import functools
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chaosmem import evidence, rundir, verify
from chaosmem.drivers import gotool, process
from chaosmem.evidence import Evidence
from chaosmem.rundir import RunDir
from chaosmem.verify import Verdict

_TOKEN = "CHAOSMEM_AGENT_TOKEN"  # noqa: S105 - the variable's name
PHASES = {"baseline": "1s", "inject": "500ms", "hold": "1s", "recover": "1s"}
HOSTILE = "<script>alert(1)</script>"
"""In the description of every experiment here: no report may let it through as markup."""
_READY_WITHIN, _RUN_WITHIN = 20.0, 120.0


@dataclass(frozen=True, slots=True)
class Demo:
    """A running demo service.

    Attributes:
        url: where it answers.
        pid: its process.
        env: environment for commands, with its agent's token.
    """

    url: str
    pid: int
    env: Mapping[str, str]

    def start(self, *args: str | Path, cwd: Path) -> subprocess.Popen[str]:
        """Start a chaosmem command; stdout and stderr are pipes."""
        return subprocess.Popen(
            [sys.executable, "-m", "chaosmem", *args],
            env=dict(self.env),
            cwd=cwd,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


@dataclass(frozen=True, slots=True)
class Ran:
    """An experiment that was run: its directory, exit code, and what it said."""

    found: RunDir
    code: int
    said: str

    def judged(self) -> tuple[Evidence, Verdict]:
        """What it observed, and the verdict of it now."""
        seen = evidence.load(self.found)
        return seen, verify.verify(seen)


@functools.cache
def _program() -> Path:
    return gotool.build(gotool.find(), gotool.builtin_module(), "./demo", tags=(), flags=())


@contextlib.contextmanager
def standing() -> Iterator[Demo]:
    """The demo service, started, and ended afterwards."""
    port, token = process.free_port(), secrets.token_urlsafe(16)
    env = {k: v for k, v in os.environ.items() if not k.startswith("CHAOSMEM_")}
    env[_TOKEN] = token
    started = subprocess.Popen([_program(), "-addr", f"127.0.0.1:{port}"], env=env)
    url = f"http://127.0.0.1:{port}"
    try:
        _await(url)
        yield Demo(url, started.pid, env)
    finally:
        started.kill()
        started.wait()


def _await(url: str) -> None:
    deadline = time.monotonic() + _READY_WITHIN
    while True:
        try:
            with urllib.request.urlopen(f"{url}/healthz", timeout=1):  # noqa: S310 - loopback
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def experiment(demo: Demo, **sections: Any) -> str:
    """The text of an experiment on the demo; JSON is YAML."""
    whole = {
        "apiVersion": "chaosmem/v1",
        "kind": "Experiment",
        "metadata": {"name": "contract", "description": HOSTILE},
        "target": {"endpoint": {"url": demo.url, "pid": demo.pid}},
        "phases": PHASES,
        "faults": [],
        "checks": ["stress-effect"],
    }
    return json.dumps(whole | sections)


def run(demo: Demo, place: Path, **sections: Any) -> Ran:
    """Run such an experiment to its end in the directory `place`."""
    spec = place / "spec.yaml"
    spec.write_text(experiment(demo, **sections))
    started = demo.start("run", spec, "--runs-dir", place / "runs", cwd=place)
    out, err = started.communicate(timeout=_RUN_WITHIN)
    return Ran(rundir.find(place / "runs", "latest"), started.returncode, out + err)


@functools.cache
def sample() -> Ran:
    """One run of the demo under retained heap, the same for every contract of a test session."""
    place = Path(tempfile.mkdtemp(prefix="chaosmem-contract-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    with standing() as demo:
        return run(demo, place, faults=[{"heap": {"retain": "8MiB"}}])
