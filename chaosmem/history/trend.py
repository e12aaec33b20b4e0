"""A check over the months: its points, its present band, where the level shifted, and why. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from chaosmem.history import facts
from chaosmem.history.direction import worse
from chaosmem.history.facts import Change
from chaosmem.history.model import FAIL, INCONCLUSIVE, PASS, OutcomeWord, Point
from chaosmem.history.stats import bands, shifts
from chaosmem.history.stats.bands import Band

Facts = Mapping[str, Mapping[str, str]]
FactsOf = Callable[[tuple[str, ...]], Facts]
NEAR = 2
"""A place found by ranks can be off by a run or two, so facts are looked for that far around."""


@dataclass(frozen=True, slots=True)
class Nearby:
    """A fact that changed at the run `offset` runs after the shift's first one."""

    offset: int
    run_id: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Moved:
    """The level changed from `before` to `after` (medians) with this run as the first."""

    run_id: str
    last_before: str
    started: str
    before: float
    after: float
    runs_before: int
    runs_after: int
    p: float
    method: str
    regression: bool
    facts: tuple[Nearby, ...]


@dataclass(frozen=True, slots=True)
class Trend:
    """One check of one arm and subject. `band` is that of the runs since the last shift."""

    check: str
    arm: str
    subject: str
    unit: str
    points: tuple[Point, ...]
    counted: int
    band: Band | None
    moved: tuple[Moved, ...]
    outcome: OutcomeWord
    says: str


def series(points: Sequence[Point]) -> tuple[tuple[Point, ...], ...]:
    """Points apart by arm, subject and unit, in the order of their first one."""
    found: dict[tuple[str, str], list[Point]] = {}
    for point in points:
        found.setdefault((point.arm, point.subject), []).append(point)
    return tuple(tuple(group) for group in found.values())


def trend(points: Sequence[Point], facts_of: FactsOf) -> Trend:
    """The trend of one series, at least one point; `facts_of` is asked for runs near shifts."""
    unit = next((p.unit for p in reversed(points) if p.counts), "")
    counted = [p for p in points if p.counts and p.unit == unit]
    values = _values(counted)
    found = shifts.shifts(values)
    known = facts_of(_around(counted, found)) if found else {}
    moved = tuple(_moved(counted, values, shift, known) for shift in found)
    since = found[-1].at if found else 0
    outcome, says = _outcome(len(counted), moved)
    return Trend(
        points[0].check,
        points[0].arm,
        points[0].subject,
        unit,
        tuple(points),
        len(counted),
        bands.band(values[since:]) if values else None,
        moved,
        outcome,
        says,
    )


def _around(points: Sequence[Point], found: Sequence[shifts.Shift]) -> tuple[str, ...]:
    """The runs whose facts can explain these shifts."""
    near = (points[max(0, s.at - NEAR - 1) : s.at + NEAR + 1] for s in found)
    return tuple(sorted({p.run_id for some in near for p in some}))


def _values(points: Sequence[Point]) -> list[float]:
    return [p.value for p in points if p.value is not None]


def _moved(
    points: Sequence[Point], values: Sequence[float], shift: shifts.Shift, known: Facts
) -> Moved:
    old, new = values[shift.start : shift.at], values[shift.at : shift.end]
    before, after = bands.median(old), bands.median(new)
    either = worse(points[0].check) == "either"
    return Moved(
        points[shift.at].run_id,
        points[shift.at - 1].run_id,
        points[shift.at].started,
        before,
        after,
        len(old),
        len(new),
        shift.p,
        shift.method,
        after > before or either,
        _nearby(points, shift.at, known),
    )


def _nearby(points: Sequence[Point], at: int, known: Facts) -> tuple[Nearby, ...]:
    """What changed at the shift; only where nothing did, what changed within `NEAR` runs of it."""
    offsets = sorted(range(-NEAR, NEAR + 1), key=abs)
    inside = [o for o in offsets if 1 <= at + o < len(points)]
    found = [n for o in inside if (n := _change(points, at, o, known)).changes]
    here = [n for n in found if n.offset == 0]
    return tuple(here or found)


def _change(points: Sequence[Point], at: int, offset: int, known: Facts) -> Nearby:
    earlier, later = points[at + offset - 1], points[at + offset]
    spec = (("spec", earlier.spec_sha256, later.spec_sha256),)
    changes = facts.changed(known.get(earlier.run_id, {}), known.get(later.run_id, {}))
    same = earlier.spec_sha256 == later.spec_sha256
    return Nearby(offset, later.run_id, changes if same else (*spec, *changes))


def _outcome(counted: int, moved: Sequence[Moved]) -> tuple[OutcomeWord, str]:
    if counted < shifts.FEWEST:
        return INCONCLUSIVE, (
            f"too little history: {counted} runs with a number, and fewer than {shifts.FEWEST} "
            "cannot show a shift at 5 %"
        )
    if not moved:
        return PASS, f"no shift of the level is shown in {counted} runs"
    last = moved[-1]
    word = "regressed" if last.regression else "improved"
    outcome = FAIL if last.regression else PASS
    return outcome, f"{word} since {last.run_id}{_cause(last)}"


def _cause(moved: Moved) -> str:
    if not moved.facts:
        return "; no known fact changed there"
    first = moved.facts[0]
    fact, before, after = first.changes[0]
    near = "" if first.offset == 0 else f", {abs(first.offset)} run(s) {_side(first.offset)}"
    more = f" and {len(first.changes) - 1} more" if len(first.changes) > 1 else ""
    return f"; {fact}: {before or 'unknown'} -> {after or 'unknown'}{more}{near}"


def _side(offset: int) -> str:
    return "later" if offset > 0 else "earlier"
