"""What Linux says of a process: /proc/PID, and its cgroup's OOM counter.

Sources: proc(5); cgroup v1 `memory.oom_control`, v2 `memory.events` (kernel docs).
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICK = os.sysconf("SC_CLK_TCK")
_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Usage:
    """One reading: bytes, CPU seconds (user + system, resolution 1/SC_CLK_TCK), threads."""

    rss: int
    cpu: float
    threads: int


def usage(pid: int) -> Usage | None:
    """Resident bytes, CPU and threads of `pid`; None where it is gone."""
    try:
        statm = (_PROC / str(pid) / "statm").read_bytes().split()
        fields = _stat_fields(pid)
    except (OSError, ValueError):
        return None
    cpu = (int(fields[11]) + int(fields[12])) / _TICK
    return Usage(int(statm[1]) * _PAGE, cpu, int(fields[17]))


_ENDED = {b"Z", b"X"}


def started_ticks(pid: int) -> int | None:
    """The process's start in clock ticks since boot: with the pid, its identity.

    None where it is gone; a zombie is, though nobody may ever ask for its exit code.
    """
    try:
        fields = _stat_fields(pid)
        return None if fields[0] in _ENDED else int(fields[19])
    except (OSError, ValueError, IndexError):
        return None


def _stat_fields(pid: int) -> list[bytes]:
    """Fields of /proc/PID/stat from `state` on (the name before may hold anything)."""
    return (_PROC / str(pid) / "stat").read_bytes().rpartition(b") ")[2].split()


def alive(pid: int) -> bool:
    """Whether `pid` is there and not a zombie."""
    try:
        return _stat_fields(pid)[0] not in _ENDED
    except (OSError, IndexError):
        return False


def with_environment(entry: str) -> Iterator[int]:
    """Pids whose start environment holds exactly `entry` (`NAME=value`), zombies left out."""
    wanted = entry.encode()
    for path in _PROC.iterdir():
        if not path.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            if wanted in (path / "environ").read_bytes().split(b"\0") and alive(int(path.name)):
                yield int(path.name)


def oom_kills(pid: int) -> int | None:
    """OOM kills so far in the memory cgroup of `pid`; None where that cannot be read."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        lines = (_PROC / str(pid) / "cgroup").read_text().splitlines()
        for line in lines:
            _, controllers, path = line.split(":", 2)
            if controllers == "memory":
                return _counter(Path("/sys/fs/cgroup/memory" + path) / "memory.oom_control")
            if not controllers and path != "/":
                return _counter(Path("/sys/fs/cgroup" + path) / "memory.events")
    return None


def _counter(path: Path) -> int | None:
    for line in path.read_text().splitlines():
        name, _, value = line.partition(" ")
        if name == "oom_kill":
            return int(value)
    return None
