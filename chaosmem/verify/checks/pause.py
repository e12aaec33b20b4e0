"""Stop-the-world pauses of the collector stay short, by the runtime's own histogram.

The runtime counts pauses in buckets since the start of the process; the difference of two such
histograms holds the pauses between them. A quantile is known only to its bucket, so its error is
the bucket's width. Where the observed quantile is above the limit, FAIL needs more long pauses than
chance gives: with n pauses of which a share of 1 - q may be longer, k or more are longer with the
binomial probability P(X >= k); FAIL below 5 %, else there are too few pauses to tell.
"""

from __future__ import annotations

import math
from fractions import Fraction

from chaosmem.evidence.model import Evidence, Histogram, TargetState, Trial, Window
from chaosmem.spec.checks import Pause
from chaosmem.units import human_seconds
from chaosmem.verify import ground
from chaosmem.verify.model import Number, Outcome, Pointer
from chaosmem.verify.ruling import Claim, Ruling, Undecided, bounds, number
from chaosmem.verify.words import at, several

NAMES = ("/sched/pauses/total/gc:seconds", "/gc/pauses:seconds")
"""The runtime's name since Go 1.22, and the one before."""

_ALPHA = 0.05

Buckets = tuple[tuple[float, float, int], ...]


def claim(spec: Pause) -> Claim:
    """What is expected."""
    quantile = f"p{spec.quantile * 100:g}"
    return Claim(
        f"the {quantile} of the collector's stop-the-world pauses under pressure is at most "
        f"{human_seconds(spec.max)}",
        f"{quantile} <= {human_seconds(spec.max)}, by the whole bucket of the histogram",
    )


def judge(spec: Pause, trial: Trial, _: Evidence) -> Ruling:
    """Rule on one trial."""
    before, after = _around(trial, ground.pressure(trial))
    pauses = difference(before.buckets, after.buckets)
    count = sum(n for *_, n in pauses)
    where = tuple(
        Pointer(h.file, f"{h.name} at {h.moment}", start=h.t, end=h.t) for h in (before, after)
    )
    if not count:
        raise Undecided(
            f"no stop-the-world pause of the collector between {at(before.t)} and {at(after.t)}, "
            "so there is nothing to judge; churn, or hold longer",
            observed="no pause",
            evidence=where,
        )
    low, high = quantile(pauses, spec.quantile)
    chance = by_chance(sum(n for lo, _, n in pauses if lo >= spec.max), count, spec.quantile)
    outcome = _outcome(low, high, spec.max)
    told = f"p{spec.quantile * 100:g} {_shown(low, high)} of {several(count, 'pause')}"
    why = f"{told}, allowed {human_seconds(spec.max)}"
    if outcome is Outcome.INCONCLUSIVE:
        why += ": the limit lies within the histogram's bucket"
    if outcome is Outcome.FAIL and chance >= _ALPHA:
        outcome = Outcome.INCONCLUSIVE
        why += f": too few pauses to tell, chance alone gives that with p={chance:.2g}"
    if count < math.ceil(1 / (1 - spec.quantile)):
        why += f"; with only {count} it is the longest of them"
    numbers = _numbers(low, high, count)
    return Ruling(outcome, told, why, where, numbers.get("quantile"), numbers)


def _outcome(low: float, high: float, limit: float) -> Outcome:
    if high <= limit:
        return Outcome.PASS
    return Outcome.FAIL if low >= limit else Outcome.INCONCLUSIVE


def _around(trial: Trial, window: Window) -> tuple[Histogram, Histogram]:
    """Last histogram before the pressure; last one in it, else the first one after it."""
    ours = [h for name in NAMES for h in trial.histograms if h.name == name]
    ours = sorted((h for h in ours if h.name == ours[0].name), key=lambda h: h.t)
    before = [h for h in ours if h.t <= window.start]
    inside = [h for h in ours if window.start < h.t <= window.end]
    later = [h for h in ours if h.t > window.end]
    if not before or not (inside or later):
        raise Undecided(
            f"the runtime's histogram {NAMES[0]} is needed from before the faults and from their "
            f"end; there are {several(len(ours), 'histogram')}"
        )
    after = inside[-1] if inside else later[0]
    if any(e.state is TargetState.RESTARTED and before[-1].t < e.t < after.t for e in trial.events):
        fresh = Histogram(after.name, "process start", before[-1].t, (), after.file)
        return fresh, after
    return before[-1], after


def difference(before: Buckets, after: Buckets) -> Buckets:
    """The counts that came between two cumulative histograms, ascending, without empty ones."""
    counted = {(low, high): n for low, high, n in before}
    rows = [(low, high, n - counted.pop((low, high), 0)) for low, high, n in sorted(after)]
    if any(n < 0 for *_, n in rows) or any(counted.values()):
        raise Undecided("the histogram's counts fell, so the two are not of one process")
    return tuple(row for row in rows if row[2])


def quantile(buckets: Buckets, q: float) -> tuple[float, float]:
    """Bounds of the bucket that holds the nearest-rank quantile: rank ceil(q·n) of n counts."""
    total = sum(n for *_, n in buckets)
    # Exact: 0.99 · 100 must be rank 99, and in binary floating point it is a hair more.
    rank = max(1, math.ceil(Fraction(repr(q)) * total))
    for low, high, n in buckets:
        rank -= n
        if rank <= 0:
            return max(low, 0.0), high
    raise AssertionError("the ranks end with the last bucket")


def by_chance(longer: int, count: int, q: float) -> float:
    """Probability that at least `longer` of `count` pauses are above their true q-quantile."""
    share = 1 - Fraction(repr(q))
    fewer = sum(math.comb(count, i) * share**i * (1 - share) ** (count - i) for i in range(longer))
    return float(1 - fewer)


def _shown(low: float, high: float) -> str:
    if math.isinf(high):
        return f"above {human_seconds(low)}"
    return f"{human_seconds(low)} to {human_seconds(high)}"


def _numbers(low: float, high: float, count: int) -> dict[str, Number]:
    numbers = {"pauses": number(count, "1")}
    if not math.isinf(high):
        numbers["quantile"] = bounds(low, high, "s")
    return numbers
