"""A container's log into a file, over restarts and reconnects, with nothing lost or doubled.

Lines are asked for with the timestamps of the container runtime, which are left out of the file:
what is written is what the process wrote. After a lost connection the log is asked for again from
a second before the newest line, and what was taken is left out (loglines.py); after a restart the
rest of what the dead container said is read first (`previous=true`). What cannot be had (two
restarts while nobody looked, a rotated file) is said, never passed over.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from chaosmem.clock import RunClock
from chaosmem.drivers.kube.calls import Call
from chaosmem.drivers.kube.connect import Cluster
from chaosmem.drivers.kube.kinds import POD
from chaosmem.drivers.kube.loglines import WINDOW, LogLine, Overlap, Seen, parse, since_time
from chaosmem.drivers.kube.podmodel import Container
from chaosmem.drivers.kube.pods import pod_of
from chaosmem.drivers.kube.watching import lines
from chaosmem.errors import ClusterError, ClusterNotFound, ClusterUnreachable, RunDirError

_SILENCE: Final = 60.0
"""Seconds without a line after which the log is asked for anew: it may only be a quiet one."""
_CONFIRM: Final = 3.0
"""Seconds after which it is checked that a stream is still of the same container."""
_STATUS_LAG: Final = 10.0
"""Seconds by which a pod's status may lag behind its log, while the API server was away."""
_FIRST_WAIT: Final = 0.2
_LONGEST_WAIT: Final = 2.0


@dataclass(frozen=True, slots=True)
class Gap:
    """Lines that may be missing: noticed at `t` seconds of the run's clock, and why."""

    t: float
    text: str


@dataclass(slots=True)
class LogReport:
    """What was followed: lines written, streams begun, and what may be missing."""

    lines: int = 0
    streams: int = 0
    restarts: int = 0
    gaps: list[Gap] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ContainerLog:
    """Whose log."""

    namespace: str
    pod: str
    container: str


@dataclass(slots=True)
class _Followed:
    """Which run of the container is followed."""

    pod_uid: str = ""
    container_id: str = ""
    restart_count: int = 0
    resumed: bool = False
    """The next answer begins before what was taken of this very run."""
    complete: bool = False
    """It was followed to its end."""


class _Elsewhere(Exception):
    """An answer does not go on where the last one stopped."""


class LogFollower:
    """Follows one container's log from its beginning; `run` goes on until cancelled or drained."""

    def __init__(self, cluster: Cluster, log: ContainerLog, path: Path, clock: RunClock) -> None:
        self._cluster, self._log, self._path, self._clock = cluster, log, path, clock
        self._seen, self._now, self._gone = Seen(), _Followed(), False
        self._task: asyncio.Task[None] | None = None
        self.report = LogReport()

    async def run(self) -> None:
        """Follow until the pod is gone; a stream that breaks is begun again where it stopped."""
        self._task = asyncio.current_task()
        wait = _FIRST_WAIT
        with _opened(self._path) as file:
            while not self._gone:
                before = self.report.lines
                with contextlib.suppress(ClusterError):  # tried again, from where it stopped
                    try:
                        await self._follow(file)
                    except _Elsewhere:
                        await self._doubt()
                told = self.report.lines > before
                wait = _FIRST_WAIT if told else min(_LONGEST_WAIT, wait * 2)
                await asyncio.sleep(wait)

    async def drain(self, *, within: float) -> None:
        """Stop following, and take what was said up to now, at most `within` seconds."""
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait({self._task})
        if self._gone:
            return
        try:
            async with asyncio.timeout(within):
                with _opened(self._path) as file:
                    await self._take_last(file)
        except (TimeoutError, ClusterError) as problem:
            self._gap(f"the last lines may be missing: {problem or 'no answer in time'}")

    async def _take_last(self, file: BinaryIO) -> None:
        if await self._look(file) is None:
            return
        try:
            await self._take_rest(file)
        except _Elsewhere:
            await self._doubt()
            await self._look(file)
            await self._take_rest(file)

    def _gap(self, why: str) -> None:
        self.report.gaps.append(Gap(self._clock.now(), why))

    # --- one stream

    async def _follow(self, file: BinaryIO) -> None:
        container = await self._look(file)
        if container is None:
            return
        if container.state != "running":
            self._now.complete = await self._take_rest(file)
            return
        self._now.complete = False
        stream = asyncio.ensure_future(self._take(file, {"follow": "true"} | self._since()))
        moved = asyncio.ensure_future(self._moved_on())
        try:
            await asyncio.wait({stream, moved}, return_when=asyncio.FIRST_COMPLETED)
            if not stream.done() and not moved.result():
                await asyncio.wait({stream})
            if stream.done():
                self._now.complete = stream.result()
        finally:
            await _ended(stream, moved)

    async def _look(self, file: BinaryIO) -> Container | None:
        """The container, where it was created; what a dead run of it said last is taken first."""
        container = await self._container()
        if container is None or not container.container_id:
            return None
        now = self._now
        if now.container_id not in ("", container.container_id):
            await self._pass_over(file, container)
            now.resumed = now.complete = False
        now.container_id, now.restart_count = container.container_id, container.restart_count
        return container

    async def _container(self) -> Container | None:
        path = POD.path(self._log.namespace, self._log.pod)
        try:
            reply = await self._cluster.get(path, f"read pod {self._log.namespace}/{self._log.pod}")
            pod = pod_of(reply.json())
        except ClusterNotFound:
            self._gone = True
            return None
        self._now.pod_uid = self._now.pod_uid or pod.uid
        self._gone = pod.uid != self._now.pod_uid
        return None if self._gone else pod.container(self._log.container)

    async def _pass_over(self, file: BinaryIO, container: Container) -> None:
        """A restart: the rest of the dead run, then the new one."""
        restarts = max(1, container.restart_count - self._now.restart_count)
        self.report.restarts += restarts
        if restarts > 1:
            self._gap(f"{restarts - 1} whole runs between two restarts were not seen")
        if not await self._take_dead(file, container) and not self._now.complete:
            self._gap("what the container said last before its restart is not kept")

    async def _take_dead(self, file: BinaryIO, container: Container) -> bool:
        """Take the rest of the run that was followed; False where it is not kept any more.

        `previous` is the run that ended last, which may be a later one.
        """
        ended, newest = container.last_terminated, self._seen.newest
        if ended is None or ended.container_id != self._now.container_id:
            return False
        since = {"sinceTime": since_time(newest, before=WINDOW)} if newest else {}
        try:
            return await self._take_kept(file, {"previous": "true"} | since)
        except _Elsewhere:
            return False

    async def _moved_on(self) -> bool:
        """Whether, a little later, the container is another one than the stream was begun for."""
        await asyncio.sleep(_CONFIRM)
        try:
            container = await self._container()
        except ClusterError:
            return False
        return container is None or container.container_id != self._now.container_id

    # --- lines

    def _since(self) -> dict[str, str]:
        return {"sinceTime": since_time(self._seen.newest)} if self._seen.newest else {}

    async def _take_rest(self, file: BinaryIO) -> bool:
        """Take what is there, without waiting for more."""
        return await self._take_kept(file, self._since())

    async def _take_kept(self, file: BinaryIO, query: Mapping[str, str]) -> bool:
        """Take an answer; False where the kubelet has none that goes on from what was taken."""
        try:
            return await self._take(file, query)
        except ClusterUnreachable:
            raise
        except ClusterError:
            return False

    async def _take(self, file: BinaryIO, query: Mapping[str, str]) -> bool:
        """Take an answer; False where nothing in it was taken before, though it should.

        The kubelet answers for a container that was removed too: with words, and no lines.
        """
        overlap = self._seen.overlap()
        expected = self._now.resumed and bool(self._seen.newest)
        path = POD.path(self._log.namespace, self._log.pod, "log")
        query = {"container": self._log.container, "timestamps": "true", **query}
        what = f"follow the log of {self._log.namespace}/{self._log.pod}"
        self.report.streams += 1
        async with self._cluster.stream(Call("GET", path, what, query), silence=_SILENCE) as chunks:
            async for raw in lines(chunks):
                line = parse(raw)
                if line is None:
                    continue
                if expected and overlap.begins_elsewhere(line):
                    raise _Elsewhere
                self._keep(file, line, overlap)
        return overlap.skipped > 0 or not expected

    def _keep(self, file: BinaryIO, line: LogLine, overlap: Overlap) -> None:
        if self._seen.take(line, overlap):
            _write(file, line.text)
            self.report.lines += 1
            self._now.resumed = True

    async def _doubt(self) -> None:
        """The newest line did not come again: another run's log, or a rotated one.

        The pod's status says which, but only after the log does.
        """
        deadline = self._clock.now() + _STATUS_LAG
        while self._clock.now() < deadline:
            container = await self._container()
            if container is None or container.container_id != self._now.container_id:
                return
            await asyncio.sleep(_FIRST_WAIT)
        self._gap("the kubelet rotated the log while it was not followed: lines are missing")
        self._now.resumed = False


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


async def _ended(stream: asyncio.Future[bool], moved: asyncio.Future[bool]) -> None:
    stream.cancel()
    moved.cancel()
    await asyncio.gather(stream, moved, return_exceptions=True)
