"""The helper beside one target, and the pod that sends load from inside the cluster."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from chaosmem.clock import RunClock
from chaosmem.drivers.agent import Agent
from chaosmem.drivers.helper import HelperInfo, HelperSource
from chaosmem.drivers.kube.connect import Cluster
from chaosmem.drivers.podload import PodLoad
from chaosmem.errors import TargetError
from chaosmem.plan.model import PlannedPod
from chaosmem.run.helperpod import HelperOrder, load_body, pod_body, secret_body
from chaosmem.run.ownpod import OwnPod, Reached, pod_name
from chaosmem.run.undo import Ledger
from chaosmem.spec.target import KubernetesTarget


@dataclass(frozen=True, slots=True)
class Helper:
    """A helper that is ready."""

    client: Agent
    source: HelperSource
    info: HelperInfo


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a trial wants of pods of its own."""

    key: str
    run_id: str
    target: PlannedPod
    stress: bool
    expect_oom: bool
    seconds: int

    def order(self, what: str) -> HelperOrder:
        """The order for one of them."""
        ends = datetime.now(UTC) + timedelta(seconds=self.seconds)
        return HelperOrder(
            run_id=self.run_id,
            name=pod_name(self.run_id, self.key, what),
            target=self.target,
            stress=self.stress,
            seconds=self.seconds,
            deadline=f"{ends:%Y-%m-%dT%H:%M:%SZ}",
            expect_oom=self.expect_oom,
        )


class Helping:
    """Makes, and takes away, the helper of one trial."""

    def __init__(
        self, cluster: Cluster, spec: KubernetesTarget, wanted: Wanted, clock: RunClock
    ) -> None:
        self._spec, self._clock = spec, clock
        self._order = wanted.order("helper")
        self._pod = OwnPod(cluster, spec, self._order.name, key=wanted.key, run_id=wanted.run_id)

    async def start(self, ledger: Ledger) -> Helper:
        """Promise its removal, make it, wait until it answers; TargetError says what it lacks."""
        namespace = self._spec.control_namespace
        await self._pod.promise(ledger, secret_body(self._order, namespace, self._pod.token))
        helper = await self._first()
        if not self._order.stress or helper.info.stress.possible:
            return helper
        if helper.info.cgroup.version == 2:  # noqa: PLR2004 - cgroup v2
            await self._pod.remove_pod()
            helper = await self._made(replace(self._order, enter_namespace=True))
        if not helper.info.stress.possible:
            raise TargetError(f"the helper cannot press on the cgroup: {helper.info.stress.why}")
        return helper

    async def _first(self) -> Helper:
        """Where a node does not have CAP_SYS_RESOURCE to give, once more without it."""
        try:
            return await self._made(self._order)
        except TargetError:
            if not (self._order.expect_oom and self._order.outrank):
                raise
        await self._pod.remove_pod()
        self._order = replace(self._order, outrank=False)
        return await self._made(self._order)

    async def _made(self, order: HelperOrder) -> Helper:
        body, port = pod_body(order, self._spec), self._spec.helper.port
        reached: Reached = await self._pod.make(body, port, self._clock)
        source = HelperSource(reached.http, token=self._pod.token)
        return Helper(reached.acts, source, await source.info())

    async def stop(self, ledger: Ledger) -> None:
        """Remove it."""
        await self._pod.stop(ledger)


class Loading:
    """Makes, and takes away, the load pod of one trial."""

    def __init__(
        self, cluster: Cluster, spec: KubernetesTarget, wanted: Wanted, clock: RunClock
    ) -> None:
        self._spec, self._clock = spec, clock
        self._order = wanted.order("load")
        self._pod = OwnPod(cluster, spec, self._order.name, key=wanted.key, run_id=wanted.run_id)

    async def start(self, ledger: Ledger, url: str) -> PodLoad:
        """Promise its removal, make it, wait until it answers; `url` is what it shall load."""
        namespace = self._spec.control_namespace
        await self._pod.promise(ledger, secret_body(self._order, namespace, self._pod.token))
        body, port = load_body(self._order, self._spec), self._spec.helper.port
        reached = await self._pod.make(body, port, self._clock)
        return PodLoad(reached.http, reached.acts, self._pod.token, url)

    async def stop(self, ledger: Ledger) -> None:
        """Remove it."""
        await self._pod.stop(ledger)
