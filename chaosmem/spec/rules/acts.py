"""Rules about faults: what can act on which target, when, and how much."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from chaosmem import units
from chaosmem.spec.base import Phase
from chaosmem.spec.checks import HeapReturns, NoOom, NoRestart
from chaosmem.spec.errors import Path
from chaosmem.spec.faults import (
    Fault,
    GoroutinesFault,
    HeapFault,
    LoadFault,
    MemoryFault,
    RuntimeFault,
)
from chaosmem.spec.rules.draft import Complaint, Draft, Rule, of_kind, warning

STRESS: Final = (HeapFault, GoroutinesFault, MemoryFault)
"""Faults whose effect must not be part of the steady state, nor of the recovery from them."""

_NOT_UNDER_STRESS: Final = (Phase.WARMUP, Phase.BASELINE, Phase.RECOVER)
_ONCE: Final = {
    "heap": "a release lets go of all of it",
    "goroutines": "a release lets go of all of them",
    "runtime": "one could not be undone without the other",
    "memory": "one level is held at a time",
}
_DESCRIPTOR: Final = 520  # bytes of live heap a goroutine, measured after 20000 ended (Go 1.26)
_SMALLEST_RETAIN: Final = 64 * 1024  # an eighth of the heap profile's sampling rate of 512 KiB


def stress(draft: Draft) -> Iterator[tuple[int, HeapFault | GoroutinesFault | MemoryFault]]:
    """The faults of `draft` that put it under stress, with their index."""
    return ((i, fault) for i, fault in draft.faults if isinstance(fault, STRESS))


def _at(index: int, fault: Fault, *rest: str) -> Path:
    return ("faults", index, fault.kind, *rest)


def memory_needs_a_cgroup(draft: Draft) -> Iterator[Complaint]:
    """Pressure from beside the process needs a pod's cgroup."""
    if draft.target is None or draft.target.kind == "kubernetes":
        return
    for i, fault in of_kind(draft.faults, MemoryFault):
        message = (
            f"memory pressure comes from beside a container, and a target of kind"
            f" {draft.target.kind} has none; use a heap fault, or target.kubernetes"
        )
        yield Complaint(_at(i, fault), message)


def agent_is_mounted(draft: Draft) -> Iterator[Complaint]:
    """Faults inside the process need the agent."""
    if draft.target is None or draft.target.agent is not None:
        return
    for i, fault in draft.faults:
        if fault.kind != "load" and fault.via == "agent":
            message = f"a {fault.kind} fault acts through the agent, and target.agent is null"
            yield Complaint(_at(i, fault), f"{message}; mount the agent, and delete agent: null")


def runtime_sets_something(draft: Draft) -> Iterator[Complaint]:
    """A runtime fault with no setting changes nothing."""
    for i, fault in of_kind(draft.faults, RuntimeFault):
        if fault.gogc is None and fault.gomemlimit is None and not fault.godebug:
            message = "nothing is set; add gogc, gomemlimit or godebug, for example gogc: 50"
            yield Complaint(_at(i, fault), message)


def godebug_needs_a_start(draft: Draft) -> Iterator[Complaint]:
    """Go reads GODEBUG when the program starts, never again."""
    for i, fault in of_kind(draft.faults, RuntimeFault):
        if fault.via == "agent" and fault.godebug:
            how = "rollout" if draft.target and draft.target.kind == "kubernetes" else "restart"
            message = f"Go reads GODEBUG only at start; add via: {how}, or compare arms instead"
            yield Complaint(_at(i, fault, "godebug"), message)


_VIA: Final = {"rollout": "kubernetes", "restart": "process"}


def via_fits_the_target(draft: Draft) -> Iterator[Complaint]:
    """A rollout needs pods, a restart needs a process that chaosmem owns."""
    for i, fault in of_kind(draft.faults, RuntimeFault):
        needed = _VIA.get(fault.via)
        if draft.target and needed and draft.target.kind != needed:
            has = draft.target.kind
            others = next((via for via, kind in _VIA.items() if kind == has), "agent")
            message = (
                f"via: {fault.via} needs target.{needed}; with target.{has} write via: {others}"
            )
            yield Complaint(_at(i, fault, "via"), message)


def rollouts_come_first(draft: Draft) -> Iterator[Complaint]:
    """A rollout replaces the pods, so it is over before the steady state is measured."""
    if draft.target is None or draft.target.kind != "kubernetes":
        return
    for i, fault in of_kind(draft.faults, RuntimeFault):
        if fault.via == "rollout" and fault.during != tuple(Phase):
            message = (
                "a rollout replaces the pods, and with them whatever is measured; it is made before"
                " a trial and reverted after it, so write during: all"
            )
            yield Complaint(_at(i, fault, "during"), message)


def arms_need_a_start(draft: Draft) -> Iterator[Complaint]:
    """What is already running keeps the environment that it was started with."""
    if draft.target is None or draft.target.kind != "endpoint":
        return
    for i, arm in draft.arms:
        for name in ("env", "godebug", "gogc", "gomemlimit"):
            if getattr(arm, name):
                message = "an endpoint is already running, so its environment cannot be changed"
                mend = "give target.process, or use a runtime fault (via: agent)"
                yield Complaint(("arms", i, name), f"{message}; {mend}")


def stress_ends_before_recovery(draft: Draft) -> Iterator[Complaint]:
    """The steady state is without stress, and recovery begins when stress has ended."""
    for i, fault in stress(draft):
        wrong = [phase for phase in fault.during if phase in _NOT_UNDER_STRESS]
        if wrong:
            message = (
                f"a {fault.kind} fault during {', '.join(wrong)} leaves no steady state to come"
                " back to; use inject, hold and release"
            )
            yield Complaint(_at(i, fault, "during"), message)


def faults_have_time(draft: Draft) -> Iterator[Complaint]:
    """A fault during phases of no length never acts."""
    if draft.phases is None:
        return
    for i, fault in draft.faults:
        if not draft.length(fault.during):
            message = f"nothing can act in phases of no length ({', '.join(fault.during)})"
            yield Complaint(_at(i, fault), f"{message}; give them one in `phases`")


def growth_ends_in_time(draft: Draft) -> Iterator[Complaint]:
    """At its rate the fault must reach its size before it is undone."""
    for i, fault in draft.faults:
        size = fault.retain if isinstance(fault, HeapFault) else 0
        size = fault.count if isinstance(fault, GoroutinesFault) else size
        rate = fault.rate if isinstance(fault, HeapFault | GoroutinesFault) else None
        has = draft.length(fault.during)
        if size and rate and has and size / rate > has:
            needs = units.format_duration(round(size / rate, 1))
            message = f"at this rate the full size takes {needs}, but the fault acts only"
            yield Complaint(
                _at(i, fault, "rate"), f"{message} {units.format_duration(has)}; raise the rate"
            )


def retain_can_be_seen(draft: Draft) -> Iterator[Complaint]:
    """So little heap drowns in noise; most often a unit was forgotten."""
    for i, fault in of_kind(draft.faults, HeapFault):
        if 0 < fault.retain < _SMALLEST_RETAIN:
            shown = units.format_bytes(fault.retain)
            message = f"{shown} cannot be told from noise; did you mean {fault.retain}MiB?"
            yield warning(_at(i, fault, "retain"), message)


def one_of_each(draft: Draft) -> Iterator[Complaint]:
    """A process can hold one fault of each of these kinds."""
    seen: dict[str, int] = {}
    for i, fault in draft.faults:
        first = seen.setdefault(fault.kind, i)
        if first != i and fault.kind in _ONCE:
            message = f"a second {fault.kind} fault (after faults[{first}]): {_ONCE[fault.kind]}"
            yield Complaint(_at(i, fault), f"{message}; write one")


def faults_stay_in_limits(draft: Draft) -> Iterator[Complaint]:
    """Blast radius: what faults hold stays within `limits`."""
    if draft.limits is None:
        return
    for i, heap in of_kind(draft.faults, HeapFault):
        if heap.retain > draft.limits.heap:
            most = units.format_bytes(draft.limits.heap)
            message = f"{units.format_bytes(heap.retain)} is over limits.heap, {most}"
            yield Complaint(_at(i, heap, "retain"), f"{message}; retain less, or raise the limit")
    for i, surge in of_kind(draft.faults, GoroutinesFault):
        if surge.count > draft.limits.goroutines:
            message = f"{surge.count} is over limits.goroutines, {draft.limits.goroutines}"
            yield Complaint(_at(i, surge, "count"), f"{message}; start fewer, or raise the limit")


def pods_stay_in_limits(draft: Draft) -> Iterator[Complaint]:
    """Blast radius: which pods, and how many."""
    pods = draft.target.kubernetes if draft.target else None
    if pods is None or draft.limits is None:
        return
    allowed = draft.limits.namespaces
    if allowed and pods.namespace not in allowed:
        message = f"{pods.namespace} is not in limits.namespaces: {', '.join(allowed)}; add it"
        yield Complaint(("target", "kubernetes", "namespace"), message)
    if pods.mode == "fixed" and (pods.value or 0) > draft.limits.pods:
        message = f"{pods.value} pods are over limits.pods, {draft.limits.pods}; raise the limit"
        yield Complaint(("target", "kubernetes", "value"), message)


def surges_leave_descriptors(draft: Draft) -> Iterator[Complaint]:
    """Go keeps the descriptor of every goroutine that ever ran, for reuse (runtime.allgs)."""
    kept = (
        max((s.count for _, s in of_kind(draft.faults, GoroutinesFault)), default=0) * _DESCRIPTOR
    )
    for i, check in of_kind(draft.checks, HeapReturns):
        if kept > check.slack:
            message = (
                f"after this surge Go keeps about {units.human_bytes(kept)} of descriptors"
                f" of goroutines for reuse; write slack: {kept // 2**20 + 4}MiB or more"
            )
            yield warning(("checks", i, check.kind), message)


def load_has_an_origin(draft: Draft) -> Iterator[Complaint]:
    """A pod can send load only in a cluster."""
    if draft.target is None or draft.target.kind == "kubernetes":
        return
    for i, fault in of_kind(draft.faults, LoadFault):
        if fault.origin == "cluster":
            message = f"a target of kind {draft.target.kind} has no cluster; delete origin: cluster"
            yield Complaint(_at(i, fault, "origin"), message)


def load_is_steady(draft: Draft) -> Iterator[Complaint]:
    """Load that starts with the stress makes two changes at once."""
    if not any(True for _ in stress(draft)):
        return
    for i, fault in of_kind(draft.faults, LoadFault):
        if Phase.BASELINE not in fault.during and draft.length([Phase.BASELINE]):
            message = (
                "this load begins together with the stress, so their effects cannot be told apart;"
                " write during: all for a steady state under load"
            )
            yield warning(_at(i, fault), message)


def kills_are_not_forbidden(draft: Draft) -> Iterator[Complaint]:
    """A fault that goes on to the OOM kill ends the process; these checks want it to live."""
    expected = [i for i, fault in of_kind(draft.faults, MemoryFault) if fault.oom == "expected"]
    for i, check in draft.checks:
        if expected and isinstance(check, NoOom | NoRestart) and not check.advisory:
            message = (
                f"faults[{expected[0]}] expects the OOM kill that {check.kind} forbids, so the"
                f" check cannot pass; leave it out or write {check.kind}: {{advisory: true}}"
            )
            yield warning(("checks", i, check.kind), message)


RULES: tuple[Rule, ...] = (
    memory_needs_a_cgroup,
    agent_is_mounted,
    runtime_sets_something,
    godebug_needs_a_start,
    via_fits_the_target,
    rollouts_come_first,
    arms_need_a_start,
    stress_ends_before_recovery,
    faults_have_time,
    growth_ends_in_time,
    retain_can_be_seen,
    one_of_each,
    faults_stay_in_limits,
    pods_stay_in_limits,
    surges_leave_descriptors,
    load_has_an_origin,
    load_is_steady,
    kills_are_not_forbidden,
)
