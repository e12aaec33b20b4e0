"""A container's log, followed into a file: across lost connections and restarts of the container.

Nothing is lost or doubled: after a lost connection the log is asked for again from a second
before the newest line, and what was taken is left out (loglines.py); after a restart the rest of
what the dead container said is read first (`previous=true`). Where that cannot be known (two
restarts while nobody looked, or a rotated file), it is written down as a gap.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from chaosmem.drivers.kube.calls import Call
from chaosmem.drivers.kube.connect import Cluster
from chaosmem.drivers.kube.kinds import POD
from chaosmem.drivers.kube.loglines import WINDOW, Seen, parse, since_time
from chaosmem.drivers.kube.podmodel import Container, Pod
from chaosmem.drivers.kube.pods import pod_of
from chaosmem.drivers.kube.watching import lines
from chaosmem.errors import ClusterError, ClusterNotFound, ClusterUnreachable, RunDirError

SILENCE: Final = 60.0
"""Seconds without a line after which the log is asked for anew: it may only be a quiet one."""
_CONFIRM: Final = 3.0
"""Seconds after which it is checked that a stream is still of the same container."""
_FIRST_WAIT: Final = 0.1
_LONGEST_WAIT: Final = 2.0


@dataclass(frozen=True, slots=True)
class LogReport:
    """What became of a log: lines written, restarts followed, and each gap in words."""

    lines: int
    restarts: int
    reconnects: int
    gaps: tuple[str, ...]
    pod_gone: bool


@dataclass(slots=True)
class _State:
    seen: Seen = field(default_factory=Seen)
    container_id: str = ""
    restart_count: int = 0
    restarts: int = 0
    reconnects: int = 0
    gaps: list[str] = field(default_factory=list)
    gone: bool = False


class LogFollower:
    """Follows one container of one pod (by uid) into `path`, lines as the program wrote them.

    `from_start` also takes what was said before; else what is said from now on (± 1 s).
    """

    def __init__(
        self, cluster: Cluster, pod: Pod, container: str, path: Path, *, from_start: bool = False
    ) -> None:
        self._cluster, self._pod, self._container = cluster, pod, container
        self._path, self._from_start = path, from_start
        self._state = _State()
        self._restarted = asyncio.Event()

    @property
    def report(self) -> LogReport:
        """How it went so far."""
        s = self._state
        return LogReport(s.seen.taken, s.restarts, s.reconnects, tuple(s.gaps), s.gone)

    async def run(self) -> None:
        """Follow until cancelled, or until the pod is gone."""
        with _opened(self._path) as file:
            wait = _FIRST_WAIT
            while not self._state.gone:
                before = self._state.seen.taken
                try:
                    await self._follow(file)
                except ClusterError:
                    self._state.reconnects += 1
                told = self._state.seen.taken > before
                wait = _FIRST_WAIT if told else min(_LONGEST_WAIT, wait * 2)
                await asyncio.sleep(wait)

    async def drain(self) -> LogReport:
        """Take what was said up to now, once `run` has ended; ClusterError where it fails."""
        with _opened(self._path) as file:
            if not self._state.gone:
                await self._look(file)
            if self._state.container_id:
                await self._take_rest(file, previous=False)
        return self.report

    # --- one connection

    async def _follow(self, file: BinaryIO) -> None:
        container = await self._look(file)
        if container is None or not container.container_id:
            return
        if container.state != "running":
            await self._take_rest(file, previous=False)
            return
        self._restarted.clear()
        stream = asyncio.ensure_future(self._take(file, self._since() | {"follow": "true"}))
        confirm = asyncio.ensure_future(self._confirm())
        try:
            await asyncio.wait({stream, confirm}, return_when=asyncio.FIRST_COMPLETED)
            if confirm.done() and not self._restarted.is_set():
                await asyncio.wait({stream})
            if stream.done():
                await stream
        finally:
            await _ended(stream, confirm)

    async def _look(self, file: BinaryIO) -> Container | None:
        """The container as it is now; what a dead one said last is taken first."""
        container = await self._now()
        if container is None or not container.container_id:
            return container
        state = self._state
        if not state.container_id:
            state.restart_count = container.restart_count
        elif state.container_id != container.container_id:
            await self._follow_restart(file, container)
        state.container_id, state.restart_count = container.container_id, container.restart_count
        return container

    async def _now(self) -> Container | None:
        path = POD.path(self._pod.namespace, self._pod.name)
        try:
            pod = pod_of((await self._cluster.get(path, f"read {self._pod.ref}")).json())
        except ClusterNotFound:
            pod = None
        if pod is None or pod.uid != self._pod.uid:
            self._state.gone = True
            return None
        return pod.container(self._container)

    async def _follow_restart(self, file: BinaryIO, container: Container) -> None:
        state = self._state
        missed = container.restart_count - state.restart_count - 1
        state.restarts += max(1, container.restart_count - state.restart_count)
        if missed > 0:
            state.gaps.append(f"{missed} whole run(s) between two restarts were not seen")
        elif not await self._take_rest(file, previous=True):
            state.gaps.append("what the container said last before its restart is not kept")

    async def _confirm(self) -> None:
        """Set `_restarted` where the stream, against the status of its begin, is a new one's."""
        await asyncio.sleep(_CONFIRM)
        with contextlib.suppress(ClusterError):
            container = await self._now()
            if container is None or container.container_id != self._state.container_id:
                self._restarted.set()

    # --- lines

    def _since(self) -> dict[str, str]:
        if self._state.seen.newest:
            return {"sinceTime": since_time(self._state.seen.newest)}
        return {} if self._from_start else {"sinceSeconds": "1"}

    async def _take_rest(self, file: BinaryIO, *, previous: bool) -> bool:
        """Take what is there, without waiting for more; False where it is not kept any more."""
        query = self._since()
        if previous:
            newest = self._state.seen.newest
            query = {"sinceTime": since_time(newest, before=WINDOW)} if newest else query
            query |= {"previous": "true"}
        try:
            await self._take(file, query)
        except ClusterUnreachable:
            raise
        except ClusterError:
            return False
        return True

    async def _take(self, file: BinaryIO, query: Mapping[str, str]) -> None:
        overlap = self._state.seen.overlap()
        path = POD.path(self._pod.namespace, self._pod.name, "log")
        query = {"container": self._container, "timestamps": "true", **query}
        call = Call("GET", path, f"read the log of {self._pod.ref}", query=query)
        async with self._cluster.stream(call, silence=SILENCE) as chunks:
            async for raw in lines(chunks):
                line = parse(raw)
                if line is not None and self._state.seen.take(line, overlap):
                    _write(file, line.text)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("ab", buffering=0)
    except OSError as problem:
        raise RunDirError(f"cannot write the log {path.name}: {problem.strerror}") from problem
    with file:
        yield file


def _write(file: BinaryIO, text: bytes) -> None:
    try:
        file.write(text + b"\n")
    except OSError as problem:
        raise RunDirError(f"cannot write the log: {problem.strerror}") from problem


async def _ended(*tasks: asyncio.Future[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
