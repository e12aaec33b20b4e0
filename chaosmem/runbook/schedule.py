"""When a run does what: its rounds and phases on one clock. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from chaosmem import units
from chaosmem.plan.model import Plan, PlannedPhase

_WHOLE = 3
"""Rounds whose phases are all listed; of more, the first one's."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Seconds of the run as people read them: `+1:30`, or the time of day where the start is."""

    start: datetime | None = None

    def at(self, seconds: float) -> str:
        """When that is."""
        if self.start is not None:
            return (self.start + timedelta(seconds=seconds)).strftime("%H:%M:%S")
        minutes, rest = divmod(round(seconds), 60)
        hours, minutes = divmod(minutes, 60)
        return f"+{hours}:{minutes:02}:{rest:02}" if hours else f"+{minutes}:{rest:02}"


def schedule(plan: Plan, clock: Clock) -> tuple[tuple[str, ...], ...]:
    """The table, its head first. Nominal: starts, rollouts and slow captures come on top."""
    rows = [("when", "what", "meaning")]
    for number, lanes in enumerate(plan.rounds):
        begin = number * plan.trial_seconds
        arm = f", arm {lanes[0].arm}" if len({t.arm for t in plan.trials}) > 1 else ""
        what = f"trial {lanes[0].trial}{arm}"
        if number and len(plan.rounds) > _WHOLE:
            rows.append((clock.at(begin), what, "the same phases"))
            continue
        rows += list(_phases(plan, begin, what, clock))
    rows.append((clock.at(plan.seconds), "end", "everything is undone; verdict and report"))
    return tuple(rows)


def _phases(plan: Plan, begin: float, what: str, clock: Clock) -> Iterator[tuple[str, str, str]]:
    for phase in plan.phases:
        if phase.end > phase.start:
            took = units.human_seconds(phase.end - phase.start)
            name = f"{what}: {phase.phase} ({took})"
            yield clock.at(begin + phase.start), name, meaning(plan, phase)


def meaning(plan: Plan, phase: PlannedPhase) -> str:
    """What happens in a phase."""
    begins = [f"{f.id} begins" for f in plan.faults if f.begin is phase.phase]
    ends = [f"{f.id} is undone at its end" for f in plan.faults if f.end is phase.phase]
    words = {
        "warmup": "caches fill; nothing is asked of it",
        "baseline": "the steady state is measured",
        "inject": "faults grow to their full size",
        "hold": "faults stay at their full size",
        "release": "what ended with hold is gone",
        "recover": "the service comes back, watched",
    }[phase.phase.value]
    return "; ".join([words, *begins, *ends])
