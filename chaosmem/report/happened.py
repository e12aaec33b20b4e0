"""What happened when: a trial's phases, faults, captures, and what its target went through."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from chaosmem.evidence.model import FaultRecord, Trial
from chaosmem.report.words import amount


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, at `t` seconds of the trial; `lines` are of the journal."""

    t: float
    kind: str
    words: str
    lines: tuple[int, ...] = ()

    @property
    def line(self) -> int:
        """The first of them; 0: the journal has none of its own."""
        return self.lines[0] if self.lines else 0


def events(trial: Trial, start: float, others: Iterable[Event] = ()) -> tuple[Event, ...]:
    """Everything in order, with `others`; `start` of the trial is on the run's clock."""
    return tuple(sorted((*_events(trial, start), *others), key=lambda e: e.t))


def _events(trial: Trial, start: float) -> Iterable[Event]:
    for phase, span in trial.phases.items():
        yield Event(span.start - start, "phase", f"{phase} begins")
    for fault in trial.faults:
        yield from _fault(trial, fault, start)
    for capture in trial.captures:
        words = f"{capture.profile} at {capture.moment}"
        words += f": {capture.error}" if capture.error else f", {amount(capture.size, 'By')}"
        yield Event(capture.begin - start, "capture", words)
    for event in trial.events:
        by = ", by chaosmem" if event.by_us else ""
        pid = f" (pid {event.pid})" if event.pid else ""
        words = f"target {event.state}{pid}{by}"
        words += f": {event.detail}" if event.detail else ""
        yield Event(event.t - start, "target", words, _lines(event.line))
    for problem in trial.problems:
        words = f"{problem.source}: {problem.text}"
        yield Event(problem.t - start, "problem", words, _lines(problem.line))


def _fault(trial: Trial, fault: FaultRecord, start: float) -> Iterable[Event]:
    """All of a fault's lines but the last, which is its undo where it was undone, are its start."""
    does, undone = fault.planned.does, fault.undone is not None
    begun = fault.lines[:-1] if undone else fault.lines
    if fault.applied is not None:
        yield Event(fault.applied - start, "fault", f"applied: {does}", begun)
    if fault.undone is not None:
        yield Event(fault.undone - start, "fault", f"undone: {does}", fault.lines[-1:])
    for error in filter(None, (fault.apply_error, fault.undo_error)):
        at = _end(trial) if fault.applied is None else fault.applied
        yield Event(at - start, "problem", error, begun)


def _end(trial: Trial) -> float:
    return max((w.end for w in trial.phases.values()), default=0.0)


def _lines(line: int) -> tuple[int, ...]:
    return (line,) if line else ()
