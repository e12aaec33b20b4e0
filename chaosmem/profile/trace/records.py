"""One garbage collection as gctrace prints it, and what could not be read.

Source: Go `runtime/mgc.go` (the print in gcMarkTermination) and `runtime/extern.go` (GODEBUG).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class ClockPhases:
    """Wall-clock seconds of the three phases; printed in ms with two or three digits."""

    sweep_termination: float
    mark: float
    mark_termination: float


@dataclass(frozen=True, slots=True)
class CpuPhases:
    """CPU seconds of the phases; `background` is dedicated plus fractional workers."""

    sweep_termination: float
    assist: float
    background: float
    idle: float
    mark_termination: float


@dataclass(frozen=True, slots=True)
class GcCycle:
    """One gctrace line.

    Attributes:
        number: memstats.numgc, from 1 in each process.
        start_seconds: begin of sweep termination, in seconds since the process started.
        cpu_percent: share of all CPU time since the process started that went to the GC, without
            idle-priority marking; truncated to whole percent.
        clock: wall-clock time of the phases in seconds.
        cpu: CPU time of the phases in seconds.
        heap_start_mib: heapLive when the cycle started, before it stopped the world. All sizes are
            whole MiB, truncated (`>>20`), although the line says MB.
        heap_end_mib: heapLive at mark termination, the number that the goal is about.
        heap_marked_mib: bytes marked, i.e. live.
        goal_mib: the heap goal of this cycle (gcController.lastHeapGoal).
        stacks_mib: scanned stack; None before Go 1.18, whose line does not have it.
        globals_mib: scannable globals; None before Go 1.18.
        procs: GOMAXPROCS.
        forced: runtime.GC(), `?gc=1`, goroutineleak or FreeOSMemory asked for it.
        periodic: the two-minute timer asked for it (a "GC forced" line stood before; the gc line
            itself then has no "(forced)").
        leak_check: the cycle looked for leaked goroutines (Go 1.26 experiment, 1.27).
        line: line number in the input, from 1.
        offset: byte offset of the "gc " in the input.
        source: who wrote it, as the log driver's prefix says; "" without such a prefix.
    """

    number: int
    start_seconds: float
    cpu_percent: int
    clock: ClockPhases
    cpu: CpuPhases
    heap_start_mib: int
    heap_end_mib: int
    heap_marked_mib: int
    goal_mib: int
    stacks_mib: int | None
    globals_mib: int | None
    procs: int
    forced: bool
    periodic: bool
    leak_check: bool
    line: int
    offset: int
    source: str = ""

    @property
    def clock_seconds(self) -> float:
        """Length of the whole cycle in seconds of wall-clock time."""
        return self.clock.sweep_termination + self.clock.mark + self.clock.mark_termination

    @property
    def end_seconds(self) -> float:
        """End of mark termination, in seconds since the process started."""
        return self.start_seconds + self.clock_seconds

    @property
    def pause_seconds(self) -> float:
        """Both stop-the-world phases together, in seconds of wall-clock time."""
        return self.clock.sweep_termination + self.clock.mark_termination


class DamageKind(StrEnum):
    """Why a line that belongs to a trace was not used."""

    TORN = "torn"
    """It begins as a trace line and does not end as one: cut, or another writer came between."""
    FRAGMENT = "fragment"
    """The later part of a trace line whose beginning stands elsewhere."""
    GLUED = "glued"
    """A whole trace line behind text that no known log driver writes."""
    OVERLONG = "overlong"
    """Longer than any trace line can be; its content was not kept."""
    ORPHAN_NOTICE = "orphan-notice"
    """A "GC forced" line that no periodic cycle follows."""


@dataclass(frozen=True, slots=True)
class Damage:
    """One line that was left out, with its place in the input; nothing in it is guessed."""

    kind: DamageKind
    line: int
    offset: int
    excerpt: str
