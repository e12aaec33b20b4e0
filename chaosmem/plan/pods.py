"""Which of the pods that were found will be acted on, and why not the others. Pure and repeatable.

The choice is by a hash of seed and name, so the same pods give the same choice on every machine,
and a pod that comes or goes moves no other pod's place.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from chaosmem import units
from chaosmem.plan.model import PlannedPod, PlannedTarget
from chaosmem.spec.faults import MemoryFault
from chaosmem.spec.model import Experiment
from chaosmem.spec.target import KubernetesTarget


@dataclass(frozen=True, slots=True)
class Candidate:
    """A pod that the selector matches; `unfit` says why it cannot be acted on (empty: it can)."""

    pod: PlannedPod
    unfit: str = ""


@dataclass(frozen=True, slots=True)
class Selection:
    """The chosen pods, and every reason why the plan is refused."""

    targets: tuple[PlannedTarget, ...]
    refusals: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())


def select(experiment: Experiment, candidates: Sequence[Candidate]) -> Selection:
    """Choose by `mode`, `value` and `seed`; refuse what is outside the blast radius."""
    wanted = experiment.target.kubernetes
    assert wanted is not None  # noqa: S101 - callers have a kubernetes target
    fit = [c.pod for c in candidates if not c.unfit]
    chosen = _chosen(fit, wanted, experiment.seed)
    refusals = [
        *_radius(experiment, wanted, chosen, len(candidates)),
        *_too_few(wanted, candidates, chosen),
        *(r for pod in chosen for r in _sizes(experiment, pod)),
    ]
    targets = tuple(_target(experiment, pod) for pod in chosen)
    unfit = tuple(f"{c.pod.name} is left out: {c.unfit}" for c in candidates if c.unfit)
    return Selection(targets, tuple(refusals), unfit)


def _chosen(fit: Sequence[PlannedPod], wanted: KubernetesTarget, seed: int) -> list[PlannedPod]:
    count = how_many(wanted, len(fit))
    drawn = sorted(fit, key=lambda pod: _place(seed, pod.name))[:count]
    return sorted(drawn, key=lambda pod: pod.name)


def how_many(wanted: KubernetesTarget, fit: int) -> int:
    """Pods that `mode` asks for out of `fit`; a percentage is rounded down, but to no less than 1.

    Rounding down keeps the blast radius inside what was asked for.
    """
    match wanted.mode:
        case "one":
            return min(1, fit)
        case "all":
            return fit
        case "fixed":
            return min(wanted.value or 1, fit)
        case "percent":
            return min(fit, max(1, fit * (wanted.value or 0) // 100))


def _place(seed: int, name: str) -> bytes:
    return hashlib.sha256(f"{seed}:{name}".encode()).digest()


def _too_few(
    wanted: KubernetesTarget, candidates: Sequence[Candidate], chosen: Sequence[PlannedPod]
) -> list[str]:
    labels = ",".join(f"{k}={v}" for k, v in wanted.selector.items())
    if not candidates:
        return [f"no pod in namespace {wanted.namespace} has the labels {labels}"]
    if wanted.mode == "fixed" and len(chosen) < (wanted.value or 1):
        can = f"{len(chosen)} can be acted on{_why(candidates)}"
        return [f"{wanted.value} pods were asked for, and {can}"]
    if not chosen:
        return [f"none of {len(candidates)} pods can be acted on{_why(candidates)}"]
    return []


def _why(candidates: Sequence[Candidate]) -> str:
    found = [f"{c.pod.name}: {c.unfit}" for c in candidates if c.unfit]
    return f" ({'; '.join(found)})" if found else ""


def _radius(
    experiment: Experiment,
    wanted: KubernetesTarget,
    chosen: Sequence[PlannedPod],
    selected: int,
) -> list[str]:
    limits = experiment.limits
    reasons = []
    if limits.namespaces and wanted.namespace not in limits.namespaces:
        reasons.append(f"namespace {wanted.namespace} is not in limits.namespaces")
    if selected and len(chosen) / selected > limits.share:
        reasons.append(
            f"{len(chosen)} of {selected} pods are {units.format_percent(len(chosen) / selected)}, "
            f"over limits.share = {units.format_percent(limits.share)}"
        )
    return reasons


def _sizes(experiment: Experiment, pod: PlannedPod) -> list[str]:
    """A level needs a limit that it counts from, and must leave the container below it."""
    reasons = []
    for fault in experiment.faults:
        if not isinstance(fault, MemoryFault):
            continue
        if pod.limit is None:
            reasons.append(
                f"{pod.name}: container {pod.container} has no memory limit, so nothing would hold "
                "the stress back from the node; set resources.limits.memory"
            )
        elif fault.oom == "forbidden" and level_bytes(fault, pod.limit) >= pod.limit:
            reasons.append(
                f"{pod.name}: the level is not below the limit of {units.human_bytes(pod.limit)}, "
                "which ends in an OOM kill; write oom: expected where that is the question"
            )
    return reasons


def level_bytes(fault: MemoryFault, limit: int) -> int:
    """The working set to reach, in bytes: a share of the container's limit, or the amount."""
    return round(fault.level * limit) if isinstance(fault.level, float) else fault.level


def _target(experiment: Experiment, pod: PlannedPod) -> PlannedTarget:
    parts = [f"container {pod.container} on node {pod.node}"]
    if pod.limit is not None:
        parts.append(f"limit {units.human_bytes(pod.limit)}")
        parts += [
            f"press to {units.human_bytes(level_bytes(f, pod.limit))}"
            for f in experiment.faults
            if isinstance(f, MemoryFault)
        ]
    if pod.workload:
        parts.append(f"of {pod.workload}")
    name = f"{pod.namespace}/{pod.name}"
    return PlannedTarget(name=name, kind="kubernetes", detail=", ".join(parts), pod=pod)
