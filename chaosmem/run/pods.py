"""A pod as the target of one trial: reached, watched, with its helper beside it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from chaosmem.drivers.http import Http
from chaosmem.drivers.kube import pods
from chaosmem.drivers.kube.changes import Change, What
from chaosmem.drivers.kube.connect import Cluster
from chaosmem.drivers.kube.logs import ContainerLog, LogFollower
from chaosmem.drivers.kube.podmodel import Pod
from chaosmem.drivers.kube.transport import Route, open_route
from chaosmem.drivers.podload import PodLoad
from chaosmem.drivers.sources import Source
from chaosmem.errors import ChaosmemError, TargetGone
from chaosmem.faults.base import PodScene
from chaosmem.faults.mesh_access import MeshAccess
from chaosmem.plan.model import PlannedPod
from chaosmem.run.clusterundo import fulfil
from chaosmem.run.helping import Helper, Helping, Loading, Wanted
from chaosmem.run.lease import DEADLINE_SLACK, Holder
from chaosmem.run.stage import Stage
from chaosmem.run.target import Use, declared_port
from chaosmem.run.tokens import pod_token
from chaosmem.run.undo import Ledger, Promise
from chaosmem.run.wires import find_agent
from chaosmem.rundir import events
from chaosmem.rundir.events import DeleteObject, ReleaseInPod
from chaosmem.spec.faults import LoadFault, MemoryFault

_ENDS = {
    What.OOM_KILLED: "oom-killed",
    What.ENDED: "exited",
    What.RESTARTED: "restarted",
    What.DELETED: "exited",
    What.REPLACED: "restarted",
    What.EVICTED: "exited",
    What.NODE_GONE: "unreachable",
}
"""Changes after which another process, or none, answers for the target."""
_START_SECONDS = 120
"""Seconds that a helper may live before its trial begins: images, rollouts."""
_DRAIN_WITHIN = 2.0
_CLOCK_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where a pod target is: the cluster, the run, and which trial."""

    cluster: Cluster
    stage: Stage
    key: str


class PodTarget:
    """One pod, in one trial; chaosmem neither starts nor stops it."""

    watches_itself = True
    restart: Callable[[Mapping[str, str]], Awaitable[None]] | None = None

    def __init__(self, place: Place, pod: PlannedPod) -> None:
        self._place, self._stage, self._planned = place, place.stage, pod
        target = self._stage.experiment.target
        assert target.kubernetes is not None  # noqa: S101 - the supply makes no others
        self._target, self._spec = target, target.kubernetes
        self.name = f"{pod.namespace}/{pod.name}"
        self.gone = asyncio.Event()
        self.token = ""
        self._stack = contextlib.AsyncExitStack()
        self._routes: dict[int, Route] = {}
        self._pod: Pod | None = None
        self._helping: Helping | None = None
        self._helper: Helper | None = None
        self._no_helper = ""
        self._loading: Loading | None = None
        self._loader: PodLoad | None = None
        self._log: LogFollower | None = None

    # --- what the engine asks

    @property
    def pid(self) -> int | None:
        """It is on another machine."""
        return None

    @property
    def url(self) -> str:
        """Where the service answers, through the transport."""
        return self._routes[self._planned.port].url

    def http(self, use: Use, *, keep: bool) -> Http:
        """Connections through the chosen transport."""
        return self._routes[self._port(use)].http(keep=keep)

    def _port(self, use: Use) -> int:
        return declared_port(self._target, use) or self._planned.port

    def environment(self) -> Mapping[str, str]:
        """The literal environment of its container, as the API server has it."""
        if self._pod is None:
            return {}
        env = self._pod.container(self._planned.container).env
        return {e.name: e.value for e in env if e.value is not None}

    def holders(self) -> tuple[Holder, ...]:
        """The agent in the pod, and the helper beside it."""
        found = []
        access = self._target.agent
        if access is not None:
            undo = ReleaseInPod(
                run_id=self._stage.rundir.run_id,
                context=self._spec.context or "",
                namespace=self._planned.namespace,
                pod=self._planned.name,
                uid=self._planned.uid,
                container=self._planned.container,
                container_id=self._planned.container_id,
                port=self._port("agent"),
                path=access.path,
                transport=self._spec.transport,
                token_env=access.token_env,
                token_file=access.token_file or "",
                token_secret=access.token_secret or "",
            )
            found.append(Holder("agent", undo))
        if self._helper is not None and self._presses:
            found.append(Holder("helper", None))
        if self._loader is not None:
            found.append(Holder("loader", None))
        return tuple(found)

    def beside(self) -> tuple[Source, ...]:
        """The container's cgroup, by the helper."""
        return (self._helper.source,) if self._helper is not None else ()

    def pod_scene(self) -> PodScene | None:
        """The pod and its helper."""
        helper = self._helper.client if self._helper is not None and self._presses else None
        return PodScene(self._planned, helper, self._chaos_mesh(), self._no_helper, self._loader)

    def _chaos_mesh(self) -> MeshAccess | None:
        faults = self._stage.experiment.faults
        meshed = [f for f in faults if isinstance(f, MemoryFault) and f.via == "chaos-mesh"]
        if not meshed:
            return None
        phases, key, run = self._stage.experiment.phases, self._place.key, self._stage.rundir.run_id
        name = f"chaosmem-{run.lower()}-{key.replace('.', '-')}"[:57].strip("-")
        undo = DeleteObject(
            run_id=run,
            context=self._spec.context or "",
            kind="StressChaos",
            namespace=self._spec.control_namespace,
            name=name,
        )
        promise = Promise(f"{key}.stresschaos", key, f"delete StressChaos {name}", undo)
        return MeshAccess(
            cluster=self._place.cluster,
            run_id=run,
            name=name,
            namespace=self._spec.control_namespace,
            target=self._planned,
            seconds=round(self._stage.longest_trial + DEADLINE_SLACK),
            ramp=phases.inject if meshed[0].ramp is None else meshed[0].ramp,
            promise=lambda: self._stage.ledger.promise(promise),
            working_set=self._working_set,
        )

    def _working_set(self) -> int | None:
        last = self._helper.source.last if self._helper is not None else None
        return last.cgroup.working_set if last is not None and last.cgroup is not None else None

    @property
    def _presses(self) -> bool:
        return any(
            isinstance(f, MemoryFault) and f.via == "helper" for f in self._stage.experiment.faults
        )

    # --- start

    async def start(self, ledger: Ledger) -> None:
        """Find the very pod that was planned, reach it, and put the helper beside it."""
        self._pod = await self._same()
        container = self._pod.container(self._planned.container)
        self._tell({"image": container.image, "image_id": container.image_id})
        self._changed("ready", f"container {self._planned.container} on {self._pod.node}")
        access = self._target.agent
        if access is not None:
            self.token = await pod_token(self._place.cluster, access, self._planned.namespace)
        works = (self._introduced(self._pod, ledger), self._put_helper(ledger))
        # Both to their end, whatever becomes of the other: what is still being made while
        # everything is taken back would stay.
        for problem in await asyncio.gather(*works, return_exceptions=True):
            if isinstance(problem, BaseException):
                raise problem

    async def _introduced(self, pod: Pod, ledger: Ledger) -> None:
        await self._reach(pod)
        await self._date_start()
        self._follow_log()
        if self._loads_from_inside():
            self._loading = Loading(
                self._place.cluster, self._spec, self._wanted, self._stage.clock
            )
            address = f"http://{pod.ip}:{self._planned.port}"
            self._loader = await self._loading.start(ledger, address)

    def _loads_from_inside(self) -> bool:
        """Asked for, or needed: through the API server no load is sent."""
        loads = [f for f in self._stage.experiment.faults if isinstance(f, LoadFault)]
        direct = self._routes[self._planned.port].choice.transport == "direct"
        return any(f.origin == "cluster" or (f.origin == "auto" and not direct) for f in loads)

    async def _same(self) -> Pod:
        planned = self._planned
        pod = await pods.get_pod(self._place.cluster, planned.namespace, planned.name)
        container = pod.container(planned.container)
        if pod.uid != planned.uid or pod.deleting or container.container_id != planned.container_id:
            raise TargetGone(
                f"pod {self.name} is not the one that was planned: it was replaced or restarted",
                hint="run it again; the plan is made anew",
            )
        return pod

    async def _reach(self, pod: Pod) -> None:
        ports = {self._port(use) for use in ("service", "agent", "metrics", "pprof")}
        probe = self._target.pprof.path if self._target.pprof else "/"
        for port in sorted(ports):
            route = open_route(
                self._place.cluster,
                pod,
                port,
                self._stage.clock,
                wanted=self._spec.transport,
                probe=probe,
            )
            self._routes[port] = await self._stack.enter_async_context(route)
            choice = self._routes[port].choice
            self._note(f"port {port} is reached by {choice.transport}: {choice.reason}")

    async def _date_start(self) -> None:
        """When the process began, on the run's clock: gctrace counts from there.

        By the agent where there is one (some ms); else by the kubelet's whole seconds.
        """
        assert self._pod is not None  # noqa: S101 - start has just read it
        began = self._pod.container(self._planned.container).started_at
        at = self._stage.clock.now()
        detail = "by the kubelet, to the second"
        if began is not None:
            at -= (datetime.now(UTC) - began).total_seconds()
        async with self.http("agent", keep=False) as http:
            run = self._stage.rundir.run_id
            _, info, _ = await find_agent(self._stage.experiment, http, self.token, run)
            if info is not None and info.start_unix_ns:
                now = self._stage.clock.now()
                at = now - (info.now_unix_ns - info.start_unix_ns) / 1e9
                detail = "by the agent"
        self._changed("started", detail, at=at)

    def _follow_log(self) -> None:
        pod = self._planned
        path = self._stage.rundir.path(f"logs/{self._place.key}.log")
        log = ContainerLog(pod.namespace, pod.name, pod.container)
        self._log = LogFollower(self._place.cluster, log, path, self._stage.clock)
        task = asyncio.create_task(self._log.run(), name=f"log of {self.name}")
        self._stack.callback(task.cancel)

    async def _put_helper(self, ledger: Ledger) -> None:
        """Where it cannot be, the trial goes on: what needs it is then refused, by name."""
        if not (self._presses or self._spec.helper.observe):
            return
        stage = self._stage
        self._helping = Helping(self._place.cluster, self._spec, self._wanted, stage.clock)
        try:
            self._helper = await self._helping.start(ledger)
        except ChaosmemError as problem:
            self._no_helper = str(problem)
            self._note(f"no helper beside {self.name}: {problem}")
            return
        cgroup = self._helper.info.cgroup
        facts = {"cgroup": f"v{cgroup.version} {cgroup.driver}", "cgroup.limit": str(cgroup.limit)}
        with contextlib.suppress(ChaosmemError):
            facts["clock.node"] = await self._node_clock(self._helper)
        self._tell(facts)

    async def _node_clock(self, helper: Helper) -> str:
        """The node's clock less this machine's, by one quick answer (± half of its round trip)."""
        answer, sample = await helper.source.sample(timeout=_CLOCK_SECONDS)
        ours = time.time() - (self._stage.clock.now() - answer.t)
        return f"{sample.now_unix_ns / 1e9 - ours:+.4f} s ± {answer.u:.4f} s"

    @property
    def _wanted(self) -> Wanted:
        """What the pods of this trial are made for."""
        stage = self._stage
        memory = [f for f in stage.experiment.faults if isinstance(f, MemoryFault)]
        return Wanted(
            key=self._place.key,
            run_id=stage.rundir.run_id,
            target=self._planned,
            stress=self._presses,
            expect_oom=any(f.oom == "expected" for f in memory),
            seconds=round(stage.longest_trial + DEADLINE_SLACK + _START_SECONDS),
        )

    # --- what happens to it

    def hear(self, change: Change) -> None:
        """One change of a pod; those that end this one's process end the trial."""
        pod = change.pod
        if pod is None or pod.uid != self._planned.uid or self.gone.is_set():
            return
        ours = change.container in ("", self._planned.container)
        state = _ENDS.get(change.what) if ours else None
        words = f"{change.what} {change.detail}".strip()
        if state is not None:
            self._changed(state, words)
            self.gone.set()
        elif change.container:
            self._note(f"{self.name}, container {change.container}: {words}")
        else:
            self._note(f"{self.name}: {words}")

    def _changed(self, state: str, detail: str, *, at: float | None = None) -> None:
        now = self._stage.clock.now()
        self._stage.write(
            events.TargetChanged(
                t=now if at is None else at, trial=self._place.key, state=state, detail=detail
            )
        )

    def _tell(self, facts: dict[str, str]) -> None:
        now = self._stage.clock.now()
        self._stage.write(events.TargetFacts(t=now, trial=self._place.key, facts=facts))

    def _note(self, text: str) -> None:
        now = self._stage.clock.now()
        self._stage.write(events.Noted(t=now, trial=self._place.key, text=text))

    # --- stop

    async def stop(self, ledger: Ledger) -> None:
        """Remove the helper, take the last log lines, close all connections."""
        await self._account(ledger)
        own = [pod for pod in (self._helping, self._loading) if pod is not None]
        await asyncio.gather(*(pod.stop(ledger) for pod in own))
        if self._log is not None:
            await self._log.drain(within=_DRAIN_WITHIN)
            for gap in self._log.report.gaps:
                self._note(f"log of {self.name}: {gap}")
        await self._stack.aclose()

    async def _account(self, ledger: Ledger) -> None:
        """Promises that the trial did not see kept: a pod that is gone, for one, has kept them."""
        for promise in ledger.of_trial(self._place.key):
            undo = promise.undo
            ours = isinstance(undo, ReleaseInPod) or (
                isinstance(undo, DeleteObject) and undo.kind == "StressChaos"
            )
            if ours:
                try:
                    await fulfil(self._place.cluster, undo, self._stage.clock)  # type: ignore[arg-type]
                except ChaosmemError as problem:
                    ledger.failed(promise.id, str(problem))
                else:
                    ledger.done(promise.id)
