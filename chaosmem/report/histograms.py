"""The runtime's histograms (GC pauses, scheduling latencies), from one moment to the next."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from chaosmem.evidence.model import Histogram, Trial
from chaosmem.units import human_seconds

_Bucket = tuple[float, float]


@dataclass(frozen=True, slots=True)
class HistogramTable:
    """One histogram as a table.

    Attributes:
        name: as the runtime calls it.
        files: where its readings are kept.
        spans: heads of the columns: `until baseline.end`, `baseline.end to hold.end`.
        rows: (bucket in words, how many fell into it in each span), smallest first; buckets that
            stayed empty are left out.
        most: the largest count, for bars.
    """

    name: str
    files: frozenset[str]
    spans: tuple[str, ...]
    rows: tuple[tuple[str, tuple[int, ...]], ...]
    most: int


def histogram_tables(trial: Trial) -> tuple[HistogramTable, ...]:
    """Every histogram of a trial that counted anything."""
    names = dict.fromkeys(h.name for h in trial.histograms)
    made = (_table([h for h in trial.histograms if h.name == name]) for name in names)
    return tuple(t for t in made if t.rows)


def _table(readings: Sequence[Histogram]) -> HistogramTable:
    found = sorted(readings, key=lambda h: h.t)
    counts = [{(low, high): n for low, high, n in h.buckets} for h in found]
    buckets = sorted({bucket for one in counts for bucket in one})
    steps = list(pairwise([{}, *counts]))
    rows = tuple(
        (_words(b), tuple(now.get(b, 0) - was.get(b, 0) for was, now in steps)) for b in buckets
    )
    moments = [h.moment for h in found]
    spans = [f"until {moments[0]}", *map(" to ".join, pairwise(moments))]
    files = frozenset(h.file for h in found)
    most = max((n for _, values in rows for n in values), default=0)
    return HistogramTable(found[0].name, files, tuple(spans), rows, most)


def _words(bucket: _Bucket) -> str:
    low, high = bucket
    if math.isinf(high):
        return f"{human_seconds(low)} and more"
    if math.isinf(low):
        return f"below {human_seconds(high)}"
    return f"{human_seconds(low)} to {human_seconds(high)}"
