"""Robust bands of few values, and what they can promise. Pure; all values in one unit.

Two arithmetics, each stated for what it is:

* **Exact, whatever the distribution**: of n + 1 runs that come from one distribution in no
  particular order, each is the largest with probability 1/(n + 1) (ties: at most). So the next one
  lies above the n previous ones by chance with 1/(n + 1), outside their range with 2/(n + 1), and
  between the j-th smallest and the j-th largest with (n + 1 - 2j)/(n + 1) (Wilks 1941; David and
  Nagaraja, Order Statistics, 7.3). 95 % so needs 39 runs, 90 % needs 19.
* **Normal**: median ± k(n)·1.4826·MAD, where k(n) makes a next normal value lie outside in 1 % of
  cases (benchmarks/history/factors.py: 3 million draws, good to 1 %). With few values MAD is so
  uncertain that the customary k = 3 is wrong in 10 % of cases with 6 runs, in 4 % with 12, and in
  1 % only with 40.

MAD = median(|x - median|); 1.4826 makes it the standard deviation where values are normal.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

FEWEST = 6
"""Fewest previous values: the median's interval reaches 95 % (96.9 %) with six, not with five."""
SHARE = 0.05
"""Narrowest half-width as a share of the median: what is less is no matter, even if it is real."""
CHANCE = 0.01
TO_SIGMA = 1.4826
_FACTORS = {
    6: 8.05, 7: 7.78, 8: 5.91, 9: 5.79, 10: 4.95, 11: 4.88, 12: 4.41, 13: 4.36, 14: 4.07,
    15: 4.04, 16: 3.83, 17: 3.81, 18: 3.66, 19: 3.65, 20: 3.52, 21: 3.52, 22: 3.42, 23: 3.42,
    24: 3.34, 25: 3.34, 26: 3.28, 27: 3.27, 28: 3.22, 29: 3.21, 30: 3.16, 40: 3.01, 60: 2.85,
    100: 2.73,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Band:
    """median ± half, of `n` values whose range is [least, most].

    `scatter` is k·1.4826·MAD; `half` is the larger of it and the floor. `k` as it was used.
    """

    n: int
    median: float
    mad: float
    k: float
    scatter: float
    half: float
    least: float
    most: float

    @property
    def lo(self) -> float:
        """Lower edge."""
        return self.median - self.half

    @property
    def hi(self) -> float:
        """Upper edge."""
        return self.median + self.half


def median(values: Sequence[float]) -> float:
    """The median; the mean of the middle two where there is an even number."""
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def factor(n: int) -> float:
    """k(n), that of the largest tabled n below: never narrower than what 1 % asks for."""
    sizes = sorted(_FACTORS)
    return _FACTORS[sizes[max(0, bisect_right(sizes, n) - 1)]]


def band(values: Sequence[float], *, k: float | None = None, share: float = SHARE) -> Band:
    """The band of at least one value; with fewer than `FEWEST` it promises nothing."""
    middle = median(values)
    mad = median([abs(v - middle) for v in values])
    used = factor(len(values)) if k is None else k
    scatter = used * TO_SIGMA * mad
    half = max(scatter, share * abs(middle))
    return Band(len(values), middle, mad, used, scatter, half, min(values), max(values))


def chance_outside(n: int, *, sides: int = 2) -> Fraction:
    """Probability that the next of n + 1 exchangeable values lies beyond all n others; exact."""
    return Fraction(sides, n + 1)


def coverage(n: int, j: int = 1) -> Fraction:
    """Probability that the next value lies between the j-th smallest and the j-th largest."""
    return Fraction(max(0, n + 1 - 2 * j), n + 1)


def fewest_for(wanted: Fraction) -> int:
    """Fewest previous values whose range covers the next one with at least `wanted` (below 1)."""
    need = Fraction(2) / (1 - wanted) - 1
    return max(2, -(-need.numerator // need.denominator))
