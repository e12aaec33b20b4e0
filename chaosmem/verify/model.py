"""Findings and the verdict: three values, worst wins."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

VERDICT_FORMAT = 1


class Outcome(StrEnum):
    """PASS, FAIL or INCONCLUSIVE; FAIL > INCONCLUSIVE > PASS."""

    PASS = "PASS"  # noqa: S105 - an outcome, no password
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"


_RANK = {Outcome.PASS: 0, Outcome.INCONCLUSIVE: 1, Outcome.FAIL: 2}


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """The worst of `outcomes`; nothing at all is INCONCLUSIVE, never PASS."""
    return max(outcomes, key=_RANK.__getitem__, default=Outcome.INCONCLUSIVE)


@dataclass(frozen=True, slots=True)
class Pointer:
    """Where a finding's evidence is: a file of the run directory, and a place in it.

    `start` and `end` are seconds on the run's clock for a series, else None; `line` is 1-based.
    """

    file: str
    what: str = ""
    line: int | None = None
    start: float | None = None
    end: float | None = None


@dataclass(frozen=True, slots=True)
class Number:
    """A measured number with its unit, and its error (half-width, same unit) if an estimate."""

    value: float
    unit: str
    error: float | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check says of one trial (or, with `trial` None, of the run as a whole).

    Attributes:
        check: kind of the check, `goroutine-recovery`.
        name: shown name; the kind, unless the spec names it.
        observed, expected, threshold, reason: sentences for people, with units.
        headline: the one number that trials and arms are compared by, if there is one.
        numbers: all numbers that the reason rests on, by name.
        table: rows for people (top stacks, cycles), first row the header.
    """

    check: str
    name: str
    outcome: Outcome
    observed: str
    expected: str
    threshold: str
    reason: str
    evidence: tuple[Pointer, ...] = ()
    advisory: bool = False
    arm: str = ""
    trial: int | None = None
    trial_key: str = ""
    target: str = ""
    headline: Number | None = None
    numbers: dict[str, Number] = field(default_factory=dict)
    table: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Summary:
    """One check over the trials of one arm.

    `interval` is the robust interval of the median (order statistics), `coverage` the exact
    probability that it covers it; `note` says when the trials are too few for 95 %.
    """

    name: str
    check: str
    arm: str
    outcome: Outcome
    trials: int
    unit: str = ""
    mean: float | None = None
    sd: float | None = None
    median: float | None = None
    interval: tuple[float, float] | None = None
    coverage: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two arms by the headline number of one check.

    `p` is the exact two-sided Mann-Whitney probability, `delta` Cliff's delta in -1..1, `shift` the
    Hodges-Lehmann estimate of (arm - base) in `unit`, `interval` the one that belongs to the
    rank-sum test, and `coverage` the probability that it covers the shift. `shown` says whether a
    difference is shown; None: so few trials can show none.
    """

    name: str
    base: str
    arm: str
    unit: str
    n_base: int
    n_arm: int
    p: float | None
    delta: float | None
    shift: float | None
    says: str
    interval: tuple[float, float] | None = None
    coverage: float | None = None
    shown: bool | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer: recomputed from the run directory alone, byte for byte the same."""

    run_id: str
    experiment: str
    outcome: Outcome
    says: str
    """One sentence: what decided it."""
    findings: tuple[Finding, ...]
    summaries: tuple[Summary, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    exit_code: int = 0
    format: int = VERDICT_FORMAT
