"""The faults of one trial: applied under a lease, proven, and taken back whatever happens.

Restarts act before everything inside the process and are undone after it, load in between; within
one rank faults are undone side by side, so that one that fails does not hold up the others.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import groupby
from typing import TypeVar

from chaosmem import faults
from chaosmem.drivers.agent import Agent
from chaosmem.errors import ChaosmemError, FaultRefused, ProbeFailed
from chaosmem.faults import FaultAct, Scene
from chaosmem.plan.model import PlannedFault
from chaosmem.run.stage import Stage
from chaosmem.run.undo import Promise
from chaosmem.rundir import events
from chaosmem.rundir.events import ReleaseAgent
from chaosmem.spec.base import Phase

T = TypeVar("T")

LEASE_TTL = 3.0
"""Seconds after the last heartbeat at which the agent lets go by itself."""
_DEADLINE_SLACK = 30.0
"""Seconds that the lease's deadline lies behind the nominal end of the trial."""
_UNDO_TRIES = 2
_RANK = {"restart": 0, "load": 1, "agent": 2}


@dataclass(slots=True)
class Active:
    """A fault that is, or may be, acting."""

    planned: PlannedFault
    act: FaultAct
    undone: bool = False

    @property
    def rank(self) -> int:
        """Its place in the order of acting."""
        return _rank(self.planned)


def _rank(planned: PlannedFault) -> int:
    return _RANK.get(getattr(planned.fault, "via", "load"), 1)


class Board:
    """What acts on one target in one trial."""

    def __init__(
        self,
        stage: Stage,
        key: str,
        scene: Scene,
        *,
        url: str,
        gone: asyncio.Event,
    ) -> None:
        self._stage, self._key, self._scene, self._url, self._gone = stage, key, scene, url, gone
        self._active: list[Active] = []
        self._leased = asyncio.Event()
        self._promised = False
        """The lease may be ours: asked for, and not known to be refused."""

    # --- apply and prove

    async def begin(self, phase: Phase) -> None:
        """Apply the faults that begin with `phase`."""
        due = [p for p in self._stage.plan.faults if p.begin is phase]
        for planned in sorted(due, key=_rank):
            await self._apply(planned)

    async def _apply(self, planned: PlannedFault) -> None:
        entry, fault = self._entry, planned.id
        try:
            act = faults.act(planned.fault, self._scene)
            if faults.needs_agent(planned.fault):
                await self._lease(self._scene.need_agent())
            self._active.append(Active(planned, act))
            self._stage.write(entry(events.FaultApplying, fault=fault))
            ack = await act.apply()
        except ChaosmemError as problem:
            self._stage.write(entry(events.FaultFailed, fault=fault, error=str(problem)))
            return
        said = dict(ack.said)
        self._stage.write(entry(events.FaultApplied, fault=fault, at=ack.t, u=ack.u, readback=said))

    async def prove(self) -> None:
        """Read back what proves each acting fault."""
        for active in self._active:
            with contextlib.suppress(ChaosmemError):
                said = dict(await active.act.prove())
                fault = active.planned.id
                self._stage.write(self._entry(events.FaultProved, fault=fault, readback=said))

    # --- the lease

    async def _lease(self, agent: Agent) -> None:
        """Promise the undo, then take the lease; once a trial."""
        if self._leased.is_set():
            return
        self._stage.ledger.promise(
            Promise(self._promise, self._key, "the agent lets go of everything", self._release())
        )
        self._promised = True
        try:
            await agent.lease(ttl=LEASE_TTL, deadline=self._deadline)
        except FaultRefused:
            self._promised = False
            self._stage.ledger.done(self._promise, by="refused")
            raise
        self._leased.set()

    @property
    def _promise(self) -> str:
        return f"{self._key}.agent"

    @property
    def _deadline(self) -> float:
        return self._stage.plan.trial_seconds + _DEADLINE_SLACK

    def _release(self) -> ReleaseAgent:
        access = self._stage.experiment.target.agent
        return ReleaseAgent(
            run_id=self._stage.rundir.run_id,
            url=self._url + (access.path if access else ""),
            token_env=access.token_env if access else "",
            token_file=(access.token_file if access else None) or "",
        )

    async def heartbeat(self) -> None:
        """Renew the lease three times a TTL, until cancelled.

        A missed one is no error here; a refused one means that the agent let go by itself.
        """
        await self._leased.wait()
        agent = self._scene.need_agent()
        while True:
            await asyncio.sleep(LEASE_TTL / 3)
            try:
                await agent.lease(ttl=LEASE_TTL, deadline=self._deadline)
            except ProbeFailed:
                continue
            except ChaosmemError as problem:
                text = f"the agent let go by itself: {problem}"
                self._stage.write(self._entry(events.ProbeTrouble, source="lease", text=text))
                return

    # --- undo

    async def end(self, phase: Phase) -> None:
        """Undo the faults that end with `phase`."""
        await self._undo([a for a in self._active if a.planned.end is phase], tries=_UNDO_TRIES)

    async def undo_all(self) -> None:
        """Undo whatever is still there and end the lease; never cancelled half-way. Idempotent."""
        await asyncio.shield(self._undo_everything())

    async def _undo_everything(self) -> None:
        await self._undo(self._active, tries=1)
        if self._promised:
            await self._end_lease(self._scene.need_agent())

    async def _end_lease(self, agent: Agent) -> None:
        try:
            await self._persistently(agent.end, 1 if self._failed else _UNDO_TRIES)
        except ChaosmemError as problem:
            self._stage.ledger.failed(self._promise, str(problem))
        else:
            self._stage.ledger.done(self._promise)
            self._promised = False
            self._leased.clear()

    async def _undo(self, which: list[Active], *, tries: int) -> None:
        todo = sorted((a for a in which if not a.undone), key=lambda a: -a.rank)
        for _, same in groupby(todo, key=lambda a: a.rank):
            await asyncio.gather(*(self._undo_one(a, tries=tries) for a in same))

    async def _undo_one(self, active: Active, *, tries: int) -> None:
        entry, fault = self._entry, active.planned.id
        try:
            ack = await self._persistently(active.act.undo, tries)
        except ChaosmemError as problem:
            self._stage.write(entry(events.FaultUndoFailed, fault=fault, error=str(problem)))
            return
        active.undone = True
        said = dict(ack.said)
        self._stage.write(entry(events.FaultUndone, fault=fault, at=ack.t, u=ack.u, readback=said))

    @property
    def _failed(self) -> bool:
        return any(not a.undone for a in self._active)

    async def _persistently(self, act: Callable[[], Awaitable[T]], tries: int) -> T:
        """Try a few times, as long as the target is there."""
        for _ in range(tries - 1):
            try:
                return await act()
            except ProbeFailed:
                if self._gone.is_set():
                    raise
                await asyncio.sleep(0.2)
        return await act()

    def _entry(self, kind: type[T], **values: object) -> T:
        return kind(t=self._stage.clock.now(), trial=self._key, **values)  # type: ignore[call-arg]
