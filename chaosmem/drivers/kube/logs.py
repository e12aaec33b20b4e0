"""A container's log into a file, over restarts and reconnects, with nothing lost or doubled.

Lines are asked for with the timestamps of the container runtime, which are left out of the file:
what is written is what the process wrote. What cannot be had is said, never passed over.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from chaosmem.clock import RunClock
from chaosmem.drivers.kube.calls import Call
from chaosmem.drivers.kube.connect import Cluster
from chaosmem.drivers.kube.kinds import POD
from chaosmem.drivers.kube.loglines import LogLine, Seen, parse
from chaosmem.drivers.kube.watching import lines
from chaosmem.errors import ClusterError, ClusterNotFound

_SILENCE: Final = 3600.0
"""Seconds without a line after which the stream is begun anew; a quiet service is not an error."""
_FIRST_WAIT: Final = 0.2
_LONGEST_WAIT: Final = 2.0
_QUIET: Final = 0.15
"""Seconds without a new line after which a log counts as drained."""


@dataclass(slots=True)
class LogReport:
    """What was followed: lines written, streams begun, and what may be missing, in words."""

    lines: int = 0
    streams: int = 0
    gaps: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class ContainerLog:
    """Whose log."""

    namespace: str
    pod: str
    container: str


class LogFollower:
    """Follows one container's log from its beginning; `run` goes on until it is cancelled."""

    def __init__(
        self,
        cluster: Cluster,
        log: ContainerLog,
        path: Path,
        clock: RunClock,
    ) -> None:
        self._cluster, self._path, self._clock = cluster, path, clock
        self._log = POD.path(log.namespace, log.pod, "log")
        self._container = log.container
        self._what = f"follow the log of {log.namespace}/{log.pod}"
        self._seen = Seen()
        self._newest = 0.0
        self.report = LogReport()

    async def run(self) -> None:
        """Follow; a stream that breaks is begun again where it stopped."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        wait = _FIRST_WAIT
        while True:
            before = self.report.lines
            try:
                await self._stream()
            except ClusterNotFound as problem:
                self._gap(f"the pod is gone: {problem}")
                return
            except ClusterError as problem:
                self._gap(str(problem))
            wait = _FIRST_WAIT if self.report.lines > before else min(_LONGEST_WAIT, wait * 2)
            await asyncio.sleep(wait)

    def _gap(self, why: str) -> None:
        if not self.report.gaps or self.report.gaps[-1] != why:
            self.report.gaps.append(why)

    async def _stream(self) -> None:
        query = {"container": self._container, "follow": "true", "timestamps": "true"}
        if self._seen.second:
            query["sinceTime"] = f"{self._seen.second}Z"
        self._seen.resume()
        self.report.streams += 1
        call = Call("GET", self._log, self._what, query=query)
        with self._path.open("ab") as out:
            async with self._cluster.stream(call, silence=_SILENCE) as chunks:
                async for raw in lines(chunks):
                    line = parse(raw)
                    if line is not None and self._seen.take(line):
                        self._keep(out.write, line)
                        out.flush()

    def _keep(self, write: object, line: LogLine) -> None:
        assert callable(write)  # noqa: S101 - a file's
        write(line.text + b"\n")
        self.report.lines += 1
        self._newest = self._clock.now()

    async def drain(self, *, within: float) -> None:
        """Wait until no new line comes for a moment, at most `within` seconds."""
        deadline, begin = self._clock.now() + within, self._clock.now()
        while self._clock.now() < deadline:
            if self._clock.now() - max(self._newest, begin) >= _QUIET:
                return
            await asyncio.sleep(_QUIET / 3)
