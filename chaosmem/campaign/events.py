"""What a campaign writes down: one journal for the campaign, one for each cell.

The lines are those of a run's journal (CRC-32, JSON, on disk before the next act), but `t` is
seconds since 1970: the writers are many processes, on many machines.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from chaosmem.rundir.events import Entry

How = Literal["finished", "failed", "stopped", "cut", "not-begun"]
"""How an attempt ended: with a verdict; with an error before its run began; stopped by the
operator; killed; killed before its run began."""


class AttemptPlanned(Entry):
    """Written before the run can exist: this run belongs to this cell."""

    event: Literal["attempt.planned"] = "attempt.planned"
    attempt: int
    run_id: str
    experiment: str
    host: str
    pid: int
    ticks: int = 0
    """Start of the process in clock ticks since boot: with host and pid, its identity."""


class AttemptEnded(Entry):
    """What became of an attempt. The last one of an attempt counts."""

    event: Literal["attempt.ended"] = "attempt.ended"
    attempt: int
    run_id: str
    how: How
    exit_code: int
    outcome: str
    says: str
    left: str = ""
    """What could not be undone; empty: everything is."""


class SessionStarted(Entry):
    """Somebody runs the campaign from here on."""

    event: Literal["session.started"] = "session.started"
    host: str
    pid: int
    ticks: int = 0


class SessionEnded(Entry):
    """The runner has ended by itself; without it, it was killed."""

    event: Literal["session.ended"] = "session.ended"
    state: Literal["finished", "stopped", "stop-on", "deadline"]
    reason: str = ""


class JobPlanned(Entry):
    """Written before the Job can exist."""

    event: Literal["job.planned"] = "job.planned"
    job: str
    namespace: str
    context: str = ""


CellEntry = Annotated[AttemptPlanned | AttemptEnded, Field(discriminator="event")]
CampaignEntry = Annotated[SessionStarted | SessionEnded | JobPlanned, Field(discriminator="event")]
CELL: TypeAdapter[CellEntry] = TypeAdapter(CellEntry)
CAMPAIGN: TypeAdapter[CampaignEntry] = TypeAdapter(CampaignEntry)
