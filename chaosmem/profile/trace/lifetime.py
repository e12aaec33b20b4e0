"""Does the collector work on what dies, or mark the same live objects again and again?

Between two mark terminations the application allocates A bytes while M bytes are live (marked).
In a steady state Little's law gives the mean lifetime of a byte, M / (A / interval), so that it is
marked M / A times before it dies. GOGC=100 holds M / A near 1. A GC-hot process with M / A near or
below 1 allocates much that dies young: less allocation helps. With M / A far above 1 the goal lies
close above the live heap (GOMEMLIMIT, low GOGC): the hot collector and the long lifetime do not
match, and room helps.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from chaosmem.profile.trace.cycles import GcCycles

REMARKED: Final = 3.0
"""Marks of a byte from which on lifetime and collection do not match; that is GOGC=33."""
GROWING: Final = 0.2
"""Growth of the live heap, of its beginning, from which on Little's law does not apply."""
_WHOLE_MIB: Final = 1.0


class Match(StrEnum):
    """How the objects' lifetime fits the collections."""

    CHURN = "churn"
    """What is allocated dies before it is marked REMARKED times: allocation is the cause."""
    MISMATCH = "mismatch"
    """Long-lived objects are marked over and over: the goal is too close above the live heap."""
    GROWTH = "growth"
    """The live heap changes by more than GROWING: there is no steady state to judge."""
    UNKNOWN = "unknown"
    """Too few cycles in a row, or the numbers are too small for lines in whole MiB."""


@dataclass(frozen=True, slots=True)
class Lifetime:
    """The mean lifetime of heap bytes over some cycles in a row.

    Attributes:
        match: the judgement.
        pairs: neighbouring cycles (N, N+1) that were used.
        allocated_mib: allocated in them: sum of heap end (N+1) minus heap marked (N).
        live_mib: mean of heap marked.
        error_mib: bound of the truncation error of `allocated_mib` (less than 1 MiB for each pair).
        marks_per_byte: live / allocated for each cycle, the times that a byte is marked before it
            dies; None when nothing was allocated beyond the error.
        marks_range: least and greatest value within the truncation error; None with it.
        mean_seconds: mean lifetime of a byte; None with it.
    """

    match: Match
    pairs: int
    allocated_mib: int
    live_mib: float
    error_mib: float
    marks_per_byte: float | None
    marks_range: tuple[float, float] | None
    mean_seconds: float | None


def lifetime(cycles: GcCycles) -> Lifetime:
    """The mean lifetime over neighbouring cycles of one process."""
    after = np.flatnonzero(np.diff(cycles.number) == 1) + 1
    counts = cycles.rows.counts
    marked, end = counts[:, 4], counts[:, 3]
    pairs = len(after)
    allocated = int((end[after] - marked[after - 1]).sum())
    live = float(marked[after - 1].mean()) if pairs else 0.0
    error = pairs * _WHOLE_MIB
    if pairs == 0 or allocated <= error or live < _WHOLE_MIB:
        return Lifetime(Match.UNKNOWN, pairs, allocated, live, error, None, None, None)
    seconds = float((cycles.start_seconds[after] - cycles.start_seconds[after - 1]).sum())
    low = live * pairs / (allocated + error)
    high = (live + _WHOLE_MIB) * pairs / (allocated - error)
    marks = live * pairs / allocated
    match = _match(int(marked[after[0] - 1]), int(marked[after[-1]]), (low, high))
    return Lifetime(
        match, pairs, allocated, live, error, marks, (low, high), live * seconds / allocated
    )  # fmt: skip


def _match(first: int, last: int, marks: tuple[float, float]) -> Match:
    """The judgement; UNKNOWN where the truncation error leaves both open."""
    if abs(last - first) > GROWING * max(first, 1) + _WHOLE_MIB:
        return Match.GROWTH
    if marks[0] >= REMARKED:
        return Match.MISMATCH
    return Match.CHURN if marks[1] < REMARKED else Match.UNKNOWN
