"""What a check says of one trial, before the engine stamps it with the check's name and the trial.

A check states its claim first, from the spec alone, and rules on it afterwards. Whatever it cannot
decide, at any depth, it raises as `Undecided`; the engine turns that into INCONCLUSIVE.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from chaosmem.evidence.model import Capture, Series
from chaosmem.verify.model import Number, Outcome, Pointer

Table = tuple[tuple[str, ...], ...]


class Undecided(Exception):
    """The evidence cannot decide: the reason, what was seen, and where."""

    def __init__(
        self,
        reason: str,
        *,
        observed: str = "not measured",
        evidence: tuple[Pointer, ...] = (),
        numbers: Mapping[str, Number] | None = None,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.observed = observed
        self.evidence = evidence
        self.numbers = dict(numbers or {})


@dataclass(frozen=True, slots=True)
class Ruling:
    """Outcome and facts of one check in one trial."""

    outcome: Outcome
    observed: str
    reason: str
    evidence: tuple[Pointer, ...] = ()
    headline: Number | None = None
    numbers: Mapping[str, Number] = field(default_factory=dict)
    table: Table = ()


@dataclass(frozen=True, slots=True)
class Claim:
    """What a check expects, in words, known before anything is observed."""

    expected: str
    threshold: str


def number(value: float, unit: str, error: float | None = None) -> Number:
    """A finite measured number; `Undecided` where the arithmetic left the finite numbers."""
    value = float(value)
    if not math.isfinite(value):
        raise Undecided(f"a measured number is not finite ({value}); the evidence is damaged")
    if error is None or not math.isfinite(error):
        return Number(value, unit)
    return Number(value, unit, float(error))


def bounds(lo: float, hi: float, unit: str) -> Number:
    """The estimate that lies in [lo, hi]: its middle, and half its width as error."""
    return number((lo + hi) / 2, unit, (hi - lo) / 2)


def of_series(series: Series, start: float | None = None, end: float | None = None) -> Pointer:
    """Where a stretch of a series is kept."""
    if len(series) and start is None:
        start, end = float(series.t[0]), float(series.t[-1])
    return Pointer(series.file, series.column, start=start, end=end)


def of_capture(capture: Capture) -> Pointer:
    """Where a capture is kept."""
    what = f"{capture.profile} profile at {capture.moment}"
    return Pointer(capture.file, what, start=capture.begin, end=capture.end)
