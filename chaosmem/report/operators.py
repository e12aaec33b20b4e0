"""What operators did to a run, their notes, and where the run waited for them, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chaosmem.evidence.acts import ActRecord, WaitRecord
from chaosmem.evidence.model import Evidence, Trial, Window
from chaosmem.report.happened import Event
from chaosmem.units import human_seconds

KIND, WAIT = "operator", "wait"
_WHY = {
    "asked": "as asked",
    "time": "the extension was over",
    "longest": "it might wait no longer",
    "stopped": "the run stopped",
}


@dataclass(frozen=True, slots=True)
class Wait:
    """A stretch in which a trial waited, seconds of the trial."""

    start: float
    end: float
    words: str


def act_words(act: ActRecord) -> str:
    """`note by ana: the pager is quiet`, `extend of 10 s by ben`, `abort refused: ...`."""
    by = f" by {act.by}" if act.by else ""
    if act.refused:
        return f"{act.act or 'a request'}{by} refused: {act.refused}"
    if act.is_note:
        late = f", written after the end ({act.at})" if act.late else ""
        return f"note{by}{late}: {act.text}"
    length = f" of {human_seconds(act.seconds)}" if act.seconds else ""
    reason = f": {act.reason}" if act.reason else ""
    return f"{act.act}{length}{by}{reason}"


def wait_words(wait: WaitRecord) -> str:
    """`hold lasted 20 s longer than planned, as asked`."""
    if wait.end is None:
        return f"waited ({wait.kind}) at {wait.step} until the journal ends"
    took, why = human_seconds(wait.end - wait.start), _WHY.get(wait.why, wait.why)
    why = f", {why}" if why else ""
    if wait.kind == "hold":
        return f"{wait.step} lasted {took} longer than planned{why}"
    return f"paused {took} before {wait.step}{why}"


def operated(evidence: Evidence) -> tuple[Event, ...]:
    """All acts and waits, in order; times are of the run's clock.

    The waits of a round's trials on several targets are one.
    """
    acts = [Event(a.t, KIND, act_words(a), _lines(a.line)) for a in evidence.acts]
    waits: dict[str, Event] = {}
    for wait in evidence.waits:
        made = Event(wait.start, WAIT, wait_words(wait), _lines(wait.line))
        waits.setdefault(f"{_round(evidence, wait)} {wait.kind} {wait.step}", made)
    return tuple(sorted([*acts, *waits.values()], key=lambda e: e.t))


def _round(evidence: Evidence, wait: WaitRecord) -> str:
    """The round of the trial that waited; that moment itself, where it was before a round."""
    planned = next((t for t in evidence.plan.trials if t.key == wait.trial), None)
    return f"{wait.start}" if planned is None else f"{planned.arm} {planned.trial}"


def of_trial(evidence: Evidence, trial: Trial, span: Window) -> tuple[Event, ...]:
    """The acts while it went on, and its own waits; times are seconds of the trial."""
    acts = [a for a in evidence.acts if span.start <= a.t <= span.end and not a.late]
    made = [Event(a.t - span.start, KIND, act_words(a), _lines(a.line)) for a in acts]
    made += [
        Event(w.start - span.start, WAIT, wait_words(w), _lines(w.line))
        for w in _own(evidence.waits, trial)
    ]
    return tuple(made)


def waited(evidence: Evidence, trial: Trial, span: Window) -> tuple[Wait, ...]:
    """The stretches in which that trial waited; one that never ended lasts to the trial's end."""
    return tuple(
        Wait(
            w.start - span.start,
            (span.end if w.end is None else w.end) - span.start,
            wait_words(w),
        )
        for w in _own(evidence.waits, trial)
    )


def _own(waits: Sequence[WaitRecord], trial: Trial) -> list[WaitRecord]:
    return [w for w in waits if w.trial == trial.key]


def _lines(line: int) -> tuple[int, ...]:
    return (line,) if line else ()
