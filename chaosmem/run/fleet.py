"""The pods of a run: one connection, one record, one watch; a rollout for a round that needs it."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from chaosmem.drivers.kube import pods
from chaosmem.drivers.kube.changes import Change
from chaosmem.drivers.kube.connect import Cluster
from chaosmem.drivers.kube.kinds import Ref
from chaosmem.errors import ChaosmemError, TargetGone
from chaosmem.plan.model import PlannedPod, PlannedTrial
from chaosmem.run.job import Job
from chaosmem.run.lookout import Lookout
from chaosmem.run.podplace import Place
from chaosmem.run.podplan import candidate
from chaosmem.run.pods import PodTarget
from chaosmem.run.record import Record, lock_name
from chaosmem.run.rolling import Rolling, environment_of
from chaosmem.run.stage import Stage
from chaosmem.run.supply import arm_of
from chaosmem.run.target import TargetHandle
from chaosmem.rundir import events


class PodSupply:
    """Gives each trial its pod."""

    def __init__(self, job: Job, stage: Stage) -> None:
        self._job, self._stage = job, stage
        spec = job.experiment.target.kubernetes
        assert spec is not None  # noqa: S101 - the engine makes no others
        self._spec = spec
        self._planned = [t.pod for t in job.plan.targets if t.pod is not None]
        self._stack = contextlib.AsyncExitStack()
        self._live: list[PodTarget] = []
        self._now: list[PlannedPod] = list(self._planned)
        """The pods as they are in this round."""
        self._workloads: list[Ref | None] = []
        """Of each planned pod; None: a bare pod. Pods come and go with each rollout, these stay."""
        self._moved = False
        """Whether a rollout has replaced the planned pods."""
        self._rolling: Rolling | None = None
        self._record: Record | None = None

    async def __aenter__(self) -> Self:
        try:
            await self._open()
        except BaseException:
            await self._close()
            raise
        return self

    async def _open(self) -> None:
        opened = Cluster.open(context=self._spec.context)
        self._cluster = await self._stack.enter_async_context(opened)
        found = [await pods.get_pod(self._cluster, p.namespace, p.name) for p in self._planned]
        self._workloads = [pod.workload for pod in found]
        owners = (pod.workload.uid if pod.workload else pod.uid for pod in found)
        locks = sorted({lock_name(uid) for uid in owners})
        self._record = Record(
            self._cluster, self._spec.control_namespace, self._stage.rundir.run_id, self._trouble
        )
        await self._record.open(self._job.plan.experiment, locks)
        self._trouble(self._record.clock_words)
        self._stage.ledger.mirror = self._record.add
        await self._watch()

    async def _watch(self) -> None:
        self._lookout = Lookout(
            self._cluster, self._spec, self._stage.clock, self._changed, self._trouble
        )
        self._stack.push_async_callback(self._lookout.close)
        await self._lookout.open([p.node for p in self._planned], [p.name for p in self._planned])

    def _changed(self, change: Change) -> None:
        if change.pod is None:
            self._trouble(f"the watch of the pods: {change.what} {change.detail}".rstrip())
            return
        for target in self._live:
            target.hear(change)

    def _trouble(self, text: str) -> None:
        now = self._stage.clock.now()
        self._stage.write(events.Noted(t=now, text=text))

    # --- rounds

    async def begin(self, lanes: Sequence[PlannedTrial]) -> None:
        """Roll the workload over to the round's environment, where it has one of its own."""
        changes = environment_of(self._job.experiment, arm_of(self._job, lanes[0]))
        if changes:
            self._moved = True
            self._rolling = Rolling(self._cluster, self._stage, self._spec, lanes[0].key)
            await self._rolling.apply(self._planned, self._workloads, changes)
        if self._moved:  # by this round's rollout, or by the way back from an earlier one's
            self._now = await self._replaced()
            self._lookout.follow(pod.name for pod in self._now)

    async def _replaced(self) -> list[PlannedPod]:
        """As many of the new pods as were planned, of the same workloads."""
        found = await pods.find_pods(self._cluster, self._spec.namespace, self._spec.selector)
        fit = [c.pod for c in (candidate(p, self._spec) for p in found) if not c.unfit]
        fit.sort(key=lambda pod: pod.name)
        if len(fit) < len(self._planned):
            raise TargetGone(
                f"after a rollout {len(fit)} pods can be acted on, "
                f"and {len(self._planned)} were planned"
            )
        return fit[: len(self._planned)]

    async def end(self) -> None:
        """Roll back to the former environment."""
        self._live.clear()
        if self._rolling is not None:
            await self._rolling.revert()
            self._rolling = None

    def target(self, planned: PlannedTrial) -> TargetHandle:
        """The pod of one trial."""
        place = Place(self._cluster, self._stage, planned.key, self._now[planned.target])
        target = PodTarget(place)
        self._live.append(target)
        return target

    # --- the end

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._close()

    async def _close(self) -> None:
        self._stage.ledger.mirror = None
        if self._record is not None:
            with contextlib.suppress(ChaosmemError):
                await self._record.close(self._stage.ledger.open)
        await self._stack.aclose()
