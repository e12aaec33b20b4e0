"""The garbage collections that the target's own log tells of (GODEBUG=gctrace=1), as a table."""

from __future__ import annotations

from dataclasses import dataclass

from chaosmem.evidence.model import Trial
from chaosmem.profile.trace import GcCycle, parse_gctrace
from chaosmem.units import human_seconds

_HEADER = (
    "cycle",
    "t",
    "CPU",
    "pauses",
    "mark",
    "heap at start",
    "at end",
    "live",
    "goal",
    "stacks",
    "globals",
    "P",
    "",
    "log line",
)


@dataclass(frozen=True, slots=True)
class TraceRows:
    """The gctrace lines of a trial as a table, at most so many.

    Attributes:
        header: names of the columns.
        rows: one a cycle; `step` is 1 where none is left out.
        cycles: cycles in the log.
        notes: damage, gaps, and how they compare to the agent's own record.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    cycles: int
    step: int
    notes: tuple[str, ...]


def trace_rows(trial: Trial, start: float, most: int) -> TraceRows | None:
    """The table; None where the log has no gctrace line.

    Args:
        trial: whose log is read.
        start: of the trial, on the run's clock.
        most: rows at most.
    """
    if trial.log is None:
        return None
    trace = parse_gctrace(trial.log.data)
    if not (len(trace.cycles) or trace.damaged_lines):
        return None
    runs = trace.cycles.runs()
    # only the first process's start is known; a later one's times are its own
    offset = trial.log.started - start if len(runs) == 1 else None
    step = max(1, -(-len(trace.cycles) // most))
    rows = tuple(_row(cycle, offset) for cycle in trace.cycles[::step])
    notes = []
    if len(runs) > 1:
        notes.append(f"{len(runs)} processes wrote to this log: t is since each one's start (@).")
    if trace.missing_cycles:
        notes.append(f"{trace.missing_cycles} cycles between them have no line.")
    if trace.damaged_lines:
        notes.append(f"{trace.damaged_lines} damaged lines are left out.")
    if len(trial.cycles) and len(runs) == 1:
        own = {int(n) for n in trial.cycles["n"]}
        both = len(own & set(trace.cycles.number.tolist()))
        notes.append(f"{both} of the agent's {len(own)} cycles are in the log too.")
    return TraceRows(_HEADER, rows, len(trace.cycles), step, tuple(notes))


def _row(cycle: GcCycle, offset: float | None) -> tuple[str, ...]:
    moment = cycle.start_seconds + (offset or 0.0)
    kind = "forced" if cycle.forced else "periodic" if cycle.periodic else ""
    return (
        str(cycle.number),
        f"{'@' if offset is None else ''}{moment:.2f} s",
        f"{cycle.cpu_percent} %",
        human_seconds(cycle.pause_seconds),
        human_seconds(cycle.clock.mark),
        f"{cycle.heap_start_mib} MiB",
        f"{cycle.heap_end_mib} MiB",
        f"{cycle.heap_marked_mib} MiB",
        f"{cycle.goal_mib} MiB",
        _mib(cycle.stacks_mib),
        _mib(cycle.globals_mib),
        str(cycle.procs),
        kind,
        str(cycle.line),
    )


def _mib(value: int | None) -> str:
    return "\u2013" if value is None else f"{value} MiB"
