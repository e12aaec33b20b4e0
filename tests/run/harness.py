"""The real command line on the real `healthy` program, with phases of tenths of a second."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chaosmem.drivers import process, procfs

TOKEN = "a-token-of-the-tests-only"
QUICK = {"baseline": "300ms", "inject": "200ms", "hold": "300ms", "recover": "300ms"}
ENV = {k: v for k, v in os.environ.items() if not k.startswith("CHAOSMEM_")}


@dataclass
class Ran:
    """A finished command."""

    code: int
    stdout: str
    stderr: str
    base: Path

    @property
    def rundir(self) -> Path:
        """The newest run directory."""
        return max(self.base.glob("*/2*"))

    @property
    def words(self) -> str:
        """stdout without its line breaks."""
        return " ".join(self.stdout.split())

    @property
    def verdict(self) -> dict[str, Any]:
        """Its verdict as written."""
        loaded: dict[str, Any] = json.loads((self.rundir / "verdict.json").read_bytes())
        return loaded

    def events(self) -> list[dict[str, Any]]:
        """The journal's entries."""
        lines = (self.rundir / "journal.jsonl").read_text().splitlines()
        return [json.loads(line.partition(" ")[2]) for line in lines]

    def outcome(self, check: str) -> str:
        """What one check says."""
        said = [f["outcome"] for f in self.verdict["findings"] if f["check"] == check]
        return str(said[0])


@dataclass
class Lab:
    """A place for specs and runs."""

    base: Path
    binary: Path
    env: dict[str, str] = field(default_factory=lambda: dict(ENV))

    @property
    def runs(self) -> Path:
        """The directory of its runs."""
        return self.base / "runs"

    def spec(self, **changes: Any) -> Path:
        """Write a spec: a process target with all faults, changed by sections."""
        sections: dict[str, Any] = {
            "apiVersion": "chaosmem/v1",
            "kind": "Experiment",
            "metadata": {"name": "lab"},
            "target": {"process": self.process()},
            "phases": QUICK,
            "faults": [
                {"heap": {"retain": "8MiB"}},
                {"goroutines": {"count": 200}},
                {"runtime": {"gogc": 50}},
            ],
            "captures": [{"profile": "goroutine", "at": ["hold.end"]}],
            "checks": ["stress-effect", "no-restart", "no-oom"],
        }
        path = self.base / "spec.yaml"
        path.write_text(json.dumps(sections | changes))  # JSON is YAML
        return path

    def process(self, **changes: Any) -> dict[str, Any]:
        """The process target's section."""
        return {
            "command": [str(self.binary)],
            "args": ["-addr", "127.0.0.1:{port}"],
            "ready": {"http": "/healthz", "within": "5s"},
        } | changes

    def start(self, *args: str | Path, **options: Any) -> subprocess.Popen[str]:
        """Start a command; stdout and stderr are pipes."""
        return subprocess.Popen(
            [sys.executable, "-m", "chaosmem", *args],
            env=self.env,
            cwd=self.base,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )

    def call(self, *args: str | Path, **options: Any) -> Ran:
        """Run a command to its end."""
        return self.finish(self.start(*args, **options))

    def finish(self, started: subprocess.Popen[str]) -> Ran:
        """Wait for a started command."""
        out, err = started.communicate(timeout=110)
        return Ran(started.returncode, out, err, self.runs)

    def run(self, spec: Path, *args: str, **options: Any) -> Ran:
        """`chaosmem run` to its end."""
        return self.call("run", spec, "--runs-dir", self.runs, *args, **options)

    def watch(self, spec: Path) -> subprocess.Popen[str]:
        """`chaosmem run --events jsonl`, started."""
        return self.start("run", spec, "--runs-dir", self.runs, "--events", "jsonl")


def events(started: subprocess.Popen[str]) -> Iterator[dict[str, Any]]:
    """The journal entries of a watched run, as they come."""
    assert started.stderr is not None
    for line in started.stderr:
        if line.startswith("{"):
            yield json.loads(line)


def until(started: subprocess.Popen[str], event: str, **values: Any) -> dict[str, Any]:
    """The first entry of that kind with these values."""
    for entry in events(started):
        if entry["event"] == event and all(entry.get(k) == v for k, v in values.items()):
            return entry
    msg = f"{event} {values} never came"
    raise AssertionError(msg)


def marked(run_id: str) -> list[int]:
    """Processes that a run left."""
    return list(procfs.with_environment(f"{process.MARK}={run_id}"))


def gone(pids: Mapping[int, object] | list[int], seconds: float = 3.0) -> bool:
    """Whether all of them end within `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not any(procfs.alive(p) for p in pids):
            return True
        time.sleep(0.02)
    return False


@contextlib.contextmanager
def standing(binary: Path, **env: str) -> Iterator[str]:
    """The program running by itself, with an agent token; its URL."""
    port = process.free_port()
    started = subprocess.Popen(
        [binary, "-addr", f"127.0.0.1:{port}"],
        env=ENV | {"CHAOSMEM_AGENT_TOKEN": TOKEN} | env,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_ready(url)
        yield url
    finally:
        started.kill()
        started.wait()


def _wait_ready(url: str) -> None:
    for _ in range(200):
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/healthz", timeout=1):
            return
        time.sleep(0.02)
    msg = f"{url} never got ready"
    raise AssertionError(msg)


def sample(url: str) -> dict[str, Any]:
    """What the agent at `url` says now."""
    request = urllib.request.Request(
        f"{url}/debug/chaosmem/v1/sample", headers={"Authorization": f"Bearer {TOKEN}"}
    )
    with urllib.request.urlopen(request, timeout=5) as answer:
        loaded: dict[str, Any] = json.load(answer)
        return loaded
