"""Pressure from beside the process: the container's working set, and what the process had of it.

The working set must have come to the level, and what rose beyond the process's own resident memory
must be what the stressor says it holds. Both are measured by the kernel, whoever injected; a heap
fault may grow the process meanwhile, which is then not counted as pressure from beside.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chaosmem.evidence.model import FaultRecord, Series, TargetEvent, Trial, Window
from chaosmem.metrics import CGROUP_LIMIT, CGROUP_WORKING_SET, STRESS_HELD, TARGET_RSS
from chaosmem.spec.base import Phase
from chaosmem.spec.faults import MemoryFault
from chaosmem.units import human_bytes
from chaosmem.verify import ground
from chaosmem.verify.proofs.base import Proof, baseline_median, pointers
from chaosmem.verify.ruling import Undecided, number

LEVEL_SHARE = {"helper": 0.02, "chaos-mesh": 0.05}
"""Of the limit: how far the median of the hold phase may be from the level.

The helper's loop holds within 1 %; the other 1 % is for a service that breathes between samples.
A StressChaos is sized once, and then nobody follows what the service does.
"""


@dataclass(frozen=True, slots=True)
class _Seen:
    """What was asked, and what the kernel says of the hold phase; bytes.

    Attributes:
        slack: how far the working set may be from the level.
        base, reached: median working set in the baseline and in the hold phase.
        own: rise of the process's own resident memory.
        held: what the stressor says that it holds.
    """

    level: float
    slack: float
    base: float
    reached: float
    own: float
    held: float

    @property
    def rise(self) -> float:
        return self.reached - self.base

    @property
    def beside(self) -> float:
        """What came from beside the process."""
        return self.rise - self.own


def memory(fault: MemoryFault, record: FaultRecord, trial: Trial, tolerance: float) -> Proof:
    """The working set came to the level in hold, by what the stressor holds; or the wanted kill."""
    gone = ground.wanted_kill(trial)
    if gone is not None and ground.kills(record, gone):
        return _killed(fault, record, trial, gone)
    window = _hold(record, trial)
    seen, series = _seen(fault, record, trial, window)
    why = _why_not(fault, seen, tolerance)
    return Proof(
        "memory from beside",
        f"{human_bytes(seen.level)} of working set",
        f"{human_bytes(seen.held)} held",
        f"working set {human_bytes(seen.base)} -> {human_bytes(seen.reached)}, "
        f"{human_bytes(max(0.0, seen.beside))} of it from beside the process",
        not why,
        why,
        {
            "level": number(seen.level, "By", seen.slack),
            "working set": number(seen.reached, "By"),
            "from beside": number(seen.beside, "By"),
            "held": number(seen.held, "By"),
        },
        pointers(*series),
    )


def _killed(fault: MemoryFault, record: FaultRecord, trial: Trial, gone: TargetEvent) -> Proof:
    """An OOM kill that the spec expects, while the stressor was seen to hold memory.

    How near the limit the working set came is not asked: the last step is faster than the samples.
    """
    series = _count(fault, trial).between(record.applied or 0.0, gone.t)
    held = float(np.max(series.v)) if len(series) else _said(record, "size_bytes")
    level, slack = _said(record, "level_bytes"), LEVEL_SHARE[fault.via] * _limit(trial)
    why = "" if held > slack else f"the stressor held only {human_bytes(held)} before the kill"
    return Proof(
        "OOM kill",
        f"{human_bytes(level)} of working set, and the kill that comes of it",
        f"{human_bytes(held)} held before it",
        ground.told(gone),
        not why,
        why,
        {"level": number(level, "By"), "held": number(held, "By")},
        (ground.where(gone), *pointers(series)),
    )


def _hold(record: FaultRecord, trial: Trial) -> Window:
    """The hold phase, as far as the fault acted in it: the ramp is over then."""
    acted, hold = ground.acts(record, trial), ground.phase(trial, Phase.HOLD)
    window = Window(max(acted.start, hold.start), min(acted.end, hold.end))
    if window.seconds <= 0:
        raise Undecided("the fault did not act in the hold phase, so no level was held")
    return window


def _seen(
    fault: MemoryFault, record: FaultRecord, trial: Trial, window: Window
) -> tuple[_Seen, tuple[Series, ...]]:
    base, before = baseline_median(trial, CGROUP_WORKING_SET)
    top = ground.covering(trial, CGROUP_WORKING_SET, window, _DURING)
    own_base, own_before = baseline_median(trial, TARGET_RSS)
    own = ground.covering(trial, TARGET_RSS, window, _DURING)
    level, limit = _said(record, "level_bytes"), _limit(trial)
    held = _count(fault, trial).within(window)
    seen = _Seen(
        level=level,
        slack=LEVEL_SHARE[fault.via] * limit,
        base=base,
        reached=float(np.median(top.v)),
        own=float(np.median(own.v)) - own_base,
        held=float(np.median(held.v)) if len(held) else _said(record, "size_bytes"),
    )
    return seen, (before, top, own_before, own, held)


def _count(fault: MemoryFault, trial: Trial) -> Series:
    """What the stressor says it holds; a StressChaos says nothing, and the helper holds nothing."""
    counted = trial.of(STRESS_HELD)
    return counted if fault.via == "helper" else counted.between(np.inf, np.inf)


_DURING = "the time that the level was held"


def _said(record: FaultRecord, name: str) -> float:
    value = record.acknowledged.get(name)
    if not isinstance(value, int | float) or value <= 0:
        raise Undecided(f"the {name} that was asked of this container is not known")
    return float(value)


def _limit(trial: Trial) -> float:
    limits = trial.of(CGROUP_LIMIT)
    if not len(limits):
        raise Undecided("the container's limit was not measured")
    return float(limits.v[-1])


def _why_not(fault: MemoryFault, seen: _Seen, tolerance: float) -> str:
    if seen.held <= seen.slack:
        return (
            f"the stressor held only {human_bytes(seen.held)}: the working set was "
            f"{human_bytes(seen.base)} in the baseline and the process itself grew by "
            f"{human_bytes(max(0.0, seen.own))}, so nothing was pressed from beside"
        )
    if seen.beside < seen.held * (1 - tolerance) - seen.slack:
        return (
            f"{human_bytes(seen.held)} are said to be held, but the working set rose by only "
            f"{human_bytes(max(0.0, seen.beside))} beyond the process's own memory"
        )
    too_far = abs(seen.reached - seen.level) > seen.slack
    if too_far and not (fault.oom == "expected" and seen.reached > seen.level):
        return (
            f"the working set stood at {human_bytes(seen.reached)}, and {human_bytes(seen.level)} "
            f"± {human_bytes(seen.slack)} was asked for"
        )
    return ""
