"""GC-hot periods: when the collector took more than a given share of a sliding window, and why.

The share is exact for what gctrace says: it is the integral of a piecewise constant rate, so it is
piecewise linear in the end of the window and is evaluated at its corners only.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from chaosmem.profile.trace.cycles import GcCycles
from chaosmem.profile.trace.gcblock import Floats
from chaosmem.profile.trace.lifetime import Lifetime, lifetime


class Share(StrEnum):
    """What counts as time in GC."""

    CPU = "cpu"
    """GC CPU time without idle marking, of GOMAXPROCS times the window. A cycle's time is spread
    evenly over its length. The pacer aims at 25 % while it marks; the CPU limiter acts at 50 %."""
    CLOCK = "clock"
    """Wall-clock time with a cycle running, of the window."""
    PAUSE = "pause"
    """Wall-clock time with the world stopped (both phases, spread over it), of the window."""


@dataclass(frozen=True, slots=True)
class HotPeriod:
    """The window ends in which the share stayed above the threshold.

    Attributes:
        from_seconds: first such window end, in seconds since the process started.
        to_seconds: last such window end.
        peak_share: greatest share in it, of 1.
        peak_seconds: the window end where it was reached.
        cycles: numbers of the first and the last cycle that the windows touch.
        lifetime: what the objects' lifetime says about these cycles.
    """

    from_seconds: float
    to_seconds: float
    peak_share: float
    peak_seconds: float
    cycles: tuple[int, int]
    lifetime: Lifetime


@dataclass(frozen=True, slots=True)
class HotReport:
    """GC-hot periods of one process.

    Attributes:
        share: what was counted.
        window_seconds: length of the sliding window.
        threshold: share above which a window is hot, of 1.
        observed: first and last window end that could be judged; None if the trace is shorter than
            the window, and then nothing is known.
        periods: hot periods in order.
        peak_share: greatest share of any window; None if none could be judged.
        missing_cycles: cycles whose line is missing: with any, the shares are lower bounds.
    """

    share: Share
    window_seconds: float
    threshold: float
    observed: tuple[float, float] | None
    periods: tuple[HotPeriod, ...]
    peak_share: float | None
    missing_cycles: int

    @property
    def hot_seconds(self) -> float:
        """Time covered by hot window ends."""
        return sum(p.to_seconds - p.from_seconds for p in self.periods)


def hot_periods(
    run: GcCycles,
    *,
    window_seconds: float = 10.0,
    threshold: float = 0.25,
    share: Share = Share.CPU,
) -> HotReport:
    """The GC-hot periods of one process (one element of `GcCycles.runs()`).

    Args:
        run: cycles of one process, numbers rising.
        window_seconds: window length, above 0.
        threshold: share above which a window is hot, 0 to 1.
        share: what counts as time in GC.

    Raises:
        ValueError: for several processes in one, or a window or threshold out of range.
    """
    _check(run, window_seconds, threshold)
    missing = int(run.number[-1] - run.number[0]) + 1 - len(run) if len(run) else 0
    if not len(run) or (seen := _window_ends(run, window_seconds)) is None:
        return HotReport(share, window_seconds, threshold, None, (), None, missing)
    starts, ends, rates = _rates(run, share)
    at = _corners(starts, ends, window_seconds, seen)
    curve = _Curve(at, _shares(at, starts, ends, rates, window_seconds), threshold)
    periods = tuple(_period(run, curve, a, b, window_seconds) for a, b in curve.stretches())
    peak = float(curve.shares.max())
    return HotReport(share, window_seconds, threshold, seen, periods, peak, missing)


def _check(run: GcCycles, window_seconds: float, threshold: float) -> None:
    """Refuse what has no meaning."""
    if not (window_seconds > 0 and 0 <= threshold <= 1):
        raise ValueError(
            f"a window of {window_seconds} s and a threshold of {threshold} mean nothing"
        )
    if len(run) and (np.diff(run.number) <= 0).any():
        raise ValueError("cycles of several processes: take one of GcCycles.runs()")


def _window_ends(run: GcCycles, window: float) -> tuple[float, float] | None:
    """First and last moment at which a whole window lies inside what the trace covers."""
    begin = 0.0 if run.number[0] == 1 else float(run.start_seconds[0])
    end = float((run.start_seconds + run.clock_seconds).max())
    return (begin + window, end) if begin + window <= end else None


def _rates(run: GcCycles, share: Share) -> tuple[Floats, Floats, Floats]:
    """Start, end and rate (of 1) of each cycle; one that rounds to no time at all has rate 0.

    The start is printed to 1 ms: cycles of less can seem to overlap, and their rates then add up.
    """
    times = run.rows.times
    length = run.clock_seconds
    procs = np.maximum(run.rows.counts[:, 8], 1)
    spent = {
        Share.CPU: (times[:, 4] + times[:, 5] + times[:, 6] + times[:, 8]) / procs,
        Share.CLOCK: length,
        Share.PAUSE: times[:, 1] + times[:, 3],
    }[share]
    rates = np.divide(spent, length, out=np.zeros_like(spent), where=length > 0)
    return run.start_seconds, run.start_seconds + length, rates


def _corners(starts: Floats, ends: Floats, window: float, seen: tuple[float, float]) -> Floats:
    """Window ends at which the slope of the share can change, within what is observed."""
    knots = np.concatenate([starts, ends])
    corners = np.unique(np.concatenate([knots, knots + window, seen]))
    inside: Floats = corners[(corners >= seen[0]) & (corners <= seen[1])]
    return inside


def _shares(at: Floats, starts: Floats, ends: Floats, rates: Floats, window: float) -> Floats:
    """Share of the window that ends at each moment, of 1."""
    knots = np.concatenate([starts, ends])
    order = np.argsort(knots, kind="stable")
    knots, slopes = knots[order], np.cumsum(np.concatenate([rates, -rates])[order])
    total = np.concatenate([[0.0], np.cumsum(slopes[:-1] * np.diff(knots))])
    inside: Floats = np.interp(at, knots, total) - np.interp(at - window, knots, total)
    return inside / window


@dataclass(frozen=True, slots=True, eq=False)
class _Curve:
    """The share at the corners `at`; linear between them."""

    at: Floats
    shares: Floats
    threshold: float

    def stretches(self) -> list[tuple[int, int]]:
        """First and last corner of each run of corners above the threshold."""
        hot = np.concatenate([[False], self.shares > self.threshold, [False]])
        edges = np.flatnonzero(hot[1:] != hot[:-1])
        return [(int(a), int(b) - 1) for a, b in zip(edges[::2], edges[1::2], strict=True)]

    def crossing(self, outside: int, inside: int) -> float:
        """Where the curve crosses the threshold between two neighbouring corners."""
        if not 0 <= outside < len(self.at):
            return float(self.at[inside])
        low, high = self.shares[outside], self.shares[inside]
        part = (self.threshold - low) / (high - low)
        return float(self.at[outside] + part * (self.at[inside] - self.at[outside]))


def _period(run: GcCycles, curve: _Curve, first: int, last: int, window: float) -> HotPeriod:
    """The hot period of a stretch of corners, its ends moved to where the threshold is crossed."""
    begin, end = curve.crossing(first - 1, first), curve.crossing(last + 1, last)
    peak = first + int(curve.shares[first : last + 1].argmax())
    ends = run.start_seconds + run.clock_seconds
    touched = np.flatnonzero((run.start_seconds <= end) & (ends >= begin - window))
    cycles = run[int(touched[0]) : int(touched[-1]) + 1]
    return HotPeriod(
        from_seconds=begin,
        to_seconds=end,
        peak_share=float(curve.shares[peak]),
        peak_seconds=float(curve.at[peak]),
        cycles=(int(cycles.number[0]), int(cycles.number[-1])),
        lifetime=lifetime(cycles),
    )
