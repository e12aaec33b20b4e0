"""Rules about time: what is measured must fit into the phases, and sampling must resolve it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

from chaosmem import units
from chaosmem.spec.base import Moment, Phase
from chaosmem.spec.checks import GoroutineRecovery, HeapReturns, RssReturns
from chaosmem.spec.errors import Path
from chaosmem.spec.faults import LoadFault
from chaosmem.spec.rules.acts import stress
from chaosmem.spec.rules.draft import Complaint, Draft, Rule, of_kind, warning

_SAMPLES_WITHIN: Final = 5
"""Samples before the limit, so that the error of one interval is at most a fifth of it."""
_SAMPLES_IN_DWELL: Final = 2
PERIODIC_GC: Final = 125.0
"""Go collects an idle heap only every 2 min (sysmon's forcegcperiod); 5 s for the cycle itself."""
_SCAVENGER: Final = 60.0
"""The background scavenger takes 1 % of a CPU; releases were seen to go on for minutes."""
_DEFAULT_CPU_SECONDS: Final = 1.0


def recovery_fits_the_phases(draft: Draft) -> Iterator[Complaint]:
    """After release there must be time to come back, and to stay back."""
    if draft.phases is None:
        return
    has = draft.length(_after_stress(draft))
    for i, check in of_kind(draft.checks, GoroutineRecovery):
        needs = check.within + check.dwell
        if needs > has:
            message = (
                f"within {_d(check.within)} and dwell {_d(check.dwell)} need {_d(needs)} after the"
                f" release, but release and recover last {_d(has)}; write phases.recover:"
                f" {_d(math.ceil(needs))} or more"
            )
            yield Complaint(("checks", i, check.kind), message)


def _after_stress(draft: Draft) -> list[Phase]:
    """Phases after the last one in which stress acts."""
    last = max((_ORDER.index(p) for _, f in stress(draft) for p in f.during), default=None)
    return _ORDER[(_ORDER.index(Phase.HOLD) if last is None else last) + 1 :]


_ORDER: Final = list(Phase)


def sampling_resolves_recovery(draft: Draft) -> Iterator[Complaint]:
    """A recovery time is known to one sampling interval only."""
    if draft.sampling is None:
        return
    for i, check in of_kind(draft.checks, GoroutineRecovery):
        needs = _SAMPLES_WITHIN / check.within if check.within else math.inf
        if check.dwell:
            needs = max(needs, _SAMPLES_IN_DWELL / check.dwell)
        if math.isinf(needs):
            message = "within: 0s can never be measured; write for example 5s"
            yield Complaint(("checks", i, check.kind, "within"), message)
        elif draft.sampling.rate < needs:
            rate = units.format_frequency(draft.sampling.rate)
            message = (
                f"{rate} cannot decide within {_d(check.within)} (dwell {_d(check.dwell)}) of"
                f" checks[{i}]; write {math.ceil(needs)}/s or more"
            )
            yield Complaint(("sampling", "rate"), message)


def baseline_has_samples(draft: Draft) -> Iterator[Complaint]:
    """Without enough samples there is no baseline band."""
    if draft.sampling is None or draft.phases is None:
        return
    has = math.floor(draft.phases.baseline * draft.sampling.rate)
    for i, check in of_kind(draft.checks, GoroutineRecovery):
        if has < check.min_samples:
            needs = _d(math.ceil(check.min_samples / draft.sampling.rate))
            message = (
                f"{has} samples of a baseline of {_d(draft.phases.baseline)} are fewer than"
                f" minSamples {check.min_samples} of checks[{i}]; write {needs} or more"
            )
            yield Complaint(("phases", "baseline"), message)


def heap_return_is_seen(draft: Draft) -> Iterator[Complaint]:
    """An idle heap shrinks only when the collector runs, which may take 2 min."""
    if draft.phases is None or not {"captures", "faults"} <= draft.whole:
        return
    recover = draft.phases.recover
    for i, check in of_kind(draft.checks, HeapReturns):
        by = recover if check.within is None else check.within
        if by > recover:
            message = f"{_d(by)} is longer than the recover phase, {_d(recover)}"
            path: Path = ("checks", i, check.kind, "within")
            yield Complaint(path, f"{message}; write less, or a longer phases.recover")
        elif by < PERIODIC_GC and not _collects_by(draft, by):
            at = "recover.end" if by == recover else f"recover+{_d(by)}"
            message = (
                f"an idle Go heap is collected only every 2 min, so it may not shrink in {_d(by)};"
                f" capture heap at {at} (this forces a GC), or allow {_d(PERIODIC_GC)}"
            )
            yield Complaint(("checks", i, check.kind), message)


def _collects_by(draft: Draft, by: float) -> bool:
    """Whether a GC is sure to run in the first `by` seconds of recover: forced, or under load."""
    if any(Phase.RECOVER in load.during for _, load in of_kind(draft.faults, LoadFault)):
        return True
    forced = (c for _, c in draft.captures if c.profile == "heap" and c.gc is not False)
    length = draft.length([Phase.RECOVER])
    return any(
        moment.phase is Phase.RECOVER
        and (length if moment.edge == "end" else moment.after) <= by
        and (moment.edge == "end" or moment.after > 0)
        for capture in forced
        for moment in capture.at
    )


def resident_memory_returns_slowly(draft: Draft) -> Iterator[Complaint]:
    """Go gives memory back to the system in the background, slowly."""
    if draft.phases is None:
        return
    for i, check in of_kind(draft.checks, RssReturns):
        if draft.phases.recover < _SCAVENGER and not check.advisory:
            message = (
                f"Go returns memory to the system slowly; {_d(draft.phases.recover)} of recover may"
                f" be too short even for a healthy service: write {_d(_SCAVENGER)} or more, or"
                " advisory: true"
            )
            yield warning(("checks", i, check.kind), message)


def captures_fit_their_phase(draft: Draft) -> Iterator[Complaint]:
    """A moment lies within its phase, and so does a CPU profile that begins or ends there."""
    if draft.phases is None:
        return
    for i, capture in draft.captures:
        seconds = (capture.seconds or _DEFAULT_CPU_SECONDS) if capture.profile == "cpu" else 0.0
        for j, moment in enumerate(capture.at):
            problem = _misfit(moment, draft.phases.of(moment.phase), seconds)
            if problem:
                yield Complaint(("captures", i, "at", j), f"{moment}: {problem}")


def _misfit(moment: Moment, has: float, seconds: float) -> str:
    if not has:
        return f"{moment.phase} has no length here; write phases.{moment.phase}, or another moment"
    if moment.after > has:
        return f"{moment.phase} lasts only {_d(has)}; write an earlier moment"
    if moment.after + seconds > has:
        return (
            f"a cpu profile of {_d(seconds)} does not fit into {moment.phase}, which lasts"
            f" {_d(has)}; write fewer seconds, or an earlier moment"
        )
    return ""


def run_ends_in_time(draft: Draft) -> Iterator[Complaint]:
    """All phases of all trials of all arms stay within the limit."""
    if draft.phases is None or draft.limits is None or "arms" not in draft.whole:
        return
    trial, trials, arms = draft.length(Phase), draft.trials or 1, len(draft.arms) or 1
    if not trial:
        yield Complaint(("phases",), "no phase has a length; write for example {baseline: 10s}")
    if trial * trials * arms > draft.limits.duration:
        message = (
            f"{trials} trial(s) of {arms} arm(s) of {_d(trial)} take {_d(trial * trials * arms)},"
            f" over limits.duration {_d(draft.limits.duration)}; do less, or raise the limit"
        )
        yield Complaint(("limits", "duration"), message)


def _d(seconds: float) -> str:
    return units.format_duration(seconds)


RULES: tuple[Rule, ...] = (
    recovery_fits_the_phases,
    sampling_resolves_recovery,
    baseline_has_samples,
    heap_return_is_seen,
    resident_memory_returns_slowly,
    captures_fit_their_phase,
    run_ends_in_time,
)
