"""What people do to a run that goes on, and the journal's entries about it."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from chaosmem.rundir.entry import Entry


class Act(StrEnum):
    """One act on a run. None of them skips anything: what was planned is done, or the run ends."""

    PAUSE = "pause"
    """Stand still before the next step (round, phase, release of what acts)."""
    RESUME = "resume"
    """Go on after a pause, also one that has not begun yet."""
    HOLD = "hold"
    """Stay in the phase that goes on, until released."""
    RELEASE = "release"
    """End the hold; the phase ends at its planned end, or now where that has passed."""
    EXTEND = "extend"
    """Let the phase that goes on last longer by so many seconds."""
    ABORT = "abort"
    """End the run as the first SIGINT does: undo everything, then report."""
    NOTE = "note"
    """Keep what somebody says; changes nothing. Also after the run's end."""


class ControlAnswered(Entry):
    """What became of one request; `request` is the id that `control.ask` gave."""

    event: Literal["control"] = "control"
    request: str
    act: str
    """An `Act`, or empty where the request could not be read."""
    outcome: Literal["done", "refused"]
    reason: str = ""
    """Why it was refused; or what it means now, where that is not plain."""
    by: str = ""
    """Who asked, as they call themselves: nobody checks it."""
    via: Literal["file", "signal"] = "file"
    text: str = ""
    seconds: float = 0.0
    at: str = ""
    """Wall clock of the asking (RFC 3339), where the asker said it."""
    late: bool = False
    """A note after the run's end; its `t` is the end's."""


class WaitBegun(Entry):
    """A trial (empty: the round's start) waits although the plan would go on.

    `pause`: between two phases, before `step`. `hold`: at the planned end of phase `step`, which
    goes on and counts as that phase.
    """

    event: Literal["wait.begun"] = "wait.begun"
    kind: Literal["pause", "hold"]
    step: str
    does: str = ""
    """What will be done after it, in words."""


class WaitEnded(Entry):
    """It goes on, `seconds` after the wait began."""

    event: Literal["wait.ended"] = "wait.ended"
    kind: Literal["pause", "hold"]
    step: str
    seconds: float
    why: Literal["asked", "time", "longest", "stopped"]
    """Resumed or released; an extension is over; the longest hold is used up; the run stops."""
