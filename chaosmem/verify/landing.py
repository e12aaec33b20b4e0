"""Where the heap landed at mark termination against its goal, from gctrace lines.

gctrace prints `start->end->marked MB, goal MB` in whole MiB, truncated: a printed size x means
[x, x + 1) MiB, so the excess end - goal is known to ±1 MiB. Overshoot is judged on both ends of
that: a cycle overshoots for sure, or perhaps, or not.

While the live heap grows the pacer itself moves the goal within the cycle: once a mark has done
more work than the last one, it extrapolates the runway it had left (mgcpacer.go, revise):

    extended = min(trigger + (goal - trigger)·scannable/marked_before, (1 + GOGC/100)·goal)

with scannable at most the heap at mark termination. So a cycle that marked more than the one before
it is held against the extended goal. (A heap fault at a high rate is just that: measured with
200 MiB/s of growth, landings 27 to 33 % above the goal and at most 8 % above the extended one.)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chaosmem.evidence.model import Floats, TargetState, Trial, Window
from chaosmem.profile.trace import GcCycle, GcCycles, parse_gctrace
from chaosmem.verify.formula import FIRST_CYCLES, Counted
from chaosmem.verify.pacer import MIB, is_off
from chaosmem.verify.ruling import Undecided
from chaosmem.verify.words import several

Rows = NDArray[np.bool_]
_OFF_GOGC = 100_000.0  # what revise calculates with when GOGC is off
_OFTEN = 0.05
"""Overshoot counts by its 95th percentile: one cycle in twenty may lie above."""


@dataclass(frozen=True, slots=True, eq=False)
class Landing:
    """Natural cycles under pressure; sizes in MiB as printed.

    Attributes:
        missing: numbers of cycles that the agent saw and that count, but of which the log has no
            line, or none of the cycle before.
        n, line: cycle number, and line in the log.
        start, end, marked, goal: heap at the start and the end of the mark, live heap, goal.
        before: live heap of the cycle before it.
        gogc: GOGC in percent.
    """

    file: str
    missing: Floats
    n: Floats
    line: Floats
    start: Floats
    end: Floats
    marked: Floats
    goal: Floats
    before: Floats
    gogc: Floats

    @property
    def torn(self) -> bool:
        """Whether so many lines are missing that the 95th percentile may be among them."""
        return len(self.missing) > _OFTEN * (len(self) + len(self.missing))

    def __len__(self) -> int:
        return len(self.n)

    @property
    def error(self) -> Floats:
        """end/goal - 1, of the printed sizes and the goal as set before the cycle."""
        return self.end / np.maximum(self.goal, 1.0) - 1

    @property
    def extended(self) -> Floats:
        """The goal that the pacer extends to, for cycles that found the heap grown."""
        return self._extended(self.goal, self.before)

    def surely(self, overshoot: float, slack: float) -> Rows:
        """Cycles above both limits, whatever the truncation hides."""
        highest = self._extended(self.goal + 1, self.before)
        return self._above(self.end, highest, overshoot, slack)

    def perhaps(self, overshoot: float, slack: float) -> Rows:
        """Cycles that may be above both limits."""
        lowest = self._extended(self.goal, self.before + 1)
        return self._above(self.end + 1, lowest, overshoot, slack)

    def _above(self, end: Floats, goal: Floats, overshoot: float, slack: float) -> Rows:
        return (end > goal * (1 + overshoot)) & ((end - goal) * MIB > slack)

    def _extended(self, goal: Floats, before: Floats) -> Floats:
        growth = np.maximum(self.end / np.maximum(before, 1.0), 1.0)
        runway = np.maximum(goal - self.start, 0.0)
        most = (1 + self.gogc / 100) * goal
        extended = np.maximum(goal, np.minimum(self.start + runway * growth, most))
        return np.where(self.marked > before, extended, goal)


def often(rows: Rows) -> bool:
    """Whether more than one in twenty are set: the nearest-rank 95th percentile is."""
    return bool(rows.sum() > _OFTEN * len(rows))


def landing(trial: Trial, window: Window, counted: Counted) -> Landing:
    """The landings under pressure; `Undecided` where the log does not tell.

    `counted` must hold at least one cycle, which the gate of the check sees to.
    """
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
    rows = [
        _row(cycle, before, counted)
        for run, start in _started(trial, runs)
        for cycle, before in _inside(run, start, window, counted)
    ]
    columns = np.array(rows, dtype=np.float64).reshape(-1, 8).T
    return Landing(trial.log.file, _missing(runs, counted), *columns)


def _missing(runs: list[GcCycles], counted: Counted) -> Floats:
    printed = {cycle.number for run in runs for cycle in run}
    wanted = counted.cycles["n"][counted.counts]
    return wanted[[not {int(n), int(n) - 1} <= printed for n in wanted.tolist()]]


def _row(cycle: GcCycle, before: float, counted: Counted) -> tuple[float, ...]:
    sizes = (cycle.heap_start_mib, cycle.heap_end_mib, cycle.heap_marked_mib, cycle.goal_mib)
    return (cycle.number, cycle.line, *sizes, before, _gogc(cycle, counted))


def _gogc(cycle: GcCycle, counted: Counted) -> float:
    """GOGC as the agent recorded it at the cycle, or at the nearest one that it saw."""
    at = int(np.argmin(np.abs(counted.cycles["n"] - cycle.number)))
    gogc = float(counted.cycles["gogc"][at])
    return _OFF_GOGC if is_off(gogc) else gogc


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


def _inside(
    run: GcCycles, start: float, window: Window, counted: Counted
) -> Iterator[tuple[GcCycle, float]]:
    """The natural cycles of one process under pressure, each with the live heap before it.

    Where the line before is missing nobody knows whether the heap grew: such a cycle is left out.
    """
    dated = dict(zip(counted.cycles["n"].tolist(), counted.counts.tolist(), strict=True))
    last: GcCycle | None = None
    for cycle in run:
        inside = window.start < start + cycle.end_seconds <= window.end
        natural = not (cycle.forced or cycle.periodic or cycle.leak_check)
        counts = dated.get(float(cycle.number), True)
        follows = last is not None and last.number == cycle.number - 1 >= FIRST_CYCLES
        if last is not None and follows and inside and natural and counts:
            yield cycle, float(last.heap_marked_mib)
        last = cycle
