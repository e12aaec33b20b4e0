"""The steps of a run, before each of which it can be paused: what each does, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from chaosmem import units
from chaosmem.plan.model import Plan, PlannedTrial
from chaosmem.spec.base import Phase

_NAMED = 5


@dataclass(frozen=True, slots=True)
class Step:
    """One step.

    Attributes:
        name: for people and the journal: `round 1`, or a phase.
        does: what it does, in words.
        key: the same for all lanes of a round, and for no other step.
        asks: whether an operator who is asked before each step is asked before this one.
    """

    name: str
    does: str
    key: str
    asks: bool = True


def round_step(plan: Plan, lanes: Sequence[PlannedTrial]) -> Step:
    """The start of a round: before any of its targets is touched."""
    number = plan.rounds.index(tuple(lanes)) + 1
    does = f"round {number} of {len(plan.rounds)}, arm {lanes[0].arm}, {_on(plan, lanes)}"
    return Step(f"round {number}", does, f"round:{lanes[0].key}")


def phase_step(plan: Plan, lane: PlannedTrial, phase: Phase) -> Step:
    """What comes before `phase` and with it: the release of what ends with the phase before."""
    undone = [f for f in plan.faults if _after(f.end) is phase]
    begun = [f for f in plan.faults if f.begin is phase]
    planned = plan.phase(phase)
    seconds = planned.end - planned.start
    parts = [*(f"undo {f.id}" for f in undone), *(f"{f.id}: {f.does}" for f in begun)]
    parts += [f"{phase} for {units.human_seconds(seconds)}"] if seconds else []
    does = f"{'; '.join(parts)}, {_on(plan, _round_of(plan, lane))}"
    first = phase is next(iter(Phase))
    asks = bool(seconds or undone or begun) and not first  # the round was asked for just before
    return Step(str(phase), does, f"{lane.arm}:{lane.trial}:{phase}", asks)


def _round_of(plan: Plan, lane: PlannedTrial) -> tuple[PlannedTrial, ...]:
    return next(lanes for lanes in plan.rounds if lane in lanes)


def _on(plan: Plan, lanes: Sequence[PlannedTrial]) -> str:
    """To whom it is done; a long list is cut."""
    names = [plan.targets[lane.target].name for lane in lanes]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"on {', '.join(names[:_NAMED])}{more}"


def _after(phase: Phase) -> Phase | None:
    every = list(Phase)
    return dict(pairwise(every)).get(phase)
