"""What a run is at, followed line by line: trial, phases, faults in effect, waits. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

from chaosmem.plan.model import Plan
from chaosmem.rundir import events
from chaosmem.rundir.acts import WaitBegun, WaitEnded
from chaosmem.rundir.events import AnyEntry


@dataclass(frozen=True, slots=True)
class PhaseSeen:
    """A phase of the trial: its planned length in seconds, and when it began and ended."""

    name: str
    seconds: float
    began: float | None = None
    ended: float | None = None


@dataclass(frozen=True, slots=True)
class FaultSeen:
    """A fault of the trial: what it does, and how far it is.

    `state`: `not yet`, `applying`, `in effect`, `failed`, `undone`, `NOT undone`.
    """

    id: str
    does: str
    state: str
    applied: float | None = None
    undone: float | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Lane:
    """One trial that has begun."""

    key: str
    arm: str
    number: int
    target: str
    over: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything but the numbers: what the head of the live page shows.

    `waits` is what the trial waits for (`pause before release`), empty: it does not.
    """

    trial: str
    arm: str
    target: str
    number: int
    trials: int
    phases: tuple[PhaseSeen, ...]
    faults: tuple[FaultSeen, ...]
    waits: str
    lanes: tuple[Lane, ...]
    ended: str
    """How the run ended, empty while it goes on."""

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)


class Watched:
    """The run as its journal tells it so far; `wanted` is the trial to show, empty: the newest."""

    def __init__(self, plan: Plan | None, wanted: str = "") -> None:
        self._plan, self._wanted = plan, wanted
        self._lanes: dict[str, Lane] = {}
        self._phases: dict[tuple[str, str], tuple[float, float | None]] = {}
        self._faults: dict[tuple[str, str], FaultSeen] = {}
        self._waits: dict[str, str] = {}
        self._ended = ""
        self.started: events.RunStarted | None = None

    def see(self, entry: AnyEntry) -> None:
        """Take the next entry."""
        match entry:
            case events.RunStarted():
                self.started = entry
            case events.RunEnded(state=state, reason=reason):
                self._ended = f"{state}: {reason}" if reason else state
            case events.TrialStarted(trial=key):
                self._lanes[key] = Lane(key, entry.arm, len(self._lanes) + 1, entry.target)
            case events.TrialEnded(trial=key) if key in self._lanes:
                old = self._lanes[key]
                self._lanes[key] = Lane(key, old.arm, old.number, old.target, over=True)
            case events.PhaseBegun(trial=key, phase=phase):
                self._phases[key, phase] = entry.t, None
            case events.PhaseEnded(trial=key, phase=phase):
                self._phases[key, phase] = (
                    self._phases.get((key, phase), (entry.t, None))[0],
                    entry.t,
                )
            case WaitBegun(trial=key):
                self._waits[key] = _waits(entry)
            case WaitEnded(trial=key):
                self._waits.pop(key, None)
            case _:
                self._fault(entry)

    def _fault(self, entry: AnyEntry) -> None:
        match entry:
            case events.FaultApplying():
                self._now(entry.trial, entry.fault, state="applying")
            case events.FaultApplied():
                self._now(entry.trial, entry.fault, state="in effect", applied=entry.at)
            case events.FaultFailed():
                self._now(entry.trial, entry.fault, state="failed", error=entry.error)
            case events.FaultUndone():
                self._now(entry.trial, entry.fault, state="undone", undone=entry.at)
            case events.FaultUndoFailed():
                self._now(entry.trial, entry.fault, state="NOT undone", error=entry.error)

    def _now(self, trial: str, fault: str, **changes: Any) -> None:
        old = self._faults.get((trial, fault), FaultSeen(fault, "", "not yet"))
        self._faults[trial, fault] = replace(old, **changes)

    @property
    def trial(self) -> str:
        """The trial that is shown: the wanted one, else the first that goes on, else the last."""
        if self._wanted in self._lanes:
            return self._wanted
        going = (key for key, lane in self._lanes.items() if not lane.over)
        return next(going, next(reversed(self._lanes), ""))

    def picture(self) -> Picture:
        """The state now."""
        key = self.trial
        lane = self._lanes.get(key, Lane("", "", 0, ""))
        return Picture(
            trial=key,
            arm=lane.arm,
            target=lane.target,
            number=lane.number,
            trials=len(self._plan.trials) if self._plan else len(self._lanes),
            phases=tuple(self._seen_phases(key)),
            faults=tuple(self._seen_faults(key)),
            waits=self._waits.get(key) or self._waits.get("", ""),
            lanes=self._shown_lanes(),
            ended=self._ended,
        )

    def _shown_lanes(self) -> tuple[Lane, ...]:
        """Trials to choose from: those that go on, where there are several."""
        going = tuple(lane for lane in self._lanes.values() if not lane.over)
        return going if len(going) > 1 else ()

    def _seen_phases(self, key: str) -> Iterator[PhaseSeen]:
        for planned in self._plan.phases if self._plan else ():
            seconds = planned.end - planned.start
            began, ended = self._phases.get((key, str(planned.phase)), (None, None))
            if seconds or began is not None:
                yield PhaseSeen(str(planned.phase), seconds, began, ended)

    def _seen_faults(self, key: str) -> Iterator[FaultSeen]:
        for planned in self._plan.faults if self._plan else ():
            seen = self._faults.get((key, planned.id), FaultSeen(planned.id, "", "not yet"))
            yield replace(seen, does=planned.does)


def _waits(entry: WaitBegun) -> str:
    if entry.kind == "hold":
        return f"held in {entry.step}"
    does = f": {entry.does}" if entry.does else ""
    return f"paused before {entry.step}{does}"
