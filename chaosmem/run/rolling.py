"""A workload under another environment, for one round; its former one given back exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chaosmem.drivers.kube import rollout, workloads
from chaosmem.drivers.kube.connect import Cluster
from chaosmem.drivers.kube.envpatch import EnvUndo
from chaosmem.drivers.kube.kinds import Ref
from chaosmem.errors import ChaosmemError, PlanRefused
from chaosmem.plan.environment import fault_changes, merge, runtime_changes
from chaosmem.plan.model import PlannedPod
from chaosmem.run.stage import Stage
from chaosmem.run.undo import Promise
from chaosmem.rundir import events
from chaosmem.rundir.events import RevertEnvironment
from chaosmem.spec.faults import RuntimeFault
from chaosmem.spec.model import Arm, Experiment
from chaosmem.spec.target import KubernetesTarget

_WITHIN = 300.0
"""Seconds that a rollout may take; a Deployment's own progress deadline is 600 s."""


def environment_of(experiment: Experiment, arm: Arm) -> dict[str, str]:
    """What a round changes in the pods' environment: its arm, then the rollout faults."""
    changes = merge(arm.env, runtime_changes(arm.gogc, arm.gomemlimit, arm.godebug))
    for fault in experiment.faults:
        if isinstance(fault, RuntimeFault) and fault.via == "rollout":
            changes = merge(changes, fault_changes(fault))
    return changes


class Rolling:
    """The rollouts of one round."""

    def __init__(self, cluster: Cluster, stage: Stage, spec: KubernetesTarget, key: str) -> None:
        self._cluster, self._stage, self._spec, self._key = cluster, stage, spec, key
        self._promised: list[tuple[Promise, EnvUndo]] = []

    async def apply(
        self,
        targets: Sequence[PlannedPod],
        workloads_of: Sequence[Ref | None],
        changes: Mapping[str, str],
    ) -> None:
        """Change the workload of each target, once each, and follow it to its end."""
        seen: set[str] = set()
        for pod, ref in zip(targets, workloads_of, strict=True):
            if ref is None:
                raise PlanRefused(
                    f"pod {pod.name} belongs to no Deployment, StatefulSet or DaemonSet, so its "
                    "environment cannot be changed by a rollout"
                )
            if ref.uid not in seen:
                seen.add(ref.uid)
                await self._change(ref, pod.container, changes)

    async def _change(self, ref: Ref, container: str, changes: Mapping[str, str]) -> None:
        workload = await workloads.read_workload(self._cluster, ref)
        managed = [f.message for f in workload.findings if f.code == "managed"]
        if managed and not self._spec.allow_gitops:
            raise PlanRefused(
                f"{ref} is managed from elsewhere, which would undo the change: {managed[0]}",
                hint="write allowGitops: true where that is known to be no problem",
            )
        undo = await rollout.plan_change(self._cluster, ref, container, changes)
        promise = Promise(
            f"{self._key}.rollout{len(self._promised) or ''}",
            self._key,
            f"give {ref} its former environment back",
            RevertEnvironment(
                run_id=self._stage.rundir.run_id,
                context=self._spec.context or "",
                former=undo.model_dump(mode="json"),
            ),
        )
        await self._stage.ledger.promise(promise)
        self._promised.append((promise, undo))
        await rollout.apply_change(self._cluster, undo)
        await rollout.follow(self._cluster, ref, within=_WITHIN)
        self._note(f"{ref} runs with {', '.join(f'{k}={v}' for k, v in changes.items())}")

    async def revert(self) -> None:
        """Give each its former environment back; what cannot be stays promised."""
        for promise, former in reversed(self._promised):
            try:
                await rollout.revert(self._cluster, former, within=_WITHIN)
            except ChaosmemError as problem:
                self._stage.ledger.failed(promise.id, str(problem))
            else:
                self._stage.ledger.done(promise.id)
        self._promised.clear()

    def _note(self, text: str) -> None:
        self._stage.write(events.Noted(t=self._stage.clock.now(), trial=self._key, text=text))
