"""How a run stands: going on, ended, or left behind by a runner that was killed.

The journal alone says how a run ended. Whether it goes on is asked of the system: the process
that wrote it is there (its pid, with the same start). A run of another host, or of a container
with a name of its own, is told by its files: they still grow.
"""

from __future__ import annotations

import platform
import time
from dataclasses import dataclass
from enum import StrEnum

from pydantic import ValidationError

from chaosmem.drivers import procfs
from chaosmem.errors import RunDirError
from chaosmem.plan.model import Plan
from chaosmem.run.owner import owner_of
from chaosmem.run.undo import Promise, open_promises
from chaosmem.rundir import RunDir, layout
from chaosmem.rundir.events import PhaseBegun, RunEnded, RunStarted, TrialStarted
from chaosmem.rundir.journal import Journal, Line, decode

QUIET_SECONDS = 10.0
"""A runner writes once a second; one that is not seen here and was silent for so long is gone."""


class State(StrEnum):
    """How a run stands."""

    PREPARING = "preparing"
    RUNNING = "running"
    ENDED = "ended"
    KILLED = "killed"


@dataclass(frozen=True, slots=True)
class Standing:
    """How a run stands, what it is at, and what it has not undone."""

    state: State
    says: str
    trial: str = ""
    phase: str = ""
    pid: int = 0
    open: tuple[Promise, ...] = ()

    @property
    def going_on(self) -> bool:
        """Whether there is somebody who can still be asked for something."""
        return self.state in {State.RUNNING, State.PREPARING}


def standing(found: RunDir) -> Standing:
    """How the run stands now; never fails, whatever is in the directory."""
    return of_journal(found, read_journal(found))


def read_journal(found: RunDir) -> Journal:
    """The journal as far as it is."""
    try:
        return decode(found.read(layout.JOURNAL))
    except RunDirError:
        return decode(b"")


def read_plan(found: RunDir) -> Plan | None:
    """The plan, where it can be read."""
    try:
        return Plan.model_validate_json(found.read(layout.PLAN))
    except (RunDirError, ValidationError):
        return None


def of_journal(found: RunDir, journal: Journal) -> Standing:
    """How the run of that journal stands now."""
    left = open_promises(journal)
    entries = [line.entry for line in journal.lines]
    started = next((e for e in entries if isinstance(e, RunStarted)), None)
    ended = next((e for e in reversed(entries) if isinstance(e, RunEnded)), None)
    trial = next((e.trial for e in reversed(entries) if isinstance(e, TrialStarted)), "")
    phase = next((e.phase for e in reversed(entries) if isinstance(e, PhaseBegun)), "")
    pid = started.owner_pid if started else 0
    if ended is not None:
        why = f": {ended.reason}" if ended.reason else ""
        return Standing(State.ENDED, f"{ended.state}{why}", trial, phase, pid, left)
    if goes_on(found, started):
        state = State.RUNNING if started else State.PREPARING
        return Standing(state, _doing(trial, phase), trial, phase, pid, left)
    return Standing(State.KILLED, gone(pid), trial, phase, pid, left)


def goes_on(found: RunDir, started: RunStarted | None) -> bool:
    """Whether somebody still works on a run that has not ended.

    A zombie, not yet reaped, does not. Of another host's run, or one that has not begun yet, only
    its files can tell.
    """
    if started is None or started.facts.get("host", platform.node()) != platform.node():
        return silent_for(found) < QUIET_SECONDS
    pid = owner_of(Journal((Line(1, started),), ()))
    return pid is not None and procfs.alive(pid)


def gone(pid: int) -> str:
    """What is known of a run whose journal just stops."""
    who = f"the runner (process {pid})" if pid else "the runner"
    return f"{who} is gone, and the journal just stops: it was killed, or the machine stopped"


def silent_for(found: RunDir) -> float:
    """Seconds since the run last wrote anything."""
    newest = 0.0
    for path in (found.root, found.path(layout.JOURNAL), *found.root.glob("series/*/*.col")):
        try:
            newest = max(newest, path.stat().st_mtime)
        except OSError:
            continue
    return time.time() - newest


def _doing(trial: str, phase: str) -> str:
    return " · ".join(filter(None, (trial, phase))) or "begins"
