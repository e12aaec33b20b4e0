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
from chaosmem.drivers.kube.loglines import WINDOW, Overlap, Seen, parse, since_time
from chaosmem.drivers.kube.podmodel import Container
from chaosmem.drivers.kube.pods import pod_of
from chaosmem.drivers.kube.watching import lines
from chaosmem.errors import ClusterError, ClusterNotFound, ClusterUnreachable, RunDirError

_SILENCE: Final = 60.0
"""Seconds without a line after which the log is asked for anew: it may only be a quiet one."""
_CONFIRM: Final = 3.0
"""Seconds after which it is checked that a stream is still of the same container."""
_FIRST_WAIT: Final = 0.2
_LONGEST_WAIT: Final = 2.0


@dataclass(slots=True)
class LogReport:
    """What was followed: lines written, streams begun, and what may be missing, in words."""

    lines: int = 0
    streams: int = 0
    restarts: int = 0
    gaps: list[str] = field(default_factory=list)


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
                    await self._follow(file)
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
                    if await self._look(file) is not None:
                        await self._take_rest(file)
        except (TimeoutError, ClusterError) as problem:
            self._gap(f"the last lines may be missing: {problem or 'no answer in time'}")

    def _gap(self, why: str) -> None:
        self.report.gaps.append(f"at {self._clock.now():.1f} s: {why}")

    # --- one stream

    async def _follow(self, file: BinaryIO) -> None:
        container = await self._look(file)
        if container is None:
            return
        if container.state != "running":
            await self._take_rest(file)
            return
        stream = asyncio.ensure_future(self._take(file, {"follow": "true"} | self._since()))
        moved = asyncio.ensure_future(self._moved_on())
        try:
            await asyncio.wait({stream, moved}, return_when=asyncio.FIRST_COMPLETED)
            if not stream.done() and not moved.result():
                await asyncio.wait({stream})
            if stream.done():
                stream.result()
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
            now.resumed = False
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
        newest = self._seen.newest
        since = {"sinceTime": since_time(newest, before=WINDOW)} if newest else {}
        self._now.resumed = False
        if not await self._take_kept(file, {"previous": "true"} | since):
            self._gap("what the container said last before its restart is not kept")

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

    async def _take_rest(self, file: BinaryIO) -> None:
        """Take what is there, without waiting for more."""
        await self._take_kept(file, self._since())

    async def _take_kept(self, file: BinaryIO, query: Mapping[str, str]) -> bool:
        """Take an answer; False where the kubelet has none to give."""
        try:
            await self._take(file, query)
        except ClusterUnreachable:
            raise
        except ClusterError:
            return False
        return True

    async def _take(self, file: BinaryIO, query: Mapping[str, str]) -> None:
        overlap = self._seen.overlap()
        expected = self._now.resumed and bool(self._seen.newest)
        path = POD.path(self._log.namespace, self._log.pod, "log")
        query = {"container": self._log.container, "timestamps": "true", **query}
        what = f"follow the log of {self._log.namespace}/{self._log.pod}"
        self.report.streams += 1
        async with self._cluster.stream(Call("GET", path, what, query), silence=_SILENCE) as chunks:
            async for raw in lines(chunks):
                if self._keep(file, raw, overlap):
                    self._now.resumed = True
                    expected = self._missed(overlap, expected=expected)

    def _keep(self, file: BinaryIO, raw: bytes, overlap: Overlap) -> bool:
        line = parse(raw)
        if line is None or not self._seen.take(line, overlap):
            return False
        _write(file, line.text)
        self.report.lines += 1
        return True

    def _missed(self, overlap: Overlap, *, expected: bool) -> bool:
        """The newest line taken must come again before a new one; the file was rotated else."""
        if expected and not overlap.skipped:
            self._gap("the kubelet rotated the log while it was not followed: lines are missing")
        return False


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


async def _ended(stream: asyncio.Future[None], moved: asyncio.Future[bool]) -> None:
    stream.cancel()
    moved.cancel()
    await asyncio.gather(stream, moved, return_exceptions=True)
