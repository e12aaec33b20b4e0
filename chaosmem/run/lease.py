"""A lease on something that acts for us (the agent, the helper): taken, renewed, ended.

What acts lets go by itself when the heartbeat stops, so a killed run leaves no fault behind.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from chaosmem.drivers.agent import Agent
from chaosmem.errors import ChaosmemError, FaultRefused, ProbeFailed
from chaosmem.run.stage import Stage
from chaosmem.run.undo import Promise
from chaosmem.rundir import events
from chaosmem.rundir.events import UndoAct

T = TypeVar("T")

LEASE_TTL = 3.0
"""Seconds after the last heartbeat at which the holder lets go by itself."""
DEADLINE_SLACK = 30.0
"""Seconds that the lease's deadline lies behind the latest end of the trial's phases."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds what a fault does: `name` is `agent` or `helper`."""

    name: str
    undo: UndoAct | None
    """How somebody else ends its lease; None: the holder itself is promised to be deleted."""


class Lease:
    """The run's lease on one holder, in one trial."""

    def __init__(self, stage: Stage, key: str, holder: Holder, client: Callable[[], Agent]) -> None:
        self._stage, self._key, self._holder = stage, key, holder
        self._find_client = client
        self._beat: asyncio.Task[None] | None = None
        self.promised = False
        """The lease may be ours: asked for, and not known to be refused."""

    async def take(self) -> None:
        """Promise the undo, then take the lease and begin its heartbeat; once a trial."""
        if self._beat is not None:
            return
        await self._promise()
        self.promised = True
        try:
            await self._client.lease(ttl=LEASE_TTL, deadline=self._deadline)
        except FaultRefused:
            self.promised = False
            self._stage.ledger.done(self._id, by="refused")
            raise
        name = f"heartbeat of {self._holder.name}"
        self._beat = asyncio.create_task(self._heartbeat(), name=name)

    async def _promise(self) -> None:
        undo = self._holder.undo
        if undo is not None and not self.promised:
            what = f"the {self._holder.name} lets go of everything"
            await self._stage.ledger.promise(Promise(self._id, self._key, what, undo))

    @property
    def _client(self) -> Agent:
        return self._find_client()

    @property
    def _id(self) -> str:
        return f"{self._key}.{self._holder.name}"

    @property
    def _deadline(self) -> float:
        return self._stage.longest_trial + DEADLINE_SLACK

    async def _heartbeat(self) -> None:
        """Renew three times a TTL, until cancelled.

        A missed one is no error here; a refused one means that the holder let go by itself.
        """
        while True:
            await asyncio.sleep(LEASE_TTL / 3)
            try:
                await self._client.lease(ttl=LEASE_TTL, deadline=self._deadline)
            except ProbeFailed:
                continue
            except ChaosmemError as problem:
                text = f"the {self._holder.name} let go by itself: {problem}"
                now = self._stage.clock.now()
                trouble = events.ProbeTrouble(t=now, trial=self._key, source="lease", text=text)
                self._stage.write(trouble)
                return

    async def end(self) -> None:
        """End it, and with it everything that it holds. Idempotent."""
        if self._beat is not None:
            self._beat.cancel()
        if not self.promised:
            return
        try:
            await self._client.end()
        except ChaosmemError as problem:
            self._stage.ledger.failed(self._id, str(problem))
            raise
        self._stage.ledger.done(self._id)
        self.promised, self._beat = False, None
