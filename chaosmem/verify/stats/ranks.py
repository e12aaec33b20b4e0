"""Rank statistics of two samples, with ties, without assuming any distribution.

Sources: Mann and Whitney (1947) and Lehmann, Nonparametrics (1975), ch. 1, for the rank-sum test
and its tie correction; Cliff (1993) for the dominance delta; Hodges and Lehmann (1963) for the
shift. Values are plain floats in one unit; every function is symmetric in no way unless it says so.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from chaosmem.verify.stats.median import CONFIDENCE

Floats = NDArray[np.float64]

_EXACT_BELOW = 2**62  # arrangements that int64 can count: about 32 against 32


def midranks(values: Floats) -> Floats:
    """Ranks from 1; tied values share the mean of their ranks."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    shared: Floats = (ends - (counts - 1) / 2)[place]
    return shared


def spearman(x: Floats, y: Floats) -> float:
    """Spearman's rank correlation of two columns of equal length, -1..1; 0 where one is constant.

    Pearson's correlation of the midranks, so ties are corrected for.
    """
    a, b = midranks(x), midranks(y)
    a, b = a - a.mean(), b - b.mean()
    norm = math.sqrt(float((a * a).sum()) * float((b * b).sum()))
    return float((a * b).sum()) / norm if norm else 0.0


@dataclass(frozen=True, slots=True)
class RankSum:
    """Two-sided Mann-Whitney probability, and how it was worked out."""

    p: float
    method: Literal["exact", "normal"]


def mann_whitney(a: Sequence[float], b: Sequence[float]) -> RankSum:
    """Probability of a rank sum at least this far from its mean if both came from one population.

    Exact over all arrangements of the pooled ranks, ties included, while their number fits 62 bits;
    else the normal approximation with continuity and tie corrections. Both must have values.
    """
    ranks = midranks(np.array([*a, *b], dtype=np.float64))
    if math.comb(len(ranks), len(a)) < _EXACT_BELOW:
        return RankSum(_exact(ranks, len(a)), "exact")
    return RankSum(_normal(ranks, len(a)), "normal")


def _exact(ranks: Floats, n: int) -> float:
    doubled = np.rint(ranks * 2).astype(np.int64)  # midranks are halves: doubled they are whole
    total = int(doubled.sum())
    ways = np.zeros((n + 1, total + 1), dtype=np.int64)
    ways[0, 0] = 1
    for rank in doubled.tolist():
        for k in range(n, 0, -1):
            ways[k, rank:] += ways[k - 1, : total + 1 - rank]
    # Distance from the mean, n·total/N, kept whole by multiplying with N.
    size = len(ranks)
    distance = np.abs(np.arange(total + 1) * size - n * total)
    seen = abs(int(doubled[:n].sum()) * size - n * total)
    extreme = sum(int(w) for w in ways[n][distance >= seen])
    return float(Fraction(extreme, math.comb(size, n)))


def _normal(ranks: Floats, n: int) -> float:
    size = len(ranks)
    m = size - n
    u = float(ranks[:n].sum()) - n * (n + 1) / 2
    _, counts = np.unique(ranks, return_counts=True)
    ties = float((counts.astype(np.float64) ** 3 - counts).sum()) / (size * (size - 1))
    variance = n * m / 12 * (size + 1 - ties)
    if variance <= 0:
        return 1.0
    z = max(0.0, abs(u - n * m / 2) - 0.5) / math.sqrt(variance)
    return math.erfc(z / math.sqrt(2))


def least_p(n: int, m: int) -> float:
    """Smallest two-sided exact probability that `n` against `m` untied values can reach."""
    return min(1.0, float(Fraction(2, math.comb(n + m, n))))


def cliffs_delta(base: Sequence[float], arm: Sequence[float]) -> float:
    """P(arm > base) - P(arm < base), -1..1: effect size that belongs to the rank-sum test."""
    differences = _differences(base, arm)
    return float(np.sign(differences).sum()) / differences.size


def hodges_lehmann(base: Sequence[float], arm: Sequence[float]) -> float:
    """Median of all differences arm - base: the shift between the two, in their unit."""
    return float(np.median(_differences(base, arm)))


@dataclass(frozen=True, slots=True)
class ShiftInterval:
    """The interval [lo, hi] of a shift, and the probability that it covers it."""

    lo: float
    hi: float
    coverage: float


def shift_interval(base: Sequence[float], arm: Sequence[float]) -> ShiftInterval:
    """Narrowest interval of the shift arm - base of at least 95 %, else the widest there is.

    The d-th smallest and d-th largest of all differences enclose the shift with probability
    1 - 2·P(U <= d - 1), where U is the Mann-Whitney count (Moses 1953; Lehmann, ch. 2). Ties make
    it wider than it need be. Both must have values.
    """
    ordered = np.sort(_differences(base, arm), axis=None)
    tail = _tail(len(base), len(arm))
    wide = np.flatnonzero(1 - 2 * tail >= CONFIDENCE)
    d = int(wide[-1]) if len(wide) else 0
    return ShiftInterval(
        float(ordered[d]), float(ordered[-d - 1]), max(0.0, 1 - 2 * float(tail[d]))
    )


def _tail(n: int, m: int) -> Floats:
    """P(U <= d) for each d below half of the `n`·`m` differences (d = 0 at least)."""
    places = np.arange(max(1, (n * m + 1) // 2))
    if math.comb(n + m, n) >= _EXACT_BELOW:
        sd = math.sqrt(n * m * (n + m + 1) / 12)
        z = (places + 0.5 - n * m / 2) / (sd * math.sqrt(2))
        return np.array([math.erfc(-x) / 2 for x in z.tolist()])
    ways = np.zeros(n * m + 1, dtype=np.int64)
    ways[0] = 1
    for i in range(1, n + 1):  # the Gaussian binomial, factor by factor: (1 - x^(m+i)) / (1 - x^i)
        ways[m + i :] -= ways[: max(0, len(ways) - m - i)].copy()
        for first in range(i):
            ways[first::i] = np.cumsum(ways[first::i])
    below: Floats = np.cumsum(ways)[: len(places)] / math.comb(n + m, n)
    return below


def _differences(base: Sequence[float], arm: Sequence[float]) -> Floats:
    """Every arm - base."""
    return np.array(arm, dtype=np.float64)[:, None] - np.array(base, dtype=np.float64)[None, :]


def median(values: Sequence[float]) -> float:
    """The median; the mean of the middle two where there is an even number."""
    return float(np.median(np.array(values)))
