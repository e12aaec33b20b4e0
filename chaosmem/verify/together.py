"""The trials of an arm together, and the arms against the first one."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import product

from chaosmem.verify.model import Comparison, Finding, Summary, worst
from chaosmem.verify.stats import ranks
from chaosmem.verify.stats.median import FEWEST, median_interval
from chaosmem.verify.words import amount, percent, several

ALPHA = 0.05


def summarise(findings: Iterable[Finding], arms: Sequence[str]) -> tuple[Summary, ...]:
    """One summary for each check and arm that was judged, in the order of findings."""
    found = list(findings)
    names = dict.fromkeys((f.name, f.check) for f in found)
    groups = [
        (name, check, arm, [f for f in found if f.name == name and f.arm == arm])
        for (name, check), arm in product(names, _arms(found, arms))
    ]
    return tuple(_summary(name, check, arm, group) for name, check, arm, group in groups if group)


def compare(findings: Iterable[Finding], arms: Sequence[str]) -> tuple[Comparison, ...]:
    """Every later arm against the first, for each check that has a headline number."""
    found = list(findings)
    judged = _arms(found, arms)
    names = dict.fromkeys(f.name for f in found if f.headline is not None)
    return tuple(
        _comparison(name, judged[0], arm, found) for name, arm in product(names, judged[1:])
    )


def _arms(found: Sequence[Finding], arms: Sequence[str]) -> list[str]:
    """The declared arms first, then any that only the evidence knows."""
    return list(dict.fromkeys([*arms, *(f.arm for f in found)]))


def _headlines(group: Iterable[Finding]) -> list[float]:
    return [f.headline.value for f in group if f.headline is not None]


def _unit(group: Iterable[Finding]) -> str:
    return next((f.headline.unit for f in group if f.headline is not None), "")


def _summary(name: str, check: str, arm: str, group: Sequence[Finding]) -> Summary:
    values = _headlines(group)
    interval = median_interval(values)
    mean = math.fsum(values) / len(values) if values else None
    return Summary(
        name,
        check,
        arm,
        worst(f.outcome for f in group),
        len(group),
        _unit(group),
        mean,
        _sd(values, mean),
        ranks.median(values) if values else None,
        (interval.lo, interval.hi) if interval else None,
        interval.coverage if interval else None,
        _note(len(group), len(values), interval.coverage if interval else 0.0),
    )


def _sd(values: Sequence[float], mean: float | None) -> float | None:
    """Sample standard deviation (n - 1); None below two values."""
    if mean is None or len(values) < 2:  # noqa: PLR2004 - one value does not scatter
        return None
    return math.sqrt(math.fsum((v - mean) ** 2 for v in values) / (len(values) - 1))


def _note(trials: int, values: int, coverage: float) -> str:
    notes = []
    if 0 < values < trials:
        notes.append(
            f"{trials - values} of {several(trials, 'trial')} gave no number, so these numbers "
            "describe only the others"
        )
    if 0 < values < FEWEST:
        widest = f" (the widest covers it with {percent(coverage)})" if coverage else ""
        notes.append(
            f"{several(values, 'trial')} cannot give a 95 % interval of the median{widest}; "
            f"{FEWEST} are the fewest"
        )
    return "; ".join(notes)


def _comparison(name: str, base: str, arm: str, found: Sequence[Finding]) -> Comparison:
    groups = [[f for f in found if f.name == name and f.arm == a] for a in (base, arm)]
    a, b = (_headlines(g) for g in groups)
    unit = _unit(groups[0]) or _unit(groups[1])
    if not a or not b:
        says = f"{name}: no number for {base if not a else arm}, so nothing can be compared"
        return Comparison(name, base, arm, unit, len(a), len(b), None, None, None, says)
    test = ranks.mann_whitney(a, b)
    delta, shift = ranks.cliffs_delta(a, b), ranks.hodges_lehmann(a, b)
    around = ranks.shift_interval(a, b)
    moved = f"{name}: {arm} is {_shift(shift, unit)} {base} ({_interval(around, unit)})"
    says = f"{moved}; Mann-Whitney ({test.method}) p={test.p:.3g}, Cliff's delta {delta:+.2f}"
    says += _power(len(a), len(b), test.p)
    return Comparison(
        name, base, arm, unit, len(a), len(b), test.p, delta, shift, says,
        (around.lo, around.hi), around.coverage, _shown(len(a), len(b), test.p),
    )  # fmt: skip


def _interval(around: ranks.ShiftInterval, unit: str) -> str:
    low, high = (amount(v, unit) for v in (around.lo, around.hi))
    return f"difference {low} to {high} with {percent(around.coverage)}"


def _shown(n: int, m: int, p: float) -> bool | None:
    return None if ranks.least_p(n, m) >= ALPHA else p < ALPHA


def _shift(shift: float, unit: str) -> str:
    if not shift:
        return "at the level of"
    return f"{amount(abs(shift), unit)} {'above' if shift > 0 else 'below'}"


def _power(n: int, m: int, p: float) -> str:
    least = ranks.least_p(n, m)
    if least >= ALPHA:
        return (
            f"; {n} against {m} trials can reach p={least:.2g} at best, so no difference can be "
            "shown: run at least 4 in each arm"
        )
    return "; a difference is shown" if p < ALPHA else "; no difference is shown"
