"""The write-ahead undo: a promise on disk before the deed, and its fulfilment after.

`Ledger` is the run's side. `finish` is for whoever comes after a run that was killed: it reads
the promises from the journal and fulfils those that are still open.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from chaosmem.clock import RunClock
from chaosmem.errors import ChaosmemError
from chaosmem.rundir.events import (
    AnyEntry,
    UndoAct,
    UndoDone,
    UndoFailed,
    UndoPlanned,
)
from chaosmem.rundir.journal import Journal


@dataclass(frozen=True, slots=True)
class Promise:
    """One undo that is not known to be done."""

    id: str
    trial: str
    what: str
    undo: UndoAct


class Ledger:
    """Promises of a run, in the order of their making.

    `write_ahead` raises where the entry cannot be kept; `write` must not, since an undo goes on
    when the disk is full. `mirror` keeps a promise in a second place too (the cluster), for
    whoever has only that.
    """

    def __init__(
        self,
        write: Callable[[AnyEntry], None],
        write_ahead: Callable[[AnyEntry], None],
        clock: RunClock,
    ) -> None:
        self._write, self._write_ahead, self._clock = write, write_ahead, clock
        self._open: dict[str, Promise] = {}
        self.mirror: Callable[[Promise], Awaitable[None]] | None = None

    async def promise(self, promise: Promise) -> None:
        """Put the undo on disk, and into the mirror; only after this may the deed be done.

        Raises:
            RunDirError: it is not on disk; the deed must not be done.
            ClusterError: it is not in the cluster; the deed must not be done.
        """
        self._write_ahead(
            UndoPlanned(
                t=self._clock.now(),
                trial=promise.trial,
                id=promise.id,
                what=promise.what,
                undo=promise.undo,
            )
        )
        self._open[promise.id] = promise
        if self.mirror is not None:
            try:
                await self.mirror(promise)
            except ChaosmemError:
                self.done(promise.id, by="not-begun")
                raise

    def done(self, identity: str, *, by: str = "run") -> None:
        """That undo is done. Idempotent."""
        promise = self._open.pop(identity, None)
        if promise is not None:
            self._write(UndoDone(t=self._clock.now(), trial=promise.trial, id=identity, by=by))

    def failed(self, identity: str, error: str) -> None:
        """That undo was tried in vain; it stays open."""
        promise = self._open.get(identity)
        if promise is not None:
            self._write(
                UndoFailed(t=self._clock.now(), trial=promise.trial, id=identity, error=error)
            )

    @property
    def open(self) -> tuple[Promise, ...]:
        """What is not undone, newest first (the order in which to undo it)."""
        return tuple(reversed(self._open.values()))

    def of_trial(self, trial: str) -> tuple[Promise, ...]:
        """What of that trial is not undone, newest first."""
        return tuple(p for p in self.open if p.trial == trial)


def open_promises(journal: Journal) -> tuple[Promise, ...]:
    """What a journal leaves undone, newest first."""
    found: dict[str, Promise] = {}
    for line in journal.lines:
        entry = line.entry
        if isinstance(entry, UndoPlanned):
            found[entry.id] = Promise(entry.id, entry.trial, entry.what, entry.undo)
        elif isinstance(entry, UndoDone):
            found.pop(entry.id, None)
    return tuple(reversed(found.values()))
