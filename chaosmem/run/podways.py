"""The ways to a pod: a route to each of its ports, when its process began, its log."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime

from chaosmem.drivers.http import Http
from chaosmem.drivers.kube.logs import ContainerLog, LogFollower
from chaosmem.drivers.kube.podmodel import Pod
from chaosmem.drivers.kube.transport import Route, open_route
from chaosmem.run.podplace import Place
from chaosmem.run.target import Use
from chaosmem.run.wires import find_agent

_DRAIN_WITHIN = 2.0


class Ways:
    """Opened at the trial's start, closed at its stop."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._stack = contextlib.AsyncExitStack()
        self._routes: dict[int, Route] = {}
        self._log: LogFollower | None = None

    async def open(self, pod: Pod, token: str) -> None:
        """Reach all its ports, learn when its process began, follow its log."""
        await self._reach(pod)
        await self._date_start(pod, token)
        self._follow_log()

    @property
    def url(self) -> str:
        """Where the service answers, through the transport."""
        return self._routes[self._place.pod.port].url

    @property
    def direct(self) -> bool:
        """Whether the service is reached by the pod's own address."""
        return self._routes[self._place.pod.port].choice.transport == "direct"

    def http(self, use: Use, *, keep: bool) -> Http:
        """Connections through the chosen transport."""
        return self._routes[self._place.port(use)].http(keep=keep)

    async def _reach(self, pod: Pod) -> None:
        place = self._place
        ports = {place.port(use) for use in ("service", "agent", "metrics", "pprof")}
        probe = place.target.pprof.path if place.target.pprof else "/"
        for port in sorted(ports):
            route = open_route(
                place.cluster,
                pod,
                port,
                place.stage.clock,
                wanted=place.spec.transport,
                probe=probe,
            )
            self._routes[port] = await self._stack.enter_async_context(route)
            choice = self._routes[port].choice
            place.note(f"port {port} is reached by {choice.transport}: {choice.reason}")

    async def _date_start(self, pod: Pod, token: str) -> None:
        """When the process began, on the run's clock: gctrace counts from there.

        By the agent where there is one (some ms); else by the kubelet's whole seconds.
        """
        place, clock = self._place, self._place.stage.clock
        began = pod.container(place.pod.container).started_at
        at = clock.now()
        detail = "by the kubelet, to the second"
        if began is not None:
            at -= (datetime.now(UTC) - began).total_seconds()
        async with self.http("agent", keep=False) as http:
            _, info, _ = await find_agent(place.stage.experiment, http, token, place.run_id)
            if info is not None and info.start_unix_ns:
                at = clock.now() - (info.now_unix_ns - info.start_unix_ns) / 1e9
                detail = "by the agent"
        place.changed("started", detail, at=at)

    def _follow_log(self) -> None:
        place, pod = self._place, self._place.pod
        path = place.stage.rundir.path(f"logs/{place.key}.log")
        log = ContainerLog(pod.namespace, pod.name, pod.container)
        self._log = LogFollower(place.cluster, log, path, place.stage.clock)
        task = asyncio.create_task(self._log.run(), name=f"log of {place.name}")
        self._stack.callback(task.cancel)

    async def close(self) -> None:
        """Take the last log lines, and close all connections."""
        if self._log is not None:
            await self._log.drain(within=_DRAIN_WITHIN)
            for gap in self._log.report.gaps:
                self._place.trouble(gap.t, "log", gap.text)
        await self._stack.aclose()
