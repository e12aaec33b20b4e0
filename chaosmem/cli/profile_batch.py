"""Many captures, reported by as many processes as there are processors, in order.

One process takes one capture at a time, and only a few results wait to be printed, so memory is
that of as many captures as there are processes. What a worker cannot do (a damaged capture, a
worker that was killed) is done again here, so that errors are those of one process.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import deque
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING, TypeVar

from chaosmem.errors import ChaosmemError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

_Result = TypeVar("_Result")

_MOST_WORKERS = 8  # each may hold a capture of the largest size
_AHEAD = 3  # captures that are given to each worker before its results are printed
_WORTH_SECONDS = 1.5  # of work in one process: to start and fill two workers takes 0.5 s
_FILE_SECONDS = 0.01  # measured, for a capture of a few kilobytes
_MEGABYTE_SECONDS = 0.15  # measured, for a compressed megabyte


def in_order(work: Callable[[Path], _Result], paths: Sequence[Path]) -> Iterator[_Result]:
    """`work` of each path, in the order of the paths.

    Args:
        work: a function that can be pickled, with a result that can be.
        paths: captures.

    Raises:
        ChaosmemError: what `work` raises, after the results of the paths before.
    """
    count = workers(paths)
    if count < 2:  # noqa: PLR2004 a pool of one
        yield from map(work, paths)
        return
    # clean processes: a fork would copy numpy's threads in the middle of something
    pool = ProcessPoolExecutor(count, multiprocessing.get_context("spawn"), _begin)
    try:
        yield from _pooled(pool, work, paths, count * _AHEAD)
    finally:
        pool.shutdown(cancel_futures=True)


def workers(paths: Sequence[Path]) -> int:
    """How many processes are worth starting for these captures; 1 is this one."""
    affinity = getattr(os, "sched_getaffinity", None)
    processors = len(affinity(0)) if affinity else os.cpu_count() or 1
    most = min(processors, len(paths), _MOST_WORKERS)
    size = sum(map(_size, paths))
    work = len(paths) * _FILE_SECONDS + size / 1e6 * _MEGABYTE_SECONDS
    return most if work > _WORTH_SECONDS else 1


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # reading it says why
        return 0


def _pooled(
    pool: ProcessPoolExecutor, work: Callable[[Path], _Result], paths: Sequence[Path], ahead: int
) -> Iterator[_Result]:
    waiting: deque[tuple[Path, Future[tuple[_Result, ...]] | None]] = deque()
    for path in paths:
        waiting.append((path, _submitted(pool, work, path)))
        if len(waiting) > ahead:
            yield _result(work, *waiting.popleft())
    while waiting:
        yield _result(work, *waiting.popleft())


def _submitted(
    pool: ProcessPoolExecutor, work: Callable[[Path], _Result], path: Path
) -> Future[tuple[_Result, ...]] | None:
    try:
        return pool.submit(_attempt, work, path)
    except BrokenProcessPool:
        return None


def _result(
    work: Callable[[Path], _Result], path: Path, future: Future[tuple[_Result, ...]] | None
) -> _Result:
    try:
        found = future.result() if future else ()
    except BrokenProcessPool:
        found = ()
    return found[0] if found else work(path)


def _attempt(work: Callable[[Path], _Result], path: Path) -> tuple[_Result, ...]:
    """The result alone, or nothing if it is an error: errors are raised where they are shown."""
    try:
        return (work(path),)
    except ChaosmemError:
        return ()


def _begin() -> None:
    """An interrupt from the terminal goes to every process; the parent alone speaks of it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
