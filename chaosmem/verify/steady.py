"""The steady state of a count in the baseline window, and whether a sample is within it.

Band = median ± max(k·MAD, share·median, count), MAD = median(|x - median|), unscaled.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chaosmem.evidence.model import Capture, Floats, Series
from chaosmem.spec.checks import Band
from chaosmem.verify.ruling import Undecided
from chaosmem.verify.stats.ranks import spearman
from chaosmem.verify.words import plain

OBSERVER_GOROUTINES = 3
"""Most that one running capture adds to NumGoroutine: net/http's conn.serve and background read,
and runtime/pprof's profileWriter of a CPU profile."""

TREND = 0.6
"""Rank correlation of value with time from which on a baseline counts as drifting; a half-way step
has 0.87, a ramp 1, independent noise of 50 samples exceeds 0.6 with p < 1e-5."""

IN, UNKNOWN, OUT = 1, 0, -1
States = NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Steady:
    """A band around the baseline's median, in the unit of the series."""

    median: float
    mad: float
    half: float
    samples: int

    def holds(self, values: Floats) -> NDArray[np.bool_]:
        """Which values are within the band, edges included."""
        return np.abs(values - self.median) <= self.half


def steady(values: Floats, band: Band) -> Steady:
    """The band of baseline `values` (at least one); `Undecided` where they drift."""
    median = float(np.median(values))
    mad = float(np.median(np.abs(values - median)))
    floor = max(band.share * abs(median), band.count)
    _refuse_drift(values, floor)
    return Steady(median, mad, max(band.mad * mad, floor), len(values))


def _refuse_drift(values: Floats, floor: float) -> None:
    third = len(values) // 3
    if not third:
        return
    first, last = float(np.median(values[:third])), float(np.median(values[-third:]))
    trend = spearman(np.arange(len(values), dtype=np.float64), values)
    if abs(last - first) > floor and abs(trend) >= TREND:
        raise Undecided(
            f"the baseline was not steady: it went from {plain(first)} in its first third to "
            f"{plain(last)} in its last (rank correlation with time {trend:.2f}); warm up longer",
            observed=f"baseline from {plain(first)} to {plain(last)}",
        )


def watched(series: Series, captures: tuple[Capture, ...]) -> Floats:
    """For each sample, how many of chaosmem's own captures may have been running in the target."""
    running = np.zeros(len(series))
    for c in captures:
        overlap = (series.t + series.u >= c.begin) & (series.t - series.u <= c.end)
        running += overlap
    return running


def states(series: Series, captures: tuple[Capture, ...], band: Steady) -> States:
    """IN or OUT of the band for each sample, or UNKNOWN.

    A capture adds up to `OBSERVER_GOROUTINES`, so under captures the true count lies somewhere
    between the sample and that much less; UNKNOWN where the band's edge lies between.
    """
    extra = watched(series, captures) * OBSERVER_GOROUTINES
    high, low = series.v, series.v - extra
    inside = band.holds(high) & band.holds(low)
    outside = (low > band.median + band.half) | (high < band.median - band.half)
    return np.where(inside, IN, np.where(outside, OUT, UNKNOWN)).astype(np.int8)
