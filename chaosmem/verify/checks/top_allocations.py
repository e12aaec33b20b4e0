"""(c) The stacks that grew most contain the injection point, outside the sampling error."""

from __future__ import annotations

from dataclasses import dataclass

from chaosmem import profile
from chaosmem.evidence.model import Capture, Evidence, Trial
from chaosmem.profile import Growth, Match, Profile
from chaosmem.spec.base import Moment
from chaosmem.spec.checks import TopAllocations
from chaosmem.spec.faults import HeapFault
from chaosmem.units import human_bytes
from chaosmem.verify.explain import load, sizes, stack
from chaosmem.verify.model import Number, Outcome
from chaosmem.verify.ruling import Claim, Ruling, Table, Undecided, number, of_capture
from chaosmem.verify.words import percent

RETAIN_POINT = "chaosmem/agent.retainHeap"
CHURN_POINT = "chaosmem/agent.churnHeap"
_HEADER = ("rank", "growth", "share", "before", "after", "declared", "stack")


def claim(spec: TopAllocations) -> Claim:
    """What is expected."""
    point = f"stacks through {spec.contains}" if spec.contains else "the injection point"
    if spec.expect == "absent":
        return Claim(
            f"{point} must not be what grew in {spec.sample} from {spec.base} to {spec.at}",
            f"share of the growth < {percent(spec.share)} or growth <= {human_bytes(spec.slack)}, "
            "outside the sampling error",
        )
    return Claim(
        f"{point} is among the top {spec.top} stacks by growth of {spec.sample} from {spec.base} "
        f"to {spec.at}",
        f"share of the growth >= {percent(spec.share)}, outside the sampling error",
    )


@dataclass(frozen=True, slots=True)
class _Seen:
    """The two captures, what grew between them, and the part that was declared."""

    spec: TopAllocations
    captures: tuple[Capture, Capture]
    profiles: tuple[Profile, Profile]
    grown: Growth
    match: Match
    low: float
    high: float

    @property
    def fresh(self) -> bool:
        """Both profiles were taken after a forced GC; else they are up to two cycles old."""
        return all(c.gc for c in self.captures)


def judge(spec: TopAllocations, trial: Trial, _: Evidence) -> Ruling:
    """Rule on one trial."""
    pattern = spec.contains or _injection_point(spec, trial)
    captures = _capture(trial, spec.base), _capture(trial, spec.at)
    profiles = _sampled(trial, captures[0]), _sampled(trial, captures[1])
    grown = profile.growth(*profiles, sample_index=spec.sample)
    match = grown.match(pattern)
    seen = _Seen(spec, captures, profiles, grown, match, *_share(grown, match))
    return _absent(seen) if spec.expect == "absent" else _present(seen)


def _injection_point(spec: TopAllocations, trial: Trial) -> str:
    """Where the heap fault allocates: its `at`, or the agent's own function."""
    for record in trial.faults:
        fault = record.planned.fault
        if isinstance(fault, HeapFault):
            own = RETAIN_POINT if fault.retain else CHURN_POINT
            return fault.at or own
    raise Undecided(
        "no heap fault declares an injection point; name the function in `contains`"
        + (" (what must not grow)" if spec.expect == "absent" else "")
    )


def _capture(trial: Trial, moment: Moment) -> Capture:
    found = trial.capture("heap", str(moment)) or trial.capture("allocs", str(moment))
    if found is None:
        raise Undecided(
            f"no heap profile was captured at {moment}; add it to `captures`: "
            f"{{profile: heap, at: [{moment}]}}"
        )
    return found


def _sampled(trial: Trial, capture: Capture) -> Profile:
    """The profile, unless the heap profiler was off: then an empty one says nothing."""
    got = load(trial, capture)
    if got.period <= 0:
        raise Undecided(
            "the heap profiler is off in the target (runtime.MemProfileRate is 0, `heap/0`), so "
            "its profile says nothing; without GODEBUG=memprofilerate=0 and with a reachable "
            "runtime.MemProfile it is on",
            evidence=(of_capture(capture),),
        )
    return got


def _share(grown: Growth, match: Match) -> tuple[float, float]:
    """95 % interval of the declared stacks' share; unseen bytes count where nothing matched."""
    if match.stacks:
        return match.share_low, match.share_high
    unseen = max(match.estimate.high, 0.0)
    return 0.0, unseen / (grown.grown + unseen) if unseen else 0.0


def _present(seen: _Seen) -> Ruling:
    spec = seen.spec
    if not seen.grown.grown:
        raise Undecided(
            f"no stack's {spec.sample} grew from {spec.base} to {spec.at}, so there is nothing to "
            "be attributed",
            observed="no growth",
            evidence=tuple(of_capture(c) for c in seen.captures),
        )
    rank, in_top = _ranked(seen)
    share = f"its share is {_interval(seen)}, declared are {percent(spec.share)}"
    if not seen.match.stacks:
        why = f"no stack that grew goes through {seen.match.pattern}"
        return _ruling(seen, _missed(seen), "not among the stacks that grew", why)
    if in_top is False:
        why = f"{seen.match.pattern} is at rank {rank}, not in the top {spec.top}; {share}"
        return _ruling(seen, _missed(seen), f"rank {rank}, share {_interval(seen)}", why)
    place = f"{seen.match.pattern} is at rank {rank}"
    if seen.high < spec.share:
        return _ruling(
            seen, _missed(seen), f"rank {rank}, share {_interval(seen)}", f"{place}, but {share}"
        )
    decided = in_top and seen.low >= spec.share
    why = f"{place}; {share}"
    if not decided:
        why += ": the sampling error straddles it; retain more, or sample finer (memprofilerate)"
    outcome = Outcome.PASS if decided else Outcome.INCONCLUSIVE
    return _ruling(seen, outcome, f"rank {rank}, share {_interval(seen)}", why)


def _ranked(seen: _Seen) -> tuple[int, bool | None]:
    """Best rank of the declared stacks, and whether it is in the top (None: the error decides)."""
    best = next((s for s in seen.match.stacks if s.bytes > 0), None)
    if best is None:
        return 0, False
    if best.rank <= seen.spec.top:
        return best.rank, True
    last = seen.grown.stacks[seen.spec.top - 1]
    return best.rank, None if best.estimate.high >= last.estimate.low else False


def _missed(seen: _Seen) -> Outcome:
    """What is not in a profile may be only too new for it, unless a GC was forced before."""
    return Outcome.FAIL if seen.fresh else Outcome.INCONCLUSIVE


def _absent(seen: _Seen) -> Ruling:
    spec = seen.spec
    share = f"share of the growth {_interval(seen)}, allowed below {percent(spec.share)}"
    most = seen.match.estimate.high
    if most <= spec.slack:
        outcome = Outcome.PASS if seen.fresh else Outcome.INCONCLUSIVE
        why = (
            f"{seen.match.pattern} grew by at most {human_bytes(max(most, 0.0))}, of no account up "
            f"to {human_bytes(spec.slack)}"
        )
        return _ruling(seen, outcome, f"growth at most {human_bytes(max(most, 0.0))}", why)
    if seen.low >= spec.share and seen.match.bytes > 0:
        why = f"{seen.match.pattern} grew, and must not: {share}"
        return _ruling(seen, Outcome.FAIL, f"share {_interval(seen)}", why)
    if seen.high < spec.share:
        outcome = Outcome.PASS if seen.fresh else Outcome.INCONCLUSIVE
        why = f"{seen.match.pattern} is not what grew: {share}"
        return _ruling(seen, outcome, f"share {_interval(seen)}", why)
    why = f"the sampling error straddles the limit: {share}"
    return _ruling(seen, Outcome.INCONCLUSIVE, f"share {_interval(seen)}", why)


def _interval(seen: _Seen) -> str:
    return f"{percent(seen.match.share)} ({percent(seen.low)} to {percent(seen.high)})"


def _ruling(seen: _Seen, outcome: Outcome, observed: str, why: str) -> Ruling:
    if not seen.fresh:
        why += "; a profile without a forced GC (gc: true) is up to two GC cycles old"
    share = number(100 * seen.match.share, "%", 50 * (seen.high - seen.low))
    return Ruling(
        outcome,
        observed,
        why,
        evidence=tuple(of_capture(c) for c in seen.captures),
        headline=share,
        numbers=_numbers(seen, share),
        table=_table(seen),
    )


def _numbers(seen: _Seen, share: Number) -> dict[str, Number]:
    error = (seen.match.estimate.high - seen.match.estimate.low) / 2
    return {
        "declared share": share,
        "declared growth": number(seen.match.bytes, "By", error),
        "all growth": number(seen.grown.grown, "By"),
        "sampling rate": number(seen.grown.rate, "By"),
    }


def _table(seen: _Seen) -> Table:
    before, after = (sizes(p, seen.spec.sample) for p in seen.profiles)
    declared = {s.frames for s in seen.match.stacks}
    rows = tuple(
        (
            str(s.rank),
            f"{human_bytes(s.bytes)} ± {human_bytes((s.estimate.high - s.estimate.low) / 2)}",
            percent(s.share),
            human_bytes(before.get(s.frames, 0)),
            human_bytes(after.get(s.frames, 0)),
            "yes" if s.frames in declared else "",
            stack(s.frames),
        )
        for s in seen.grown.top(seen.spec.top)
    )
    return (_HEADER, *rows) if rows else ()
