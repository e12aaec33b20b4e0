"""A distribution-free interval for a median, from the order statistics alone.

For n independent values the d-th smallest and d-th largest enclose the median with probability
1 - 2·P(Binomial(n, 1/2) <= d - 1), whatever the distribution (Thompson 1936; David and Nagaraja,
Order Statistics, 7.1). Six values are the fewest that reach 95 %: 1 - 2/2^6 = 96.9 %.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

CONFIDENCE = 0.95
FEWEST = 6
"""Fewest values whose widest interval covers the median with at least `CONFIDENCE`."""


@dataclass(frozen=True, slots=True)
class MedianInterval:
    """The interval [lo, hi], and the exact probability that it covers the median."""

    lo: float
    hi: float
    coverage: float


def median_interval(values: Sequence[float]) -> MedianInterval | None:
    """Narrowest interval of at least 95 %, else the widest there is; None below two values."""
    if len(values) < 2:  # noqa: PLR2004 - one value encloses nothing
        return None
    ordered = sorted(values)
    d = 1
    while 2 * (d + 1) <= len(ordered) and _coverage(len(ordered), d + 1) >= CONFIDENCE:
        d += 1
    return MedianInterval(ordered[d - 1], ordered[-d], float(_coverage(len(ordered), d)))


def _coverage(n: int, d: int) -> Fraction:
    tail = sum(math.comb(n, i) for i in range(d))
    return 1 - Fraction(2 * tail, 2**n)
