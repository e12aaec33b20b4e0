"""What people asked of a run, as a state machine: no clock of its own, no files, no tasks.

A *lane* is one trial of the round that goes on; what is asked holds for all lanes alike. All times
are seconds on the run's clock. Waiting is bounded: in one round at most `longest` seconds, the
time by which the leases' deadlines lie later than the plan alone would have them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from chaosmem import units
from chaosmem.rundir.acts import Act

Kind = Literal["pause", "hold"]
Why = Literal["asked", "time", "longest", "stopped"]
_TICK = 0.001
"""Seconds: a timer may come this much early."""
_MAY_NOT_WAIT = (
    "this run may not wait: it was started with --max-hold 0, or without --max-hold although Chaos "
    "Mesh acts in it, whose stress has no heartbeat"
)


@dataclass(frozen=True, slots=True)
class Said:
    """What becomes of an act: `refused` and why; or done, and what that means now."""

    refused: str = ""
    reason: str = ""


@dataclass(slots=True)
class Lane:
    """A phase that goes on in one trial: when it ends by the plan, and by how much later."""

    phase: str
    planned: float
    extra: float = 0.0

    @property
    def end(self) -> float:
        """When it ends, unless it is held."""
        return self.planned + self.extra


@dataclass(slots=True)
class Desk:
    """The wishes of a run's operators.

    Attributes:
        longest: seconds that one round may wait in all.
        asks: pause before every step of its own accord.
        pausing, holding: the wishes that stand.
        unanswered: a step that nobody answered for before the time was up.
        stopping: the run is to end; nothing waits any more.
    """

    longest: float
    asks: bool = False
    pausing: bool = False
    holding: bool = False
    stopping: bool = False
    unanswered: str = ""
    why: Why = "asked"
    _lanes: dict[str, Lane] = field(default_factory=dict)
    _asked: set[str] = field(default_factory=set)
    _asking: str = ""
    _waiting: set[str] = field(default_factory=set)
    _since: float = 0.0
    _used: float = 0.0
    _granted: float = 0.0

    # --- what people ask

    def act(self, act: Act, now: float, *, seconds: float = 0.0) -> Said:
        """Do it, or refuse it."""
        if self.stopping and act not in (Act.NOTE, Act.ABORT):
            return Said(refused="the run is already stopping")
        if act is Act.EXTEND:
            return self._extend(seconds, now)
        acts: dict[Act, Callable[[float], Said]] = {
            Act.PAUSE: self._pause,
            Act.RESUME: self._resume,
            Act.HOLD: self._hold,
            Act.RELEASE: self._release,
            Act.ABORT: self._abort,
            Act.NOTE: lambda _: Said(),
        }
        return acts[act](now)

    def _pause(self, now: float) -> Said:
        if self.pausing:
            return Said(reason="it is paused already")
        if refused := self._no_time(now):
            return Said(refused=refused)
        self.pausing = True
        return Said(reason=f"before the next step, for at most {self._words(self.left(now))}")

    def _resume(self, _now: float) -> Said:
        if not self.pausing:
            return Said(refused="it is not paused")
        self.pausing, self._asking, self.why = False, "", "asked"
        return Said()

    def _hold(self, now: float) -> Said:
        if self.holding:
            return Said(reason="it is held already")
        if not self._lanes:
            return Said(refused="no phase goes on now: hold works inside one, pause between them")
        if refused := self._no_time(now):
            return Said(refused=refused)
        self.holding = True
        return Said(reason=f"{self._phases} lasts at most {self._words(self.left(now))} longer")

    def _release(self, _now: float) -> Said:
        if not self.holding:
            return Said(refused="it is not held")
        self.holding, self.why = False, "asked"
        return Said()

    def _extend(self, seconds: float, now: float) -> Said:
        if not self._lanes:
            return Said(refused="no phase goes on now that could be extended")
        left = self.left(now)
        if seconds > left:
            return Said(
                refused=f"only {self._words(left)} are left of the {self._words(self.longest)} "
                "that this round may wait (--max-hold)"
            )
        self._granted += seconds
        for lane in self._lanes.values():
            lane.extra += seconds
        return Said(reason=f"{self._phases} lasts {self._words(seconds)} longer")

    def _abort(self, _now: float) -> Said:
        already = self.stopping
        self.stop()
        return Said(reason="it is already stopping" if already else "")

    def stop(self) -> None:
        """Nothing waits any more."""
        self.stopping, self.pausing, self.holding, self.why = True, False, False, "stopped"

    def _no_time(self, now: float) -> str:
        if not self.longest:
            return _MAY_NOT_WAIT
        if self.left(now) <= _TICK:
            return f"the {self._words(self.longest)} that this round may wait are used up"
        return ""

    @property
    def _phases(self) -> str:
        return " and ".join(dict.fromkeys(lane.phase for lane in self._lanes.values()))

    @staticmethod
    def _words(seconds: float) -> str:
        return units.human_seconds(max(0.0, seconds))

    # --- what the trials tell and ask

    def round_begins(self) -> None:
        """A new round has its own time to wait."""
        self._used = self._granted = 0.0
        self.holding = False
        self._lanes.clear()

    def begins(self, lane: str, phase: str, planned: float) -> None:
        """That phase goes on in `lane`, until `planned`."""
        self._lanes[lane] = Lane(phase, planned)

    def ends(self, lane: str) -> None:
        """No phase goes on in `lane`. A hold is over with the last phase that it held."""
        self._lanes.pop(lane, None)
        self.holding = self.holding and bool(self._lanes)

    def arrives(self, key: str, name: str, now: float) -> None:
        """A lane stands before a step; where every step is asked for, so is this, once."""
        if self.asks and not self.stopping and key not in self._asked:
            self._asked.add(key)
            self.pausing, self._asking = True, name
            self.look(now)

    def until(self, lane: str, kind: Kind, now: float) -> float | None:
        """When to look again whether `lane` goes on; None: it does, now."""
        self.look(now)
        if kind == "pause":
            return now + self.left(now) if self.pausing else None
        running = self._lanes.get(lane)
        if running is None or self.stopping:
            return None
        if self.holding:
            return max(running.end, now + self.left(now))
        return running.end if running.end > now + _TICK else None

    def waits(self, lane: str, kind: Kind, now: float) -> None:
        """`lane` begins to wait. What counts is what goes beyond a granted extension."""
        running = self._lanes.get(lane)
        if not self._waiting:
            self._since = max(now, running.end) if kind == "hold" and running else now
        if kind == "hold":
            self.why = "time"
        self._waiting.add(lane)

    def goes_on(self, lane: str, now: float) -> None:
        """`lane` waits no more."""
        self._waiting.discard(lane)
        if not self._waiting:
            self._used += max(0.0, now - self._since)

    def left(self, now: float) -> float:
        """Seconds that this round may still wait."""
        waiting = max(0.0, now - self._since) if self._waiting else 0.0
        return max(0.0, self.longest - self._used - waiting - self._granted)

    def look(self, now: float) -> None:
        """End what stands longer than it may; a step that nobody answered for ends the run."""
        if self.left(now) > _TICK or not (self.pausing or self.holding):
            return
        self.pausing = self.holding = False
        self.why = "longest"
        if self._asking:
            self.unanswered, self._asking = self._asking, ""
