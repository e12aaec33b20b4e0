"""Journal entries into records: what became of each fault, and the runtime's histograms."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import replace

from chaosmem.errors import RunDirError
from chaosmem.evidence.model import FaultRecord, Histogram
from chaosmem.plan.model import Plan
from chaosmem.rundir import RunDir, events
from chaosmem.rundir.journal import Line


def fault_records(plan: Plan, lines: Iterable[Line]) -> tuple[FaultRecord, ...]:
    """One record for each planned fault, whether or not it was ever applied."""
    records = {
        p.id: FaultRecord(planned=p, applied=None, applied_u=0.0, undone=None, undone_u=0.0)
        for p in plan.faults
    }
    for line in lines:
        fault = getattr(line.entry, "fault", "")
        if fault in records:
            before = records[fault]
            records[fault] = replace(_after(before, line), lines=(*before.lines, line.number))
    return tuple(records.values())


def _after(record: FaultRecord, line: Line) -> FaultRecord:
    entry = line.entry
    match entry:
        case events.FaultApplied():
            said = entry.readback
            return replace(record, applied=entry.at, applied_u=entry.u, acknowledged=said)
        case events.FaultProved():
            return replace(record, readback=entry.readback)
        case events.FaultFailed():
            return replace(record, apply_error=entry.error)
        case events.FaultUndone():
            return replace(record, undone=entry.at, undone_u=entry.u, undo_error="")
        case events.FaultUndoFailed():
            return replace(record, undo_error=entry.error)
        case _:
            return record


def histogram(rundir: RunDir, line: Line, damage: list[str]) -> Iterable[Histogram]:
    """The histograms of one journal line, where it is one of them."""
    entry = line.entry
    if not isinstance(entry, events.HistogramsTaken):
        return
    try:
        said = json.loads(rundir.read(entry.file))["histograms"]
        for name, buckets in said.items():
            rows = tuple(_bucket(low, high, count) for low, high, count in buckets)
            yield Histogram(name, entry.moment, entry.t, rows, entry.file)
    except (RunDirError, ValueError, KeyError, TypeError, AttributeError) as problem:
        damage.append(f"{entry.file}: not the runtime's histograms ({problem})")


def _bucket(low: float | None, high: float | None, count: int) -> tuple[float, float, int]:
    return (
        -math.inf if low is None else float(low),
        math.inf if high is None else float(high),
        int(count),
    )
