"""Where a sequence of values has shifted its level, by ranks alone. Pure.

Source: Pettitt, A Non-parametric Approach to the Change-point Problem (1979). With r the midranks,
U(t) = 2·Σ_{i<=t} r(i) - t·(n + 1) is the Mann-Whitney statistic of the first t values against the
rest; the change is where |U| is largest, K = max |U|. Ranks are doubled, so all of it is whole.

* p is exact up to `EXACT` values: the share of all n! orders, ties included, that reach K.
* Above, Pettitt's 2·exp(-6K²/(n³ + n²)), the first term of the Brownian bridge's series, at K plus
  Siegmund's 0.5826 steps (Sequential Analysis, 1985, ch. X): a walk jumps over a level that the
  bridge touches. It still errs towards no change: among sequences of 13 to 100 values without one,
  3.2 to 4.8 % have p <= 0.05.
* Eight values are the fewest that can show a change at 5 %: four against four, 2/C(8,4) = 0.029.

Several changes are found by splitting (binary segmentation, Vostrikova 1981), then every place is
found again between its neighbours and dropped where it no longer shows. A sequence without a change
so gives a false one with probability `ALPHA` at most. Weak where the level returns before long: a
rise and a fall near each other cancel in the sums.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import Literal

ALPHA = 0.05
EXACT = 12
FEWEST = 8
_OVERSHOOT = 0.5826


@dataclass(frozen=True, slots=True)
class Shift:
    """The level changes between `at - 1` and `at`, within the stretch start..end (exclusive)."""

    at: int
    start: int
    end: int
    p: float
    method: Literal["exact", "limit"]


def shifts(values: Sequence[float], alpha: float = ALPHA) -> tuple[Shift, ...]:
    """Every shift of the level, in order; none in fewer than `FEWEST` values."""
    places = _settled(values, _split(values, alpha), alpha)
    edges = [0, *places, len(values)]
    return tuple(_tested(values, edges[i], edges[i + 2]) for i in range(len(places)))


def _split(values: Sequence[float], alpha: float) -> list[int]:
    found: list[int] = []
    open_stretches = [(0, len(values))]
    while open_stretches:
        start, end = open_stretches.pop()
        if end - start < FEWEST:
            continue
        shift = _tested(values, start, end)
        if shift.p <= alpha:
            found.append(shift.at)
            open_stretches += [(start, shift.at), (shift.at, end)]
    return sorted(found)


def _settled(values: Sequence[float], places: list[int], alpha: float) -> list[int]:
    """Each place found again between its neighbours, until nothing moves and all still show."""
    for _ in range(len(places) + 2):
        edges = [0, *places, len(values)]
        again = [_tested(values, edges[i], edges[i + 2]) for i in range(len(places))]
        weakest = max(again, key=lambda s: s.p, default=None)
        if weakest is not None and weakest.p > alpha:
            places = [s.at for s in again if s is not weakest]
            continue
        moved = sorted({s.at for s in again})
        if moved == places:
            break
        places = moved
    return places


def _tested(values: Sequence[float], start: int, end: int) -> Shift:
    doubled = _doubled_ranks(values[start:end])
    sums = _sums(doubled)
    far = [abs(s) for s in sums]
    most = max(far, default=0)
    n = end - start
    exact = n <= EXACT
    p = _exact(tuple(sorted(doubled)), most) if exact else _limit(n, most)
    place = far.index(most) + 1 if far else 0
    return Shift(start + place, start, end, p, "exact" if exact else "limit")


def _doubled_ranks(values: Sequence[float]) -> list[int]:
    """Twice the midranks, so that they are whole numbers."""
    order = sorted(range(len(values)), key=values.__getitem__)
    ranks = [0] * len(values)
    low = 0
    while low < len(order):
        high = low
        while high < len(order) and values[order[high]] == values[order[low]]:
            high += 1
        for place in order[low:high]:
            ranks[place] = low + high + 1
        low = high
    return ranks


def _sums(doubled: Sequence[int]) -> list[int]:
    """U(1)..U(n-1)."""
    n = len(doubled)
    return [s - t * (n + 1) for t, s in enumerate(accumulate(doubled[: n - 1]), start=1)]


@lru_cache(maxsize=256)
def _exact(doubled: tuple[int, ...], most: int) -> float:
    """Share of all orders of these ranks in which |U| reaches `most`, over sets of used ranks."""
    n = len(doubled)
    if most == 0:
        return 1.0
    sums = _set_sums(doubled)
    ways = [0] * (1 << n)
    ways[0] = 1
    for used in range(1, 1 << n):
        t = used.bit_count()
        if t == n or abs(sums[used] - t * (n + 1)) < most:
            ways[used] = sum(ways[used & ~(1 << i)] for i in range(n) if used >> i & 1)
    return 1 - ways[-1] / math.factorial(n)


def _set_sums(doubled: Sequence[int]) -> list[int]:
    """The sum of each set of ranks, by its bits."""
    sums = [0]
    for rank in doubled:
        sums += [s + rank for s in sums]
    return sums


def _limit(n: int, most: int) -> float:
    step = math.sqrt((n * n - 1) / 3)  # standard deviation of 2·rank
    far = most + _OVERSHOOT * step if most else 0.0
    return min(1.0, 2 * math.exp(-6 * far * far / (n**3 + n**2)))
