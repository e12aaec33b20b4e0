"""Where the heap landed at mark termination against its goal, from gctrace lines.

gctrace prints `start->end->marked MB, goal MB` in whole MiB, truncated: a printed size x means
[x, x + 1) MiB, so the excess end - goal is known to ±1 MiB. Overshoot is judged on both ends of
that: a cycle overshoots for sure, or perhaps, or not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chaosmem.evidence.model import Floats, TargetState, Trial, Window
from chaosmem.profile.trace import GcCycle, GcCycles, parse_gctrace
from chaosmem.verify.formula import FIRST_CYCLES, Counted
from chaosmem.verify.pacer import MIB
from chaosmem.verify.ruling import Undecided
from chaosmem.verify.words import several

Rows = NDArray[np.bool_]
_OFTEN = 0.05
"""Overshoot counts by its 95th percentile: one cycle in twenty may lie above."""


@dataclass(frozen=True, slots=True, eq=False)
class Landing:
    """Natural cycles under pressure: number, line in the log, MiB as printed."""

    file: str
    n: Floats
    line: Floats
    start: Floats
    end: Floats
    marked: Floats
    goal: Floats

    def __len__(self) -> int:
        return len(self.n)

    @property
    def error(self) -> Floats:
        """end/goal - 1, of the printed sizes."""
        return self.end / np.maximum(self.goal, 1.0) - 1

    def surely(self, overshoot: float, slack: float) -> Rows:
        """Cycles above both limits, whatever the truncation hides."""
        return self._above(self.end, self.goal + 1, overshoot, slack)

    def perhaps(self, overshoot: float, slack: float) -> Rows:
        """Cycles that may be above both limits."""
        return self._above(self.end + 1, self.goal, overshoot, slack)

    def _above(self, end: Floats, goal: Floats, overshoot: float, slack: float) -> Rows:
        return (end > goal * (1 + overshoot)) & ((end - goal) * MIB > slack)


def often(rows: Rows) -> bool:
    """Whether more than one in twenty are set: the nearest-rank 95th percentile is."""
    return bool(rows.sum() > _OFTEN * len(rows))


def landing(trial: Trial, window: Window, counted: Counted) -> Landing:
    """The landings under pressure; `Undecided` where the log does not tell."""
    if trial.log is None:
        raise Undecided(
            "without the target's stderr nobody saw where the heap landed; let chaosmem start the "
            "process with gctrace, or make this check advisory"
        )
    runs = parse_gctrace(trial.log.data).cycles.runs()
    if not runs:
        raise Undecided(
            f"{trial.log.file} holds no gctrace line, so nobody saw where the heap landed; start "
            "the target with GODEBUG=gctrace=1"
        )
    rows = [c for run, start in _started(trial, runs) for c in _inside(run, start, window, counted)]
    columns = [
        (c.number, c.line, c.heap_start_mib, c.heap_end_mib, c.heap_marked_mib, c.goal_mib)
        for c in rows
    ]
    table = np.array(columns, dtype=np.float64).reshape(-1, 6).T
    return Landing(trial.log.file, *table)


def _started(trial: Trial, runs: list[GcCycles]) -> list[tuple[GcCycles, float]]:
    """Each process in the log with its start on the run's clock."""
    log = trial.log
    starts = [e.t for e in trial.events if e.state is TargetState.STARTED]
    starts = starts or ([log.started] if log else [])
    if len(starts) == len(runs):
        return list(zip(runs, starts, strict=True))
    raise Undecided(
        f"the log holds gctrace lines of {several(len(runs), 'process')}, and "
        f"{several(len(starts), 'start')} were recorded, so the lines cannot be dated"
    )


def _inside(run: GcCycles, start: float, window: Window, counted: Counted) -> list[GcCycle]:
    """The natural cycles of one process under pressure, by number where the agent dated them."""
    dated = dict(zip(counted.cycles["n"], counted.counts, strict=True)) if counted.natural else {}
    found = []
    for cycle in run:
        ended = start + cycle.end_seconds
        inside = window.start < ended <= window.end
        natural = not (cycle.forced or cycle.periodic or cycle.leak_check)
        counts = dated.get(float(cycle.number), True)
        if inside and natural and counts and cycle.number > FIRST_CYCLES:
            found.append(cycle)
    return found
