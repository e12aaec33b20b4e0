"""Whether a run's process is there, by the pid and start time in the journal's first entry."""

from __future__ import annotations

import os
import platform

from chaosmem.drivers import procfs
from chaosmem.rundir import RunDir, events, layout
from chaosmem.rundir.journal import Journal, decode


def owner_of(journal: Journal) -> int | None:
    """The pid of the process that runs it, on this machine; None: it has ended, or was killed."""
    entries = [n.entry for n in journal.lines]
    started = next((e for e in entries if isinstance(e, events.RunStarted)), None)
    if started is None or any(isinstance(e, events.RunEnded) for e in entries):
        return None
    pid = started.owner_pid
    same = pid == os.getpid() or started.owner_ticks == procfs.started_ticks(pid)
    return pid if same else None


def owner(rundir: RunDir) -> int | None:
    """The same, of a run directory."""
    return owner_of(_journal(rundir))


def gone(rundir: RunDir) -> bool:
    """Whether the run was killed: it has no end, and its process was here and is not any more.

    Of a run on another host, or in a container, nobody here can tell: it is taken to go on.
    """
    journal = _journal(rundir)
    entries = [n.entry for n in journal.lines]
    started = next((e for e in entries if isinstance(e, events.RunStarted)), None)
    if started is None or any(isinstance(e, events.RunEnded) for e in entries):
        return False
    here = started.facts.get("host", platform.node()) == platform.node()
    return here and owner_of(journal) is None


def _journal(rundir: RunDir) -> Journal:
    return decode(rundir.read(layout.JOURNAL) if rundir.has(layout.JOURNAL) else b"")
