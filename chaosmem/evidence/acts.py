"""What operators did to a run, and where it waited for them: typed, for the reports.

No check looks at these: the windows of the phases are the real ones, however long somebody held
them, and a note changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from chaosmem.rundir.acts import Act, ControlAnswered, WaitBegun, WaitEnded
from chaosmem.rundir.journal import Line


@dataclass(frozen=True, slots=True)
class ActRecord:
    """One act or note.

    Attributes:
        t: when the run answered it, seconds on the run's clock; of a late note: the run's end.
        act: an `Act`; empty: a request that could not be read.
        refused: why it was not done; empty: it was.
        by: who asked, as they call themselves.
        text: of a note.
        seconds: of an extension.
        reason: what it meant then.
        at: wall clock of the asking, RFC 3339, where it is known.
        late: a note that was added after the run's end.
        line: journal line (1-based).
    """

    t: float
    act: str
    refused: str = ""
    by: str = ""
    text: str = ""
    seconds: float = 0.0
    reason: str = ""
    at: str = ""
    late: bool = False
    line: int = 0

    @property
    def is_note(self) -> bool:
        """Whether it is a note, and kept."""
        return self.act == Act.NOTE and not self.refused


@dataclass(frozen=True, slots=True)
class WaitRecord:
    """One wait of one trial (empty: before a round) for an operator.

    Attributes:
        kind: `pause`: between two phases, before `step`; `hold`: phase `step` went on, from its
            planned end.
        end: None: it never ended (the run was killed).
        why: `asked`, `time` (an extension), `longest` (no more time to wait), `stopped`.
        does: what came after it, in words.
        line: journal line (1-based) of its beginning.
    """

    trial: str
    kind: str
    step: str
    start: float
    end: float | None = None
    why: str = ""
    does: str = ""
    line: int = 0


def act_records(lines: Iterable[Line]) -> tuple[ActRecord, ...]:
    """Every act and note, in the order of the journal."""
    return tuple(
        _act(line.entry, line.number) for line in lines if isinstance(line.entry, ControlAnswered)
    )


def _act(said: ControlAnswered, line: int) -> ActRecord:
    refused = said.outcome == "refused"
    return ActRecord(
        t=said.t,
        act=said.act,
        refused=(said.reason or "refused") if refused else "",
        by=said.by,
        text=said.text,
        seconds=said.seconds,
        reason="" if refused else said.reason,
        at=said.at,
        late=said.late,
        line=line,
    )


def wait_records(lines: Iterable[Line]) -> tuple[WaitRecord, ...]:
    """Every wait, by its beginning."""
    found: list[WaitRecord] = []
    for line in lines:
        entry = line.entry
        if isinstance(entry, WaitBegun):
            found.append(
                WaitRecord(
                    trial=entry.trial,
                    kind=entry.kind,
                    step=entry.step,
                    start=entry.t,
                    does=entry.does,
                    line=line.number,
                )
            )
        elif isinstance(entry, WaitEnded):
            _end(found, entry)
    return tuple(found)


def _end(found: list[WaitRecord], ended: WaitEnded) -> None:
    """Close the last open wait that it can be the end of; a lost beginning leaves no wait."""
    for at in range(len(found) - 1, -1, -1):
        wait = found[at]
        if wait.end is None and (wait.trial, wait.kind) == (ended.trial, ended.kind):
            found[at] = replace(wait, end=ended.t, why=ended.why)
            return
