"""Evidence: what a run observed, typed. The verifier and the reports see nothing else.

All times `t` are seconds on the run's one monotonic clock (0 = start of the run); `u` is the
half-width of a time's uncertainty in seconds (for a sample: half of its round trip).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from chaosmem.evidence.acts import ActRecord, WaitRecord
from chaosmem.metrics import Metric
from chaosmem.plan.model import Plan, PlannedFault
from chaosmem.spec.base import Phase
from chaosmem.spec.model import Experiment

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of the run's clock, in seconds."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        """Length."""
        return self.end - self.start


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One metric over time: `t`, `u`, `v` are float64 columns of equal length, `t` ascending.

    Rows in which this metric was absent are left out. `file` is relative to the run directory;
    `written` is the column's name there where an older chaosmem wrote another one than now.
    """

    metric: Metric
    t: Floats
    u: Floats
    v: Floats
    file: str
    written: str = ""

    def __len__(self) -> int:
        return len(self.t)

    @property
    def column(self) -> str:
        """Its name in `file`."""
        return self.written or self.metric.name

    def between(self, start: float, end: float) -> Series:
        """The samples with start <= t <= end."""
        lo, hi = np.searchsorted(self.t, start, "left"), np.searchsorted(self.t, end, "right")
        return replace(self, t=self.t[lo:hi], u=self.u[lo:hi], v=self.v[lo:hi])

    def within(self, window: Window) -> Series:
        """The samples inside `window`."""
        return self.between(window.start, window.end)


@dataclass(frozen=True, slots=True, eq=False)
class Cycles:
    """GC cycles as the agent recorded them just after each one: columns by name.

    Columns (float64): n, t, live, goal, stack, globals, gogc, limit, limiter, forced_total,
    total, released, heap_free, heap_objects. `lost` counts cycles that left the agent's ring
    before they were read.
    """

    columns: Mapping[str, Floats]
    file: str
    lost: int = 0

    def __len__(self) -> int:
        return len(self.columns["n"]) if self.columns else 0

    def __getitem__(self, name: str) -> Floats:
        return self.columns[name]


@dataclass(frozen=True, slots=True)
class Capture:
    """One profile as received. `error` is set, and `file` empty, where it could not be had."""

    id: str
    profile: str
    moment: str
    begin: float
    end: float
    file: str
    sha256: str
    size: int
    gc: bool
    error: str = ""


@dataclass(frozen=True, slots=True)
class Histogram:
    """One cumulative runtime histogram: buckets (low, high, count), only those with a count."""

    name: str
    moment: str
    t: float
    buckets: tuple[tuple[float, float, int], ...]
    file: str


@dataclass(frozen=True, slots=True)
class FaultRecord:
    """What became of one planned fault in one trial.

    Attributes:
        applied: when the target acknowledged it; None: never.
        undone: when the undo was acknowledged; None: never.
        acknowledged: what whoever acts said when it began, by name (numbers and texts).
        readback: what was read back from the target to prove it, by name (numbers and texts).
        lines: journal line numbers (1-based) of its entries.
    """

    planned: PlannedFault
    applied: float | None
    applied_u: float
    undone: float | None
    undone_u: float
    apply_error: str = ""
    undo_error: str = ""
    acknowledged: Mapping[str, float | str] = field(default_factory=dict)
    readback: Mapping[str, float | str] = field(default_factory=dict)
    lines: tuple[int, ...] = ()


class TargetState(StrEnum):
    """What happened to the target process."""

    STARTED = "started"
    READY = "ready"
    EXITED = "exited"
    RESTARTED = "restarted"
    STOPPED = "stopped"
    OOM_KILLED = "oom-killed"
    UNREACHABLE = "unreachable"
    NEVER_READY = "never-ready"


@dataclass(frozen=True, slots=True)
class TargetEvent:
    """One change of the target. `by_us`: chaosmem itself did it (restart fault, end of trial)."""

    t: float
    state: TargetState
    pid: int | None = None
    by_us: bool = False
    detail: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class ProbeProblem:
    """A sample or capture that could not be had, and why."""

    t: float
    source: str
    text: str
    line: int = 0


@dataclass(frozen=True, slots=True)
class Log:
    """The target's stdout and stderr, as its process wrote them."""

    file: str
    data: bytes
    started: float
    """Start of the (first) process on the run's clock: gctrace's `@s` counts from there."""


@dataclass(frozen=True)
class Trial:
    """One pass through the phases on one target, under one arm."""

    key: str
    arm: str
    trial: int
    target: str
    phases: Mapping[Phase, Window]
    series: Mapping[str, Series]
    cycles: Cycles
    captures: tuple[Capture, ...]
    histograms: tuple[Histogram, ...]
    faults: tuple[FaultRecord, ...]
    events: tuple[TargetEvent, ...]
    problems: tuple[ProbeProblem, ...]
    log: Log | None
    complete: bool
    """All phases ran to their end."""
    read: Callable[[str], bytes] = field(repr=False)
    """Read a file of the run directory by its relative name (captures)."""

    def of(self, metric: Metric) -> Series:
        """The series of `metric`; empty where nothing was measured."""
        found = self.series.get(metric.name)
        if found is not None:
            return found
        none = np.empty(0)
        return Series(metric, none, none, none, "")

    def capture(self, profile: str, moment: str) -> Capture | None:
        """The capture of that profile at that moment, where one was asked for."""
        return next((c for c in self.captures if c.profile == profile and c.moment == moment), None)

    @cached_property
    def release(self) -> tuple[float, float] | None:
        """When the last fault that ends with or before the hold phase was taken back: (t, ± u).

        A load that goes on through recovery is the steady state, not the stress.
        """
        undone = [
            (f.undone, f.undone_u)
            for f in self.faults
            if f.undone is not None and f.planned.end in _UNDER_STRESS
        ]
        return max(undone, default=None)


_UNDER_STRESS = (Phase.INJECT, Phase.HOLD)


class RunState(StrEnum):
    """How the run as a whole ended."""

    COMPLETED = "completed"
    ABORTED = "aborted"
    INTERRUPTED = "interrupted"
    ERROR = "error"
    UNFINISHED = "unfinished"


@dataclass(frozen=True, slots=True)
class RunEnd:
    """How the run ended, and why; UNFINISHED: the journal just stops (kill -9, power)."""

    state: RunState
    reason: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class UndoRecord:
    """One entry of the write-ahead undo: what was promised, and whether it was done."""

    id: str
    what: str
    done: bool
    error: str = ""
    line: int = 0


@dataclass(frozen=True)
class Evidence:
    """A whole run."""

    run_id: str
    started: str
    """Wall clock at the run's start, RFC 3339 in UTC."""
    experiment: Experiment
    plan: Plan
    trials: tuple[Trial, ...]
    end: RunEnd
    undo: tuple[UndoRecord, ...]
    damage: tuple[str, ...] = ()
    """What the reader noticed: torn journal line, checksum mismatch, missing capture."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """Versions and settings: chaosmem, Go, host, CPU count, target's GOGC and so on."""
    acts: tuple[ActRecord, ...] = ()
    """What operators did, and their notes."""
    waits: tuple[WaitRecord, ...] = ()
    """Where the run waited for them."""
