"""What goes on around the pods of a run: their changes, their events, their nodes' pressure."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from chaosmem.clock import RunClock
from chaosmem.drivers.kube.changes import Change
from chaosmem.drivers.kube.connect import Cluster
from chaosmem.drivers.kube.notes import EventWatch, Note, PressureWatch
from chaosmem.drivers.kube.watch import Noticed, PodWatch
from chaosmem.errors import ChaosmemError
from chaosmem.spec.target import KubernetesTarget

_SYNC_SECONDS = 5.0


class Lookout:
    """Three watches; each that may not be had is named, and the run goes on without it."""

    def __init__(
        self,
        cluster: Cluster,
        spec: KubernetesTarget,
        clock: RunClock,
        on_change: Callable[[Change], None],
        say: Callable[[str], None],
    ) -> None:
        self._cluster, self._spec, self._clock = cluster, spec, clock
        self._on_change, self._say = on_change, say
        self._tasks: list[asyncio.Task[None]] = []
        self._about: set[str] = set()

    async def open(self, nodes: Iterable[str], names: Iterable[str]) -> None:
        """Begin; the pods' own watch has seen them all when this returns."""
        spec, clock = self._spec, self._clock
        self.follow(names)
        watch = PodWatch(
            self._cluster, spec.namespace, clock, self._changed, selector=spec.selector
        )
        events = EventWatch(
            self._cluster, spec.namespace, clock, self._noted, about=self._about.__contains__
        )
        self._start("the pods", watch.run())
        self._start("the pods' events", events.run())
        for node in sorted(set(nodes)):
            pressure = PressureWatch(self._cluster, node, clock, self._noted)
            self._start(f"node {node}", pressure.run())
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(watch.synced.wait(), _SYNC_SECONDS)

    def follow(self, names: Iterable[str]) -> None:
        """Tell the events of these pods too: a rollout made them."""
        self._about.update(f"Pod {self._spec.namespace}/{name}" for name in names)

    def _start(self, what: str, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(asyncio.create_task(self._named(what, work), name=f"watch of {what}"))

    async def _named(self, what: str, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except ChaosmemError as problem:
            self._say(f"{what} cannot be watched: {problem}")

    def _changed(self, noticed: Noticed) -> None:
        self._on_change(noticed.change)

    def _noted(self, note: Note) -> None:
        self._say(f"{note.about}: {note.reason}: {note.message}")

    async def close(self) -> None:
        """End all watches."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
