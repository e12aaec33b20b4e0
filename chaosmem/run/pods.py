"""A pod as the target of one trial: found again, reached, watched, with its company beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from chaosmem.drivers.http import Http
from chaosmem.drivers.kube import pods
from chaosmem.drivers.kube.changes import Change, What
from chaosmem.drivers.kube.podmodel import Pod
from chaosmem.drivers.sources import Source
from chaosmem.errors import ChaosmemError, TargetGone
from chaosmem.faults.base import PodScene
from chaosmem.run.clusterundo import fulfil
from chaosmem.run.lease import Holder
from chaosmem.run.podhelp import Company
from chaosmem.run.podmesh import mesh_access
from chaosmem.run.podplace import Place
from chaosmem.run.podways import Ways
from chaosmem.run.target import Use
from chaosmem.run.tokens import pod_token
from chaosmem.run.undo import Ledger
from chaosmem.rundir.events import DeleteObject, ReleaseInPod
from chaosmem.spec.base import Phase

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


class PodTarget:
    """One pod, in one trial; chaosmem neither starts nor stops it."""

    watches_itself = True
    restart: Callable[[Mapping[str, str]], Awaitable[None]] | None = None

    def __init__(self, place: Place) -> None:
        self._place, self.name = place, place.name
        self._ways, self._company = Ways(place), Company(place)
        self.gone = asyncio.Event()
        self.token = ""
        self._pod: Pod | None = None

    # --- what the engine asks

    @property
    def pid(self) -> int | None:
        """It is on another machine."""
        return None

    @property
    def url(self) -> str:
        """Where the service answers, through the transport."""
        return self._ways.url

    def http(self, use: Use, *, keep: bool) -> Http:
        """Connections through the chosen transport."""
        return self._ways.http(use, keep=keep)

    def environment(self) -> Mapping[str, str]:
        """The literal environment of its container, as the API server has it."""
        if self._pod is None:
            return {}
        env = self._pod.container(self._place.pod.container).env
        return {e.name: e.value for e in env if e.value is not None}

    def holders(self) -> tuple[Holder, ...]:
        """The agent in the pod, and what stands beside it."""
        place, planned, access = self._place, self._place.pod, self._place.target.agent
        if access is None:
            return tuple(self._company.holders())
        undo = ReleaseInPod(
            run_id=place.run_id,
            context=place.spec.context or "",
            namespace=planned.namespace,
            pod=planned.name,
            uid=planned.uid,
            container=planned.container,
            container_id=planned.container_id,
            port=place.port("agent"),
            path=access.path,
            transport=place.spec.transport,
            token_env=access.token_env,
            token_file=access.token_file or "",
            token_secret=access.token_secret or "",
        )
        return (Holder("agent", undo), *self._company.holders())

    def beside(self) -> Sequence[Source]:
        """The container's cgroup, by the helper, as soon as it answers."""
        return self._company.sources

    def pod_scene(self) -> PodScene | None:
        """The pod and its company."""
        company = self._company
        return PodScene(
            self._place.pod,
            lambda: company.helper,
            mesh_access(self._place, company.working_set),
            lambda: company.no_helper,
            company.loader,
        )

    # --- start

    async def start(self, ledger: Ledger) -> None:
        """Find the very pod that was planned, reach it, and call the helper beside it."""
        place = self._place
        self._pod = await self._same()
        container = self._pod.container(place.pod.container)
        place.tell({"image": container.image, "image_id": container.image_id})
        place.changed("ready", f"container {place.pod.container} on {self._pod.node}")
        self._company.call(ledger)
        if place.target.agent is not None:
            self.token = await pod_token(place.cluster, place.target.agent, place.pod.namespace)
        await self._ways.open(self._pod, self.token)
        await self._company.load_from_inside(ledger, self._pod.ip, direct=self._ways.direct)

    async def settled(self, phase: Phase) -> None:
        """Whatever `phase` needs beside the target is there, or known not to come."""
        await self._company.settled(phase)

    async def _same(self) -> Pod:
        planned = self._place.pod
        pod = await pods.get_pod(self._place.cluster, planned.namespace, planned.name)
        container = pod.container(planned.container)
        if pod.uid != planned.uid or pod.deleting or container.container_id != planned.container_id:
            raise TargetGone(
                f"pod {self.name} is not the one that was planned: it was replaced or restarted",
                hint="run it again; the plan is made anew",
            )
        return pod

    # --- what happens to it

    def hear(self, change: Change) -> None:
        """One change of a pod; those that end this one's process end the trial."""
        pod, planned = change.pod, self._place.pod
        if pod is None or pod.uid != planned.uid or self.gone.is_set():
            return
        ours = change.container in ("", planned.container)
        state = _ENDS.get(change.what) if ours else None
        words = f"{change.what} {change.detail}".strip()
        if state is not None:
            self._place.changed(state, words)
            self.gone.set()
        elif change.container:
            self._place.note(f"{self.name}, container {change.container}: {words}")
        else:
            self._place.note(f"{self.name}: {words}")

    # --- stop

    async def stop(self, ledger: Ledger) -> None:
        """Remove what stands beside it, take the last log lines, close all connections."""
        await self._account(ledger)
        await self._company.stop(ledger)
        await self._ways.close()

    async def _account(self, ledger: Ledger) -> None:
        """Promises that the trial did not see kept: a pod that is gone, for one, has kept them."""
        for promise in ledger.of_trial(self._place.key):
            undo = promise.undo
            ours = isinstance(undo, ReleaseInPod) or (
                isinstance(undo, DeleteObject) and undo.kind == "StressChaos"
            )
            if ours:
                try:
                    await fulfil(self._place.cluster, undo, self._place.stage.clock)  # type: ignore[arg-type]
                except ChaosmemError as problem:
                    ledger.failed(promise.id, str(problem))
                else:
                    ledger.done(promise.id)
