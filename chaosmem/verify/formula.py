"""Which recorded GC cycles count, and whether the pacer's formula gave their goals.

A cycle counts if it is natural, not among the first three of its process, and GOGC and GOMEMLIMIT
were the same at the cycle before it. Every record holds its own live heap, roots, settings and the
goal that follows from them, read at once, so lost records in between do no harm.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chaosmem.evidence.model import Cycles, Floats, Window
from chaosmem.verify.pacer import MIB, SWEEP_DISTANCE, is_off, is_unlimited, predict

Rows = NDArray[np.bool_]

FIRST_CYCLES = 3
"""The pacer has no history in its first cycles (mgcpacer.go: consMark starts at 0)."""
LIMIT_TOLERANCE = 0.03
LIMIT_ALLOWANCE = 2 * MIB
"""With GOMEMLIMIT binding the goal is a function of heap counters, which move between the parts of
one metrics.Read while others allocate, so 3 % + 2 MiB are allowed. Measured (Go 1.26, 2 P, 1 GiB/s
of garbage): at most 8 KiB in 259 cycles; without a limit 0 bytes in 276 cycles."""


@dataclass(frozen=True, slots=True, eq=False)
class Counted:
    """The cycles under pressure: which were seen, and which of them count."""

    cycles: Cycles
    inside: Rows
    counts: Rows

    @property
    def seen(self) -> int:
        """Cycles recorded under pressure, of any kind."""
        return int(self.inside.sum())

    @property
    def natural(self) -> int:
        """Those that count."""
        return int(self.counts.sum())


def counted(cycles: Cycles, window: Window) -> Counted:
    """Sort out the cycles of `window`."""
    if not len(cycles):
        none = np.zeros(0, dtype=np.bool_)
        return Counted(cycles, none, none)
    inside = (cycles["t"] > window.start) & (cycles["t"] <= window.end)
    same = np.ones(len(cycles), dtype=np.bool_)
    for name in ("forced_total", "gogc", "limit"):
        same &= np.diff(cycles[name], prepend=np.nan) == 0
    same &= np.diff(cycles["n"], prepend=np.nan) > 0  # a number that falls is another process
    return Counted(cycles, inside, inside & same & (cycles["n"] > FIRST_CYCLES))


def gc_off(counted: Counted) -> bool:
    """GOGC is off and there is no memory limit: the goal is a sentinel, and no GC comes."""
    gogc, limit = counted.cycles["gogc"], counted.cycles["limit"]
    rows = zip(gogc[counted.inside].tolist(), limit[counted.inside].tolist(), strict=True)
    return any(is_off(g) and is_unlimited(m) for g, m in rows)


def limiter_cycle(counted: Counted) -> int | None:
    """The cycle in which the CPU limiter was last switched on, if that was under pressure."""
    if not counted.seen:
        return None
    numbers = counted.cycles["n"][counted.inside]
    last = float(counted.cycles["limiter"][counted.inside][-1])
    # `last-enabled` names the cycle then in progress: one below the first counts still lasted.
    return int(last) if last > 0 and last >= numbers[0] - 1 else None


@dataclass(frozen=True, slots=True, eq=False)
class Formula:
    """Goal, prediction and allowance of each counted cycle, in bytes."""

    n: Floats
    t: Floats
    goal: Floats
    predicted: Floats
    allowed: Floats
    limited: Rows

    @property
    def error(self) -> Floats:
        """Goal less prediction."""
        return self.goal - self.predicted

    @property
    def wrong(self) -> Rows:
        """Cycles whose goal is farther from its prediction than is allowed."""
        return np.abs(self.error) > self.allowed


def formula(counted: Counted, tolerance: float) -> Formula:
    """Hold the goals of the counted cycles against the formula."""
    rows, cycles = counted.counts, counted.cycles
    prediction = predict(cycles)
    goal = prediction.goal[rows]
    limited = prediction.limited[rows]
    allowed = np.where(
        limited,
        np.maximum(tolerance, LIMIT_TOLERANCE) * goal + LIMIT_ALLOWANCE,
        tolerance * goal + SWEEP_DISTANCE,
    )
    return Formula(
        cycles["n"][rows], cycles["t"][rows], cycles["goal"][rows], goal, allowed, limited
    )
