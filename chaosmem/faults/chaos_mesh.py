"""Memory pressure by Chaos Mesh: one StressChaos, sized by what the container has already.

Chaos Mesh does not read the container's limit, and does not look at what is in use: the size is
worked out here, once, just before. It says `Injected` when a process was started; whether memory
rose is for the measurement to tell.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Final

from chaosmem import units
from chaosmem.clock import RunClock
from chaosmem.drivers.agent import Ack
from chaosmem.drivers.kube import objects, stresschaos, stressundo
from chaosmem.drivers.kube.kinds import POD
from chaosmem.drivers.kube.pods import pod_of
from chaosmem.drivers.kube.skew import Skew
from chaosmem.drivers.kube.stresschaos import MIB, StressOrder
from chaosmem.drivers.kube.stressstatus import Chaos, Meaning, RecordEvent
from chaosmem.errors import ClusterNotFound, FaultRefused, TargetGone
from chaosmem.faults.base import Readback
from chaosmem.faults.mesh_access import MeshAccess
from chaosmem.plan.pods import level_bytes
from chaosmem.spec.faults import MemoryFault

_RESERVE_SHARE: Final = 20
_MOST_RESERVE: Final = 16 * MIB
"""Left below the limit: a twentieth of it, at most this; memStress itself is charged some of it."""
_POLL: Final = 0.2
_EVENT_SECONDS: Final = 1.0
"""The controller dates its events in whole seconds, rounded down."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much to press, and what that was worked out from; bytes."""

    level: int
    working_set: int
    bytes: int
    bounded: bool
    """The limit's reserve left less than the level asks for."""


def size_of(fault: MemoryFault, limit: int, working_set: int) -> Size:
    """The memory to add, whole MiB rounded down.

    FaultRefused where it is less than 1 MiB: the level is reached without it, or cannot be.
    """
    level = level_bytes(fault, limit)
    wanted, room = level - working_set, limit - working_set - reserve_of(limit)
    bounded = fault.oom == "forbidden" and room < wanted
    whole = (room if bounded else wanted) // MIB * MIB
    if whole < MIB:
        raise _too_small(level, limit, working_set, bounded=bounded)
    return Size(level, working_set, whole, bounded)


def reserve_of(limit: int) -> int:
    """Bytes to be left below a limit."""
    return min(_MOST_RESERVE, limit // _RESERVE_SHARE)


def _too_small(level: int, limit: int, working_set: int, *, bounded: bool) -> FaultRefused:
    has = f"the container has {units.human_bytes(working_set)} in use"
    if bounded:
        return FaultRefused(
            f"{has} of {units.human_bytes(limit)}: no room to press without an OOM kill",
            hint="raise the limit, or write oom: expected where the kill is the question",
        )
    return FaultRefused(
        f"{has}, already at the level of {units.human_bytes(level)}",
        hint="ask for a higher level, or look at what the target uses at rest",
    )


class MeshMemory:
    """One StressChaos on one container."""

    def __init__(self, spec: MemoryFault, access: MeshAccess, clock: RunClock) -> None:
        self._spec, self._access, self._clock = spec, access, clock

    async def apply(self) -> Ack:
        """Size it, make it, and see the controller say `injected`.

        Raises:
            FaultRefused: nothing to press with, another stress on the pod, or not injected in time.
            TargetGone: the pod or its container was replaced.
            ClusterError: the cluster cannot be asked, or does not accept the object.
        """
        access = self._access
        await self._same_target()
        size = self._size()
        order = self._order(size)
        looked = await self._alone(order)
        await stresschaos.create(access.cluster, order, dry_run=True)
        await access.promise()
        begin = self._clock.now()
        await stresschaos.create(access.cluster, order)
        chaos = await self._injected(begin)
        at = _on(self._clock, chaos.last_event("Apply", "Succeeded"))
        t, u = acknowledged(at, access.skew, begin, self._clock.now())
        return Ack(t, u, {**_size_words(size), **_said(chaos), "looked_for_others": looked})

    async def prove(self) -> Readback:
        """What the controller says of it now."""
        access = self._access
        try:
            chaos = await stresschaos.read(access.cluster, access.namespace, access.name)
        except ClusterNotFound:
            return {"state": "gone"}
        return _said(chaos)

    async def undo(self) -> Ack:
        """Take it back and see it gone; UndoIncomplete where it is stuck."""
        access, begin = self._access, self._clock.now()
        done = await stressundo.recover(
            access.cluster,
            access.namespace,
            access.name,
            run_id=access.run_id,
            within=access.undo_within,
        )
        end = self._clock.now()
        said: dict[str, float | str] = {"rung": done.rung, "nudges": float(done.nudges)}
        said |= {"last_state": done.last} if done.last else {}
        return Ack((begin + end) / 2, (end - begin) / 2, said)

    # --- before

    async def _same_target(self) -> None:
        """The object names the pod, and a name may come again (StatefulSet): look once more."""
        target = self._access.target
        where = f"pod {target.namespace}/{target.name}"
        try:
            body = await objects.read(self._access.cluster, POD, target.namespace, target.name)
        except ClusterNotFound as problem:
            raise TargetGone(f"{where} is gone") from problem
        pod = pod_of(body)
        if pod.uid != target.uid or pod.deleting:
            raise TargetGone(f"{where} was replaced since the plan was made")
        if pod.container(target.container).container_id != target.container_id:
            raise TargetGone(f"container {target.container} of {where} was restarted")

    def _size(self) -> Size:
        target, working_set = self._access.target, self._access.working_set()
        if target.limit is None:
            raise FaultRefused(
                f"container {target.container} has no memory limit",
                hint="set resources.limits.memory: nothing else holds the stress back",
            )
        if working_set is None:
            raise FaultRefused(
                "the container's working set is not known, so the size cannot be worked out",
                hint="`chaosmem doctor SPEC` says which source of memory metrics is missing",
            )
        return size_of(self._spec, target.limit, working_set)

    def _order(self, size: Size) -> StressOrder:
        access, target = self._access, self._access.target
        return StressOrder(
            run_id=access.run_id,
            namespace=access.namespace,
            name=access.name,
            pod_namespace=target.namespace,
            pod=target.name,
            container=target.container,
            mib=size.bytes // MIB,
            seconds=access.seconds,
            ramp=access.ramp,
        )

    async def _alone(self, order: StressOrder) -> str:
        """Where others were looked for; FaultRefused where there is one."""
        others = await stresschaos.others_on(self._access.cluster, order)
        if others.found:
            names = ", ".join(f"{c.namespace}/{c.name} ({c.meaning})" for c in others.found)
            raise FaultRefused(
                f"another StressChaos is on pod {order.pod_namespace}/{order.pod}: {names}",
                hint="two stresses cannot be told apart; delete the other one, or wait for its end",
            )
        return "every namespace" if others.everywhere else "own namespaces only"

    # --- after

    async def _injected(self, begin: float) -> Chaos:
        access = self._access
        while True:
            chaos = await stresschaos.read(access.cluster, access.namespace, access.name)
            if chaos.meaning is Meaning.INJECTED:
                return chaos
            # A process that was never started will not come by waiting.
            final = chaos.meaning is Meaning.IN_NAME_ONLY
            if final or self._clock.now() - begin > access.inject_within:
                raise _not_injected(chaos)
            await asyncio.sleep(_POLL)


def acknowledged(
    event_at: float | None, skew: Skew | None, begin: float, end: float
) -> tuple[float, float]:
    """When the controller acknowledged it, ± half of the time in which that must have been.

    Args:
        event_at: the controller's time of the injection, seconds on this run's clock by this
            machine's clock; rounded down to whole seconds by the controller.
        skew: cluster minus this machine.
        begin: when the object was asked for.
        end: when it was seen injected.
    """
    if event_at is not None and skew is not None:
        at = event_at - skew.offset
        first = max(begin, at - skew.uncertainty)
        last = min(end, at + _EVENT_SECONDS + skew.uncertainty)
        if first <= last:  # else the controller's clock is not the API server's
            begin, end = first, last
    return (begin + end) / 2, (end - begin) / 2


def _on(clock: RunClock, event: RecordEvent | None) -> float | None:
    """An event's time on the run's clock, as if this machine had dated it."""
    return event.timestamp.timestamp() - time.time() + clock.now() if event else None


def _size_words(size: Size) -> dict[str, float | str]:
    return {
        "level_bytes": float(size.level),
        "size_bytes": float(size.bytes),
        "working_set_before": float(size.working_set),
        "bounded_by_limit": float(size.bounded),
    }


def _said(chaos: Chaos) -> dict[str, float | str]:
    said: dict[str, float | str] = {
        "state": chaos.meaning.value,
        "pids": " ".join(chaos.pids.values()),
    }
    said["injected_count"] = float(sum(r.injected_count for r in chaos.records))
    said["recovered_count"] = float(sum(r.recovered_count for r in chaos.records))
    event = chaos.last_event("Apply", "Succeeded")
    return said | ({"injected_at": event.timestamp.isoformat()} if event else {})


_HINTS: Final = {
    Meaning.NO_CONTROLLER: "is chaos-controller-manager ready, and does it watch this namespace?",
    Meaning.MATCHED_NOTHING: "Chaos Mesh found no such running pod and container, and does not look"
    " again: is the namespace filtered (enableFilterNamespace, targetNamespace)?",
    Meaning.FAILING: "is the chaos-daemon of the pod's node ready? Look at its log",
    Meaning.IN_NAME_ONLY: "Chaos Mesh says Injected and started no stressor; look at its log",
    Meaning.NEVER_INJECTED: "it was stopped before it began: paused, or the controller was away",
}


def _not_injected(chaos: Chaos) -> FaultRefused:
    meaning, failed = chaos.after_waiting(), chaos.last_event("Apply", "Failed")
    why = f": {failed.message}" if failed and failed.message else ""
    return FaultRefused(
        f"StressChaos {chaos.namespace}/{chaos.name} is not injected but {meaning}{why}",
        hint=_HINTS.get(meaning, "`kubectl describe stresschaos` shows its events"),
    )
