"""The scavenger: how much went back to the OS, how much is retained, and how fast it goes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from chaosmem.profile.trace.linerecords import Scavenge


@dataclass(frozen=True, slots=True)
class HeapSample:
    """One reading of the heap classes.

    Attributes:
        seconds: when, on any clock that does not jump.
        free: heap/free: idle and still backed (HeapIdle - HeapReleased), bytes.
        released: heap/released, bytes.
    """

    seconds: float
    free: int
    released: int


@dataclass(frozen=True, slots=True)
class Returned:
    """What the scavenger did between the first and the last sample.

    Attributes:
        returned_bytes: sum of the rises of released; a lower bound, because what was taken back
            between two samples hides what was returned between them.
        reused_bytes: sum of its falls: memory taken back from the OS; a lower bound.
        retained_first: free at the first sample.
        retained_peak: most free.
        retained_last: free at the last sample.
        rate: bytes a second while returning (returned over the time of the rising intervals);
            None if nothing was returned.
        half_seconds: from the peak of free until free had halved for good within the samples; None
            if it had not. Free also falls when the heap grows into it: see `reused_bytes`.
        longest_gap_seconds: longest time between two samples, the resolution of all times.
    """

    returned_bytes: int
    reused_bytes: int
    retained_first: int
    retained_peak: int
    retained_last: int
    rate: float | None
    half_seconds: float | None
    longest_gap_seconds: float


def returned(samples: Sequence[HeapSample]) -> Returned | None:
    """The account of a series in the order of time; None of fewer than two samples.

    Raises:
        ValueError: time goes back.
    """
    pairs = list(pairwise(samples))
    if not pairs:
        return None
    if any(b.seconds <= a.seconds for a, b in pairs):
        raise ValueError("samples must be in the order of time")
    rises = [(b.released - a.released, b.seconds - a.seconds) for a, b in pairs]
    up = sum(change for change, _ in rises if change > 0)
    seconds = sum(length for change, length in rises if change > 0)
    return Returned(
        returned_bytes=up,
        reused_bytes=-sum(change for change, _ in rises if change < 0),
        retained_first=samples[0].free,
        retained_peak=max(s.free for s in samples),
        retained_last=samples[-1].free,
        rate=up / seconds if up else None,
        half_seconds=_half(samples),
        longest_gap_seconds=max(b.seconds - a.seconds for a, b in pairs),
    )


def _half(samples: Sequence[HeapSample]) -> float | None:
    """Time from the peak of free to the first sample from which it stays at half or less."""
    peak = max(range(len(samples)), key=lambda i: samples[i].free)
    limit = samples[peak].free / 2
    below = None
    for sample in reversed(samples[peak + 1 :]):
        if sample.free > limit:
            break
        below = sample
    return None if below is None else below.seconds - samples[peak].seconds


@dataclass(frozen=True, slots=True)
class ScavengeTotals:
    """The sum of scavtrace lines; each counts the work since the one before.

    Attributes:
        lines: how many.
        background_bytes: returned by the background scavenger.
        eager_bytes: returned while allocating, and by FreeOSMemory.
        released_bytes: released at the last line; None without lines.
        in_use_percent: heap in use of what is not released, at the last line.
        forced: lines of debug.FreeOSMemory.
    """

    lines: int
    background_bytes: int
    eager_bytes: int
    released_bytes: int | None
    in_use_percent: int | None
    forced: int


def scavenge_totals(records: Iterable[Scavenge]) -> ScavengeTotals:
    """The sums over the scavtrace lines of one process, in order."""
    rows = list(records)
    last = rows[-1] if rows else None
    return ScavengeTotals(
        lines=len(rows),
        background_bytes=sum(r.background_kib for r in rows) * 1024,
        eager_bytes=sum(r.eager_kib or 0 for r in rows) * 1024,
        released_bytes=None if last is None else last.released_kib * 1024,
        in_use_percent=None if last is None else last.in_use_percent,
        forced=sum(r.forced for r in rows),
    )
