"""Rules about checks, guards and captures: each must have the evidence that it decides from."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

from chaosmem import units
from chaosmem.spec.base import Moment, Phase
from chaosmem.spec.checks import NextGcPrediction, RssReturns, StressEffect, TopAllocations
from chaosmem.spec.errors import Path
from chaosmem.spec.faults import GoroutinesFault, HeapFault, LoadFault
from chaosmem.spec.model import ErrorRateGuard, GoroutinesGuard, HeapGuard, RssGuard
from chaosmem.spec.rules.draft import Complaint, Draft, Rule, of_kind, warning

_OUTSIDE: Final = "pressure from beside the process cannot move its Go heap"
_GC_PROFILES: Final = frozenset({"heap"})
_LEAST_HEAP: Final = 4 * 2**20  # Go's heapMinimum at GOGC=100
_SKIPPED_CYCLES: Final = 2  # the pacer has not settled in them
_FEW_TRIALS: Final = 6  # 1 - 2·0.5^6 = 0.97: the fewest whose median has a 95 % interval


def outside_stress_leaves_the_heap(draft: Draft) -> Iterator[Complaint]:
    """A neighbour in the cgroup cannot make the Go heap grow or the collector run."""
    if "faults" not in draft.whole or draft.fault_kinds() != {"memory"}:
        return
    inside = "add a heap fault (retain, churn) for pressure inside it"
    for i, check in of_kind(draft.checks, TopAllocations):
        if check.expect == "present":
            message = f"{_OUTSIDE}, so no stack can grow; write expect: absent, or {inside}"
            yield Complaint(("checks", i, check.kind), message)
    for i, prediction in of_kind(draft.checks, NextGcPrediction):
        message = f"{_OUTSIDE}, so no GC cycles can be counted on; delete this check, or {inside}"
        yield Complaint(("checks", i, prediction.kind), message)


def growth_has_a_place(draft: Draft) -> Iterator[Complaint]:
    """Something must be declared that the stacks are compared with, and it must be in use."""
    if "faults" not in draft.whole or draft.fault_kinds() == {"memory"}:
        return
    heap = next((heap for _, heap in of_kind(draft.faults, HeapFault)), None)
    for i, check in of_kind(draft.checks, TopAllocations):
        path: Path = ("checks", i, check.kind)
        if check.expect == "absent":
            continue
        if heap is None and not check.contains:
            message = (
                "which stack shall have grown? add contains: 'a function', or a heap fault whose"
                " injection point is meant"
            )
            yield Complaint(path, message)
        if heap and not heap.retain and check.sample == "inuse_space" and _is_meant(check, heap):
            message = "churn is garbage, which no in-use profile shows; write sample: alloc_space"
            yield Complaint(path, f"{message}, or retain something")


def _is_meant(check: TopAllocations, heap: HeapFault) -> bool:
    return check.contains is None or bool(heap.at and re.search(check.contains, heap.at))


def growth_has_its_captures(draft: Draft) -> Iterator[Complaint]:
    """Growth is the difference of two heap captures; both must be taken, in order."""
    if "captures" not in draft.whole:
        return
    for i, check in of_kind(draft.checks, TopAllocations):
        fit = ("heap", "allocs") if check.sample == "alloc_space" else ("heap",)
        taken = {str(m) for _, c in draft.captures if c.profile in fit for m in c.at}
        missing = [str(m) for m in (check.base, check.at) if str(m) not in taken]
        path: Path = ("checks", i, check.kind)
        if missing:
            mend = f"- {{profile: heap, at: [{', '.join(missing)}]}}"
            message = f"needs a heap capture at {' and '.join(missing)}; add to captures: {mend}"
            yield Complaint(path, message)
        if _order(check.base) >= _order(check.at):
            message = f"base {check.base} is not before at {check.at}; swap or change them"
            yield Complaint(path, message)


def _order(moment: Moment) -> tuple[int, int, float]:
    return list(Phase).index(moment.phase), moment.edge == "end", moment.after


def growth_is_not_stale(draft: Draft) -> Iterator[Complaint]:
    """Without a forced GC a heap profile is two cycles old."""
    wanted = {m for _, c in of_kind(draft.checks, TopAllocations) for m in (c.base, c.at)}
    for i, capture in draft.captures:
        if capture.profile == "heap" and capture.gc is False and wanted & set(capture.at):
            message = (
                "without a forced GC a heap profile shows the heap of two cycles ago, and"
                " top-allocations may look at the past; delete gc: false"
            )
            yield warning(("captures", i, "gc"), message)


def capture_options_have_a_meaning(draft: Draft) -> Iterator[Complaint]:
    """net/http/pprof ignores some of its parameters silently."""
    for i, capture in draft.captures:
        if capture.gc and capture.profile not in _GC_PROFILES:
            message = f"Go forces a GC for heap only, and ignores it for {capture.profile}"
            yield Complaint(("captures", i, "gc"), f"{message}; delete gc")
        if capture.seconds is not None and capture.profile != "cpu":
            message = f"seconds is the length of a cpu profile; delete it for {capture.profile}"
            yield Complaint(("captures", i, "seconds"), message)
        if capture.seconds == 0:
            yield Complaint(("captures", i, "seconds"), "a profile of 0s is empty; write 1s")


def captures_are_not_doubled(draft: Draft) -> Iterator[Complaint]:
    """The same profile twice at one moment disturbs the target for nothing."""
    seen: set[tuple[str, str]] = set()
    for i, capture in draft.captures:
        for j, moment in enumerate(capture.at):
            key = (capture.profile, str(moment))
            if key in seen:
                message = f"{capture.profile} at {moment} is captured already; delete one"
                yield Complaint(("captures", i, "at", j), message)
            seen.add(key)


def sources_are_reachable(draft: Draft) -> Iterator[Complaint]:
    """What is read must be mounted."""
    target = draft.target
    if target is None:
        return
    if target.pprof is None:
        for i, _ in draft.captures:
            message = "captures are read from pprof, and target.pprof is null; delete pprof: null"
            yield Complaint(("captures", i), message)
    source = draft.sampling.source if draft.sampling else "auto"
    if source != "auto" and getattr(target, source) is None:
        message = f"target.{source} is null; write source: auto, or delete {source}: null"
        yield Complaint(("sampling", "source"), message)
    if not (target.pprof or target.agent or target.metrics):
        message = "pprof, agent and metrics are all null, so nothing can be measured; keep one"
        yield Complaint(("target",), message)


def predictions_see_landing(draft: Draft) -> Iterator[Complaint]:
    """Where the heap lands is in the target's own stderr, which only its owner sees."""
    if draft.target is None or draft.target.kind != "endpoint":
        return
    for i, check in of_kind(draft.checks, NextGcPrediction):
        message = (
            "the gctrace of an endpoint is out of reach, so only the formula of the goal is"
            " checked, not where the heap lands; use target.process for both"
        )
        yield warning(("checks", i, check.kind), message)


def collector_runs(draft: Draft) -> Iterator[Complaint]:
    """GOGC=off without a memory limit: there is no goal to predict."""
    if not any(True for _ in of_kind(draft.checks, NextGcPrediction)):
        return
    for i, arm in draft.arms:
        if arm.gogc == "off" and arm.gomemlimit in {None, "off"}:
            message = (
                "GOGC off without GOMEMLIMIT: no GC runs, so next-gc-prediction is inconclusive in"
                " this arm; set gomemlimit too"
            )
            yield warning(("arms", i, "gogc"), message)


def collector_runs_often_enough(draft: Draft) -> Iterator[Complaint]:
    """Retained heap makes cycles rare: at GOGC=100 one comes with as much garbage as is live."""
    heap = next((heap for _, heap in of_kind(draft.faults, HeapFault)), None)
    if heap is None or any(True for _ in of_kind(draft.faults, LoadFault)):
        return
    seconds = draft.length(heap.during)
    garbage = max(heap.retain, _LEAST_HEAP)
    for i, check in of_kind(draft.checks, NextGcPrediction):
        needed = check.min_cycles + _SKIPPED_CYCLES
        if seconds and heap.churn * seconds / garbage < needed:
            rate = math.ceil(needed * garbage / seconds / 2**20)
            message = (
                f"about {heap.churn * seconds / garbage:.0f} GC cycles are expected (one every"
                f" {units.format_bytes(garbage)} of garbage), but {needed} are needed, as the first"
                f" {_SKIPPED_CYCLES} do not count; write churn: {rate}MiB/s or more"
            )
            yield warning(("checks", i, check.kind), message)


def resident_memory_is_known(draft: Draft) -> Iterator[Complaint]:
    """RSS is read from procfs, by process id."""
    if draft.target is None or draft.target.endpoint is None:
        return
    if draft.target.endpoint.pid or draft.target.endpoint.find:
        return
    places: list[Path] = [("checks", i, c.kind) for i, c in of_kind(draft.checks, RssReturns)]
    places += [("guards", i, g.kind) for i, g in of_kind(draft.guards, RssGuard)]
    for path in places:
        message = "resident memory of an endpoint needs its process id; add target.endpoint.pid"
        yield Complaint(path, message)


def guards_leave_room(draft: Draft) -> Iterator[Complaint]:
    """A guard below what the faults add would abort every run."""
    retain = max((heap.retain for _, heap in of_kind(draft.faults, HeapFault)), default=0)
    surge = max((s.count for _, s in of_kind(draft.faults, GoroutinesFault)), default=0)
    for i, guard in draft.guards:
        path: Path = ("guards", i, guard.kind, "max")
        if isinstance(guard, HeapGuard | RssGuard) and guard.max <= retain:
            asked = f"the heap fault retains {units.format_bytes(retain)}"
            yield Complaint(path, f"{asked}, so this guard aborts every run; write more")
        if isinstance(guard, GoroutinesGuard) and guard.max <= surge:
            asked = f"the goroutines fault starts {surge}"
            yield Complaint(path, f"{asked}, so this guard aborts every run; write more")


def load_is_there(draft: Draft) -> Iterator[Complaint]:
    """An error rate needs requests."""
    if "faults" not in draft.whole or any(True for _ in of_kind(draft.faults, LoadFault)):
        return
    for i, guard in of_kind(draft.guards, ErrorRateGuard):
        message = "there is no load whose errors could be counted; add a load fault"
        yield Complaint(("guards", i, guard.kind), message)


def stress_is_there(draft: Draft) -> Iterator[Complaint]:
    """The effect of no fault cannot be proven."""
    if "faults" in draft.whole and not draft.faults:
        for i, check in of_kind(draft.checks, StressEffect):
            message = "there is no fault whose effect could be proven; add one, or delete this"
            yield Complaint(("checks", i, check.kind), message)


def something_is_checked(draft: Draft) -> Iterator[Complaint]:
    """Without a check that decides there is no verdict."""
    if "checks" not in draft.whole:
        return
    if not draft.checks:
        message = "no checks: the verdict can only be inconclusive; add checks, or preset: quick"
        yield warning((), message)
    elif all(check.advisory for _, check in draft.checks):
        message = "all checks are advisory: the verdict can only be inconclusive; let one decide"
        yield warning(("checks",), message)


def names_are_unique(draft: Draft) -> Iterator[Complaint]:
    """Findings and arms are told apart by name."""
    arms = Counter(arm.name for _, arm in draft.arms)
    for i, arm in draft.arms:
        arms[arm.name] -= 1
        if arms[arm.name]:
            message = f"several arms are named {arm.name}; give each its own name"
            yield Complaint(("arms", i, "name"), message)
    seen: set[str] = set()
    for i, check in draft.checks:
        name = check.name or check.kind
        if name in seen:
            message = f"a second check named {name}; give it another, for example name: {name}-2"
            yield Complaint(("checks", i, check.kind), message)
        seen.add(name)


def arms_are_comparable(draft: Draft) -> Iterator[Complaint]:
    """A comparison needs an arm, and enough trials of each."""
    if "arms" not in draft.whole:
        return
    if not draft.arms:
        yield Complaint(("arms",), "at least one arm is needed; delete arms for the default one")
    if len(draft.arms) > 1 and (draft.trials or _FEW_TRIALS) < _FEW_TRIALS:
        message = (
            f"{draft.trials} trial(s) of each arm show no difference with confidence;"
            f" write trials: {_FEW_TRIALS} or more"
        )
        yield warning(("trials",) if draft.trials != 1 else ("arms",), message)


RULES: tuple[Rule, ...] = (
    outside_stress_leaves_the_heap,
    growth_has_a_place,
    growth_has_its_captures,
    growth_is_not_stale,
    capture_options_have_a_meaning,
    captures_are_not_doubled,
    sources_are_reachable,
    predictions_see_landing,
    collector_runs,
    collector_runs_often_enough,
    resident_memory_is_known,
    guards_leave_room,
    load_is_there,
    stress_is_there,
    something_is_checked,
    names_are_unique,
    arms_are_comparable,
)
