"""Pressure from beside the process: the container's working set, and what the process had of it.

The working set must have come to the level, and not by the process itself: its own resident set
must not account for the rise. Both are measured by the kernel, whoever injected.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chaosmem.evidence.model import FaultRecord, Series, Trial, Window
from chaosmem.metrics import CGROUP_LIMIT, CGROUP_WORKING_SET, TARGET_RSS
from chaosmem.spec.base import Phase
from chaosmem.spec.faults import MemoryFault
from chaosmem.units import human_bytes
from chaosmem.verify import ground
from chaosmem.verify.proofs.base import Proof, baseline_median, pointers
from chaosmem.verify.ruling import Undecided, number

LEVEL_SHARE = 0.02
"""Of the limit: how far the median of the hold phase may be from the level.

The helper's loop holds within 1 %; the other 1 % is for a service that breathes between samples.
"""


@dataclass(frozen=True, slots=True)
class _Asked:
    level: float
    limit: float


@dataclass(frozen=True, slots=True)
class _Found:
    """Working set in the baseline and in the hold phase, and the process's own rise; bytes."""

    base: float
    reached: float
    own: float


def memory(fault: MemoryFault, record: FaultRecord, trial: Trial, tolerance: float) -> Proof:
    """The working set came to the level in hold, and the rise is not the process's own."""
    asked = _asked(record, trial)
    window = _held(record, trial)
    base, before = baseline_median(trial, CGROUP_WORKING_SET)
    seen = ground.covering(trial, CGROUP_WORKING_SET, window, "the time that the level was held")
    reached = float(np.median(seen.v))
    own, rss = _own_rise(trial, window)
    rise = reached - base
    found = _Found(base, reached, own)
    why = _why_not(fault, asked, found, tolerance)
    return Proof(
        "memory pressure",
        f"{human_bytes(asked.level)} of working set",
        _claimed(record),
        f"working set {human_bytes(reached)} ({rise:+.0f} B), the process's own {own:+.0f} B",
        not why,
        why,
        {
            "level": number(asked.level, "By"),
            "working set": number(reached, "By"),
            "risen working set": number(rise, "By"),
            "risen process memory": number(own, "By"),
        },
        pointers(before, seen, *rss),
    )


def _asked(record: FaultRecord, trial: Trial) -> _Asked:
    level = record.readback.get("level")
    if not isinstance(level, int | float):
        raise Undecided("nobody said which level was asked of this container")
    limits = trial.of(CGROUP_LIMIT)
    limit = float(limits.v[-1]) if len(limits) else float(record.readback.get("limit", 0.0))
    if limit <= 0:
        raise Undecided("the container's limit is not known, so neither is its level's error")
    return _Asked(float(level), limit)


def _held(record: FaultRecord, trial: Trial) -> Window:
    """The hold phase, as far as the fault acted in it: the ramp is over then."""
    acted, hold = ground.acts(record, trial), ground.phase(trial, Phase.HOLD)
    window = Window(max(acted.start, hold.start), min(acted.end, hold.end))
    if window.seconds <= 0:
        raise Undecided("the fault did not act in the hold phase, so no level was held")
    return window


def _own_rise(trial: Trial, window: Window) -> tuple[float, tuple[Series, ...]]:
    base, before = baseline_median(trial, TARGET_RSS)
    top = ground.covering(trial, TARGET_RSS, window, "the time that the level was held")
    return float(np.median(top.v)) - base, (before, top)


def _claimed(record: FaultRecord) -> str:
    held = record.readback.get("held.bytes")
    return f"{human_bytes(float(held))} held" if isinstance(held, int | float) else "asked for"


def _why_not(fault: MemoryFault, asked: _Asked, found: _Found, tolerance: float) -> str:
    slack = LEVEL_SHARE * asked.limit
    base, reached, own = found.base, found.reached, found.own
    rise = reached - base
    if base >= asked.level - slack:
        return (
            f"the working set was {human_bytes(base)} already in the baseline, so nothing had to "
            f"be added to come to {human_bytes(asked.level)}"
        )
    if fault.oom == "expected" and reached > asked.level:
        return ""
    if abs(reached - asked.level) > slack:
        return (
            f"the working set stood at {human_bytes(reached)}, and {human_bytes(asked.level)} "
            f"± {human_bytes(slack)} was asked for"
        )
    if own > tolerance * rise + slack:
        return (
            f"the process's own memory rose by {human_bytes(own)} of the {human_bytes(rise)}, so "
            "it was not pressed from beside"
        )
    return ""
