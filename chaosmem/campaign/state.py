"""Where a cell stands, from what is on disk, and what is to be done next. Pure.

The decision is the same whoever takes it: the first child of a cell, one that comes after a
crash, or the pod of a Job that replaces another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from chaosmem.campaign.events import AttemptEnded, AttemptPlanned, CellEntry
from chaosmem.errors import Exit


class Found(StrEnum):
    """What is there of the run of an attempt whose end nobody wrote down."""

    NOTHING = "nothing"
    """Its journal never began: nothing was touched."""
    CUT = "cut"
    """The journal just stops: the process was killed."""
    STOPPED = "stopped"
    """It was stopped by the operator, and says so."""
    ENDED = "ended"
    """It ran to an end of its own, which can be judged."""


class Act(StrEnum):
    """What to do next for a cell."""

    REST = "rest"
    """Nothing: it has its result."""
    JUDGE = "judge"
    """Undo what is open, then take its verdict over."""
    UNDO = "undo"
    """Undo what a killed run left, and write down that it was cut off."""
    BEGIN = "begin"
    """Begin the next attempt."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A cell as its journal tells it.

    Attributes:
        planned: the latest attempt, if there is one.
        ended: how that one ended, if that is known.
        attempts: attempts so far.
        cuts: how many of them were killed in mid-run.
    """

    planned: AttemptPlanned | None = None
    ended: AttemptEnded | None = None
    attempts: int = 0
    cuts: int = 0

    @property
    def result(self) -> AttemptEnded | None:
        """The cell's result; None where there is none yet."""
        if self.ended is not None and self.ended.how in {"finished", "failed"}:
            return self.ended
        return None

    @property
    def left(self) -> str:
        """What is known to be still changed on a target."""
        return self.ended.left if self.ended else ""


def standing(entries: Sequence[CellEntry]) -> Standing:
    """A cell's standing."""
    planned = [e for e in entries if isinstance(e, AttemptPlanned)]
    last = planned[-1] if planned else None
    by_attempt = {e.attempt: e for e in entries if isinstance(e, AttemptEnded)}
    return Standing(
        planned=last,
        ended=by_attempt.get(last.attempt) if last else None,
        attempts=len({p.attempt for p in planned}),
        cuts=sum(e.how == "cut" for e in by_attempt.values()),
    )


def act(now: Standing, found: Found, most: int) -> Act:
    """What to do next.

    Args:
        now: the cell by its journal.
        found: what is there of its latest run; of no account where its end is written down.
        most: after so many attempts that were killed in mid-run, no other is begun.
    """
    if now.planned is None:
        return Act.BEGIN
    if now.ended is None:
        ended = found is Found.ENDED
        return Act.JUDGE if ended else Act.UNDO
    if now.ended.left or now.ended.exit_code == Exit.UNDO_INCOMPLETE:
        return Act.JUDGE if now.result else Act.UNDO
    if now.result or now.cuts >= most:
        return Act.REST
    return Act.BEGIN


def settled(now: Standing, most: int) -> bool:
    """Whether nothing is to be done for the cell any more: a result, or no attempt left."""
    return act(now, Found.NOTHING, most) is Act.REST
