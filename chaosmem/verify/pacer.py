"""The Go pacer's heap goal, as `runtime/mgcpacer.go` works it out, and its sentinels.

With marked = live heap found by the last cycle, stack and globals = scannable roots:

    G0 = max(marked + (marked + stack + globals)·GOGC/100, 4 MiB·GOGC/100)            (commit)
    L' = limit - (mapped - free - objects) - max(0, mapped - limit)
    Gm = max(marked, L' - max(0.03·L', 1 MiB))                           (memoryLimitHeapGoal)
    goal = min(G0, Gm)

mapped = total - released, the mapped memory that is not returned. All sizes in bytes. If the sweep
is not finished the runtime raises G0 to at least the heap at commit + 1 MiB (sweepDistMinTrigger).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chaosmem.evidence.model import Cycles, Floats

MIB = 1 << 20
SWEEP_DISTANCE = 1 * MIB
_MINIMUM = 4 * MIB
_HEADROOM_SHARE = 0.03
_HEADROOM_LEAST = 1 * MIB
_HUGE = 2.0**62
"""GOGC off reads as -1 or uint64(-1), no limit as -1 or MaxInt64; the goal is then 0.97·2^63."""


def is_off(gogc: float) -> bool:
    """Whether a reading of GOGC means that it is off."""
    return gogc < 0 or gogc >= _HUGE


def is_unlimited(limit: float) -> bool:
    """Whether a reading of GOMEMLIMIT means that there is none."""
    return limit < 0 or limit >= _HUGE


@dataclass(frozen=True, slots=True)
class Prediction:
    """Goal predicted for each cycle, in bytes (inf: no goal), and whether the limit gives it."""

    goal: Floats
    limited: NDArray[np.bool_]


def predict(cycles: Cycles) -> Prediction:
    """The goal that the pacer must set after each recorded cycle."""
    percent = _percent_goal(cycles)
    limit = _limit_goal(cycles)
    limited = limit < percent
    return Prediction(np.where(limited, limit, percent), limited)


def _percent_goal(cycles: Cycles) -> Floats:
    live, gogc = cycles["live"], cycles["gogc"]
    off = (gogc < 0) | (gogc >= _HUGE)
    share = np.where(off, 0.0, gogc) / 100
    goal = np.maximum(live + (live + cycles["stack"] + cycles["globals"]) * share, _MINIMUM * share)
    return np.where(off, np.inf, goal)


def _limit_goal(cycles: Cycles) -> Floats:
    limit, live = cycles["limit"], cycles["live"]
    mapped = cycles["total"] - cycles["released"]
    overhead = mapped - cycles["heap_free"] - cycles["heap_objects"]
    beyond = np.maximum(0.0, mapped - limit)
    room = np.maximum(0.0, limit - overhead - beyond)
    goal = np.maximum(live, room - np.maximum(_HEADROOM_SHARE * room, _HEADROOM_LEAST))
    return np.where(limit >= _HUGE, np.inf, goal)
