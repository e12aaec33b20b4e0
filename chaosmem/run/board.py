"""The faults of one trial: applied under a lease, proven, and taken back whatever happens.

Restarts act before everything inside the process and are undone after it, load in between; within
one rank faults are undone side by side, so that one that fails does not hold up the others.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TypeVar

from chaosmem import faults
from chaosmem.drivers.agent import Agent
from chaosmem.errors import ChaosmemError, FaultRefused, ProbeFailed
from chaosmem.faults import FaultAct, Scene
from chaosmem.plan.model import PlannedFault
from chaosmem.run.lease import Holder, Lease
from chaosmem.run.stage import Stage
from chaosmem.run.undo import Promise
from chaosmem.rundir import events
from chaosmem.rundir.events import FinishByPlugin
from chaosmem.spec.base import Phase

T = TypeVar("T")

_UNDO_TRIES = 2
_RANK = {"rollout": 0, "restart": 0, "load": 1, "agent": 2, "helper": 2, "chaos-mesh": 2}


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
        holders: Sequence[Holder],
        gone: asyncio.Event,
    ) -> None:
        self._stage, self._key, self._scene, self._gone = stage, key, scene, gone
        self._active: list[Active] = []
        clients: dict[str, Callable[[], Agent]] = {
            "agent": scene.need_agent,
            "helper": scene.need_helper,
            "loader": lambda: scene.need_loader().client,
        }
        self._leases = {h.name: Lease(stage, key, h, clients[h.name]) for h in holders}

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
            holder = faults.holder(planned.fault, self._scene)
            if holder:
                await self._lease(holder).take()
            await self._promise(planned, act)
            self._active.append(Active(planned, act))
            self._stage.write(entry(events.FaultApplying, fault=fault))
            ack = await act.apply()
        except ChaosmemError as problem:
            self._stage.write(entry(events.FaultFailed, fault=fault, error=str(problem)))
            return
        said = dict(ack.said)
        self._stage.write(entry(events.FaultApplied, fault=fault, at=ack.t, u=ack.u, readback=said))

    async def _promise(self, planned: PlannedFault, act: FaultAct) -> None:
        """Write ahead what a plugin needs to undo its fault; an own fault is held by a lease."""
        facts = faults.promised(planned.fault, act)
        if facts is None:
            return
        undo = FinishByPlugin(kind=planned.fault.kind, facts=dict(facts))
        identity = self._promise_id(planned)
        await self._stage.ledger.promise(Promise(identity, self._key, planned.undo, undo))

    def _promise_id(self, planned: PlannedFault) -> str:
        return f"{self._key}.{planned.id}"

    async def prove(self) -> None:
        """Read back what proves each acting fault."""
        for active in self._active:
            with contextlib.suppress(ChaosmemError):
                said = dict(await active.act.prove())
                fault = active.planned.id
                self._stage.write(self._entry(events.FaultProved, fault=fault, readback=said))

    def _lease(self, holder: str) -> Lease:
        if holder == "helper" and holder not in self._leases:
            self._scene.need_helper()
        if holder not in self._leases:
            raise FaultRefused(f"this target has no {holder}, through which the fault would act")
        return self._leases[holder]

    # --- undo

    async def end(self, phase: Phase) -> None:
        """Undo the faults that end with `phase`."""
        await self._undo([a for a in self._active if a.planned.end is phase], tries=_UNDO_TRIES)

    async def undo_all(self) -> None:
        """Undo whatever is still there and end the lease; never cancelled half-way. Idempotent."""
        await asyncio.shield(self._undo_everything())

    async def _undo_everything(self) -> None:
        await self._undo(self._active, tries=1)
        tries = 1 if self._failed else _UNDO_TRIES
        await asyncio.gather(*(self._end(lease, tries) for lease in self._leases.values()))

    async def _end(self, lease: Lease, tries: int) -> None:
        with contextlib.suppress(ChaosmemError):  # it stands in the ledger as failed
            await self._persistently(lease.end, tries)

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
            self._stage.ledger.failed(self._promise_id(active.planned), str(problem))
            return
        active.undone = True
        self._stage.ledger.done(self._promise_id(active.planned))
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
