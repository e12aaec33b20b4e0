"""Journal entries as sentences: the plain view of a run, and `show`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chaosmem import units
from chaosmem.rundir import events
from chaosmem.rundir.acts import Act, ControlAnswered, WaitBegun, WaitEnded
from chaosmem.rundir.events import AnyEntry


def sentence(entry: AnyEntry) -> str:
    """What happened, in words; empty for entries that people need not see."""
    words = _WORDS.get(type(entry))
    return words(entry) if words else ""


def _target(entry: events.TargetChanged) -> str:
    who = f" (pid {entry.pid})" if entry.pid else ""
    by = "" if entry.by_us or entry.state == "ready" else " by itself"
    detail = f": {entry.detail}" if entry.detail else ""
    return f"target {entry.state}{by}{who}{detail}"


def _capture(entry: events.CaptureTaken) -> str:
    if entry.error:
        return f"capture {entry.profile} at {entry.moment} FAILED: {entry.error}"
    took = units.human_seconds(entry.end - entry.begin)
    return f"capture {entry.profile} at {entry.moment}: {units.human_bytes(entry.size)} in {took}"


def _trouble(entry: events.ProbeTrouble) -> str:
    if entry.text:
        return f"{entry.source} does not answer: {entry.text}"
    return f"{entry.source} answers again; {entry.missed} samples missed"


def _signal(entry: events.Signalled) -> str:
    if entry.count == 1:
        return f"{entry.name}: stopping and undoing (again: skip the report, still undo)"
    return f"{entry.name}: undoing, then no report"


def _control(entry: ControlAnswered) -> str:
    by = f" by {entry.by}" if entry.by else ""
    if entry.outcome == "refused":
        return f"{entry.act or entry.request}{by} refused: {entry.reason}"
    if entry.act == Act.NOTE:
        after = f", written {entry.at} after the end" if entry.at and entry.late else ""
        return f"note{by}{after}: {' '.join(entry.text.split())}"
    length = f" of {units.human_seconds(entry.seconds)}" if entry.seconds else ""
    reason = f": {entry.reason}" if entry.reason else ""
    return f"{entry.act}{length}{by}{reason}"


def _wait_begun(entry: WaitBegun) -> str:
    if entry.kind == "hold":
        return f"phase {entry.step} lasts longer than planned"
    return f"PAUSED before {entry.step}" + (f": {entry.does}" if entry.does else "")


_WHY = {
    "asked": "as asked",
    "time": "the extension is over",
    "longest": "it may wait no longer",
    "stopped": "the run stops",
}


def _wait_ended(entry: WaitEnded) -> str:
    took, why = units.human_seconds(entry.seconds), _WHY[entry.why]
    if entry.kind == "hold":
        return f"phase {entry.step} ends {took} later than planned: {why}"
    return f"goes on with {entry.step} after {took}: {why}"


def _span(entry: events.FaultApplied | events.FaultUndone) -> str:
    return f"(± {units.human_seconds(entry.u)})"


def _ended(entry: events.RunEnded) -> str:
    return f"run {entry.state}" + (f": {entry.reason}" if entry.reason else "")


_WORDS: dict[type[events.Entry], Callable[[Any], str]] = {
    events.TrialStarted: lambda e: f"trial {e.number}, arm {e.arm}",
    events.PhaseBegun: lambda e: f"phase {e.phase}",
    events.TargetChanged: _target,
    events.CaptureTaken: _capture,
    events.ProbeTrouble: _trouble,
    events.GuardTripped: lambda e: f"GUARD {e.guard}: {e.text}",
    events.Signalled: _signal,
    events.Noted: lambda e: f"note: {e.text}",
    events.FaultApplied: lambda e: f"{e.fault} applied {_span(e)}",
    events.FaultFailed: lambda e: f"{e.fault} NOT applied: {e.error}",
    events.FaultUndone: lambda e: f"{e.fault} undone {_span(e)}",
    events.FaultUndoFailed: lambda e: f"{e.fault} NOT undone: {e.error}",
    events.UndoFailed: lambda e: f"undo {e.id} failed: {e.error}",
    events.RunEnded: _ended,
    ControlAnswered: _control,
    WaitBegun: _wait_begun,
    WaitEnded: _wait_ended,
}
