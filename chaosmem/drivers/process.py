"""A local process that chaosmem owns: start, watch, stop; found again by its mark.

Two things end it when chaosmem is gone: the kernel kills it when its parent dies
(PR_SET_PDEATHSIG, prctl(2)), and its environment carries `CHAOSMEM_RUN=ID`, written before it
can exist, by which `chaosmem undo` finds whatever is left.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import socket
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from chaosmem.drivers import procfs
from chaosmem.errors import TargetError

MARK = "CHAOSMEM_RUN"
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)
_KILL_SECONDS = 5.0
_PIDFD_OPEN = 434  # of every architecture: numbers above 423 are common to all


@dataclass(frozen=True, slots=True)
class Command:
    """What to start."""

    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: Path
    log: Path
    """Gets stdout and stderr, appended."""


def pidfd(pid: int) -> int:
    """A descriptor that becomes readable when `pid` ends (pidfd_open(2)).

    By the system call where Python was built without it: the portable builds that uv installs are,
    since they are made for kernels and C libraries older than it.

    Raises:
        OSError: there is no such process (ProcessLookupError), or no descriptor is left.
    """
    if hasattr(os, "pidfd_open"):
        return os.pidfd_open(pid)
    found = int(_LIBC.syscall(_PIDFD_OPEN, pid, 0))
    if found < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return found


def _die_with_parent() -> None:  # pragma: no cover - runs in the child, before exec
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


class OwnedProcess:
    """A started process. `on_exit(code)` is called once when it ends, whoever ended it."""

    def __init__(self, started: subprocess.Popen[bytes], on_exit: Callable[[int], None]) -> None:
        self._popen = started
        self.pid = started.pid
        self.oom_kills = procfs.oom_kills(started.pid)
        self._exited = asyncio.get_running_loop().create_future()
        self._on_exit = on_exit
        self._pidfd = pidfd(started.pid)
        asyncio.get_running_loop().add_reader(self._pidfd, self._reap)

    def _reap(self) -> None:
        asyncio.get_running_loop().remove_reader(self._pidfd)
        os.close(self._pidfd)
        code = self._popen.wait()
        if not self._exited.done():
            self._exited.set_result(code)
        self._on_exit(code)

    @property
    def running(self) -> bool:
        """Whether it has not ended yet, as far as the loop has noticed."""
        return not self._exited.done()

    async def wait(self, *, timeout: float) -> bool:
        """Wait for its end; False where it still runs after `timeout` seconds."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(self._exited), timeout)
        return self._exited.done()

    async def stop(self, sign: signal.Signals, *, grace: float) -> None:
        """Ask it to end by `sign`, and kill it after `grace` seconds."""
        for what, seconds in ((sign, grace), (signal.SIGKILL, _KILL_SECONDS)):
            if self._exited.done():
                return
            self._popen.send_signal(what)
            if await self.wait(timeout=seconds):
                return
        raise TargetError(f"process {self.pid} does not end, not even by SIGKILL")


def start(command: Command, on_exit: Callable[[int], None]) -> OwnedProcess:
    """Start it; TargetError where the program cannot be run."""
    try:
        with _log(command.log) as log:
            popen = subprocess.Popen(
                command.argv,
                env=dict(command.env),
                cwd=command.cwd,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # a group of its own: a terminal's Ctrl-C is chaosmem's to handle, not the target's
                process_group=0,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - one prctl, no locks are taken
            )
    except OSError as problem:
        raise TargetError(
            f"cannot start {command.argv[0]}: {problem.strerror}",
            hint="is the program there and executable, and is `cwd` right?",
        ) from problem
    return OwnedProcess(popen, on_exit)


def _log(path: Path) -> BinaryIO:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("ab")


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nothing listens on now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def port_in_use(port: int) -> bool:
    """Whether something already listens on that port of 127.0.0.1."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def stop_marked(run_id: str, *, grace: float = 2.0) -> tuple[int, ...]:
    """End every process with this run's mark; the pids that are still there afterwards.

    Blocking, for `chaosmem undo`: the run's own loop is gone by then.
    """
    mine = os.getpid()
    for sign, seconds in ((signal.SIGTERM, grace), (signal.SIGKILL, _KILL_SECONDS)):
        left = {pid: procfs.started_ticks(pid) for pid in _marked(run_id) if pid != mine}
        _signal_all(left, sign)
        _wait_gone(left, seconds)
    return tuple(pid for pid in _marked(run_id) if pid != mine)


def _marked(run_id: str) -> Sequence[int]:
    return list(procfs.with_environment(f"{MARK}={run_id}"))


def _signal_all(pids: Mapping[int, int | None], sign: signal.Signals) -> None:
    for pid, ticks in pids.items():
        if procfs.started_ticks(pid) == ticks:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, sign)


def _wait_gone(pids: Mapping[int, int | None], seconds: float) -> None:
    import time  # noqa: PLC0415 - only `undo` blocks

    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and any(map(procfs.alive, pids)):
        time.sleep(0.02)
