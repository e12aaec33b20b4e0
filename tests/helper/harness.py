"""A container as a kubelet makes it, without one: own cgroups, a real service, the real helper.

Needs root and a memory controller of cgroup v1 or v2. Everything is below one own cgroup, whose
processes are ended, by pid, and whose directories are removed at the end.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from chaosmem.drivers import gotool

MIB = 2**20
TOKEN = "a-token-for-tests-only"
MOUNT = Path("/sys/fs/cgroup")
V2 = (MOUNT / "cgroup.controllers").exists()
ROOT = MOUNT if V2 else MOUNT / "memory"
_NAMES = {
    "limit": ("memory.limit_in_bytes", "memory.max"),
    "usage": ("memory.usage_in_bytes", "memory.current"),
    "kills": ("memory.oom_control", "memory.events"),
}


def _name(what: str) -> str:
    return _NAMES[what][V2]


def eventually(what: str, holds: Callable[[], bool], *, within: float = 5.0) -> float:
    """Seconds until it holds; fails after `within`."""
    begin = time.monotonic()
    while time.monotonic() - begin < within:
        if holds():
            return time.monotonic() - begin
        time.sleep(0.002)
    raise AssertionError(f"not within {within} s: {what}")


@dataclass
class Container:
    """One container's cgroup and the service in it."""

    directory: Path
    pod_uid: str
    container_id: str
    service: subprocess.Popen[str]

    def usage(self) -> int:
        return int((self.directory / _name("usage")).read_text())

    def kills(self) -> int:
        lines = (self.directory / _name("kills")).read_text().splitlines()
        return int(next(line.split()[1] for line in lines if line.startswith("oom_kill ")))

    def pids(self) -> list[int]:
        return [int(p) for p in (self.directory / "cgroup.procs").read_text().split()]

    def others(self) -> list[int]:
        """Processes that are not the service."""
        return [p for p in self.pids() if p != self.service.pid]

    def ask(self, line: str) -> None:
        assert self.service.stdin is not None
        self.service.stdin.write(line + "\n")
        self.service.stdin.flush()

    def answer(self) -> tuple[int, float]:
        """What it holds, and the seconds that it took."""
        assert self.service.stdout is not None
        words = self.service.stdout.readline().split()
        assert words[:1] == ["ok"], words
        return int(words[1]), float(words[2])

    def tell(self, line: str) -> tuple[int, float]:
        self.ask(line)
        return self.answer()


def _enter(directory: Path, oom_score_adj: int) -> Callable[[], None]:
    def enter() -> None:  # pragma: no cover - in the child
        (directory / "cgroup.procs").write_text("0")
        if oom_score_adj:
            Path("/proc/self/oom_score_adj").write_text(str(oom_score_adj))

    return enter


@contextlib.contextmanager
def tree() -> Iterator[Path]:
    """An own cgroup to make pods in; afterwards it is gone with all that is in it."""
    top = ROOT / f"chaosmem-test-{os.getpid()}-{secrets.token_hex(3)}"
    top.mkdir()
    if V2:
        (top / "cgroup.subtree_control").write_text("+memory")
    try:
        yield top
    finally:
        for directory in sorted((d for d in top.rglob("*") if d.is_dir()), reverse=True):
            _remove(directory)
        _remove(top)


def _remove(directory: Path) -> None:
    for pid in (directory / "cgroup.procs").read_text().split():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)
    deadline = time.monotonic() + 5
    while directory.exists():
        try:
            directory.rmdir()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _make(directory: Path, top: Path) -> None:
    for part in [*reversed(directory.relative_to(top).parents), directory.relative_to(top)]:
        (top / part).mkdir(exist_ok=True)
        if V2 and top / part != directory:
            (top / part / "cgroup.subtree_control").write_text("+memory")


@contextlib.contextmanager
def container(
    top: Path, program: Path, *, limit: int | None = 256 * MIB, oom_score_adj: int = 0
) -> Iterator[Container]:
    """A Burstable pod's container by the cgroupfs driver, with the service in it."""
    uid = f"{secrets.token_hex(4)}-1111-2222-3333-{secrets.token_hex(6)}"
    ident = secrets.token_hex(32)
    directory = top / "kubepods" / "burstable" / f"pod{uid}" / ident
    _make(directory, top)
    if limit is not None:
        (directory / _name("limit")).write_text(str(limit))
    service = subprocess.Popen(
        [program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=_enter(directory, oom_score_adj),  # noqa: PLW1509 - two writes, no locks
    )
    assert service.stdout is not None
    assert service.stdout.readline().startswith("ready")
    made = Container(directory, uid, ident, service)
    try:
        yield made
    finally:
        service.kill()
        service.communicate()


@dataclass
class Started:
    """A helper that listens."""

    process: subprocess.Popen[str]
    url: str


def command(
    program: Path, target: Container, *flags: str, seconds: float = 60, pod: str = ""
) -> list[str]:
    """How the helper is started for that container."""
    end = datetime.now(UTC) + timedelta(seconds=seconds)
    return [
        str(program),
        "--listen=127.0.0.1:0",
        f"--pod-uid={pod or target.pod_uid}",
        f"--container-id=containerd://{target.container_id}",
        f"--deadline={end.isoformat()}",
        *flags,
    ]


@contextlib.contextmanager
def helper(program: Path, target: Container, *flags: str, seconds: float = 60) -> Iterator[Started]:
    """The real program, ended at the end."""
    process = subprocess.Popen(
        command(program, target, *flags, seconds=seconds),
        stdout=subprocess.PIPE,
        text=True,
        env={"CHAOSMEM_HELPER_TOKEN": TOKEN},
    )
    try:
        assert process.stdout is not None
        words = process.stdout.readline().split()
        assert words[:2] == ["listening", "on"], words
        yield Started(process, f"http://{words[2]}")
    finally:
        process.kill()
        process.communicate()


def build(module: Path, package: str, out: Path) -> Path:
    """A static program."""
    subprocess.run(
        [gotool.find().program, "build", "-buildvcs=false", "-trimpath", "-o", out, package],
        cwd=module,
        check=True,
        env=os.environ | {"GOPROXY": "off", "GOTOOLCHAIN": "local", "CGO_ENABLED": "0"},
    )
    return out
