"""A look at the cluster itself: the API server, our permissions there, its clock, other runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from chaosmem import units
from chaosmem.clock import RunClock
from chaosmem.drivers.kube import leases
from chaosmem.drivers.kube.access import Access, Permission, may
from chaosmem.drivers.kube.connect import Cluster
from chaosmem.drivers.kube.kinds import OWNER_LABELS, RUN_LABEL
from chaosmem.drivers.kube.leases import LeaseState
from chaosmem.drivers.kube.podmodel import Pod
from chaosmem.drivers.kube.skew import Skew, measure_skew
from chaosmem.plan.model import PlannedPod, PlannedTarget
from chaosmem.plan.permissions import Need, permissions
from chaosmem.run.diagnose import Ailment
from chaosmem.run.record import lock_name
from chaosmem.spec.model import Experiment
from chaosmem.spec.target import KubernetesTarget

_FAR: Final = 5.0
"""Seconds of skew that are worth a word: timestamps of logs and events are off by as much."""


@dataclass(frozen=True, slots=True)
class Look:
    """What every part of the examination looks at."""

    cluster: Cluster
    experiment: Experiment
    spec: KubernetesTarget
    clock: RunClock
    pods: tuple[Pod, ...] = ()
    """Those that match the selector."""
    targets: tuple[PlannedTarget, ...] = ()
    """Those that a run would act on."""

    @property
    def chosen(self) -> list[tuple[PlannedPod, Pod]]:
        """Each target as the plan has it and as the API server has it."""
        by_uid = {pod.uid: pod for pod in self.pods}
        return [(t.pod, by_uid[t.pod.uid]) for t in self.targets if t.pod is not None]


async def server(cluster: Cluster) -> list[Ailment]:
    """Its version, and who we are there; ClusterUnreachable where there is none."""
    version, who = await cluster.version(), await cluster.identity()
    context = f"context {cluster.context_name}, " if cluster.context_name else ""
    return [
        Ailment("API server", well=True, found=f"{version.git} at {cluster.server}"),
        Ailment("we are", well=True, found=f"{who.user} ({context}{cluster.source})"),
    ]


# --- permissions


async def granted(look: Look) -> list[Ailment]:
    """Each permission, one by one."""
    kinds = {w.kind.plural for pod in look.pods if (w := pod.workload) is not None}
    needs = permissions(look.experiment, tuple(sorted(kinds))) if look.pods else None
    needs = permissions(look.experiment) if needs is None else needs
    said = await may(look.cluster, [_access(need) for need in needs])
    return [_answer(need, answer) for need, answer in zip(needs, said, strict=True)]


def _access(need: Need) -> Access:
    return Access(need.verb, need.resource, need.group, need.subresource, need.namespace, need.name)


def _answer(need: Need, answer: Permission) -> Ailment:
    if answer.allowed:
        return Ailment(need.what, well=True, found=need.verb, needed=need.needed)
    lacks = "" if need.why.startswith("without") else "needed " if need.needed else "wanted "
    found = f"`{need.verb}` is not permitted; {lacks}{need.why}"
    found += f" ({answer.reason})" if answer.reason else ""
    return Ailment(need.what, well=False, found=found, mend=_grant(need), needed=need.needed)


def _grant(need: Need) -> str:
    resource = need.resource + (f"/{need.subresource}" if need.subresource else "")
    names = f", resourceNames: [{need.name}]" if need.name and need.resource == "secrets" else ""
    role = f"a Role in {need.namespace}" if need.namespace else "a ClusterRole"
    rule = f'{{apiGroups: ["{need.group}"], resources: [{resource}], verbs: [{need.verb}]{names}}}'
    return f"add to {role}: {rule}; manifests/ has all of them"


# --- the clock, and other runs


async def others(look: Look) -> list[Ailment]:
    """How far the clocks are apart, who holds the targets, and what killed runs left."""
    skew = await measure_skew(look.cluster)
    labels = ",".join(f"{k}={v}" for k, v in OWNER_LABELS.items())
    found = await leases.list_leases(look.cluster, look.spec.control_namespace, labels)
    dead = sorted({_run(s) for s in found if s.expired(skew)} - {""})
    return [_clock(skew), *_locks(look.pods, look.targets, found, skew), *map(_dead, dead)]


def _run(state: LeaseState) -> str:
    return state.labels.get(RUN_LABEL, "")


def _clock(skew: Skew) -> Ailment:
    offset, bound = units.human_seconds(abs(skew.offset)), units.human_seconds(skew.uncertainty)
    side = "ahead of" if skew.offset > 0 else "behind"
    return Ailment(
        "clock",
        well=abs(skew.offset) <= _FAR,
        found=f"the API server is {offset} {side} this machine, ± {bound}",
        mend="run a time service (NTP) on both",
        needed=False,
    )


def _locks(
    pods: Sequence[Pod], targets: Sequence[PlannedTarget], held: list[LeaseState], skew: Skew
) -> list[Ailment]:
    chosen = {t.pod.uid for t in targets if t.pod is not None}
    names = {
        lock_name(pod.workload.uid if pod.workload else pod.uid): str(pod.workload or pod.ref)
        for pod in pods
        if pod.uid in chosen
    }
    taken = [s for s in held if s.ref.name in names and not s.expired(skew)]
    if not taken:
        return [Ailment("lock", well=True, found="no other run holds a target")] if names else []
    return [_taken(state, names[state.ref.name]) for state in taken]


def _taken(state: LeaseState, target: str) -> Ailment:
    return Ailment(
        "lock",
        well=False,
        found=f"{target} is held by {state.holder}",
        mend="wait for that run to end; if it was killed its lock runs out "
        f"{state.ttl:g} s after its last heartbeat, and `chaosmem sweep` undoes the rest",
    )


def _dead(run: str) -> Ailment:
    return Ailment(
        "dead run",
        well=False,
        found=f"run {run} was killed and left its record",
        mend="chaosmem sweep",
        needed=False,
    )
