"""Taking a StressChaos back: a ladder of deletion, nudges, and a clear word where it is stuck.

When the daemon cannot end a stressor, the controller swallows that error and does not try again;
the finalizer then holds the object. Any change of the object makes the controller look at it
again, so an annotation is enough. The finalizer is never forced off: that ends the bookkeeping
and not the stress.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final, Literal

from chaosmem.drivers.kube import objects, stresschaos
from chaosmem.drivers.kube.connect import Cluster
from chaosmem.drivers.kube.kinds import STRESS_CHAOS, Ref
from chaosmem.drivers.kube.stressstatus import Chaos, Meaning
from chaosmem.errors import ClusterConflict, ClusterNotFound, UndoIncomplete

NUDGE: Final = "chaosmem.io/nudge"
"""Annotation; its value has no meaning, only that it changes."""
NUDGES: Final = 3
_POLL: Final = 0.1

Rung = Literal["absent", "not-ours", "deleted", "nudged"]


@dataclass(frozen=True, slots=True)
class Recovered:
    """How it was taken back.

    Attributes:
        rung: `absent` (there was none), `not-ours` (another run's has the name, and was left
            alone), `deleted`, or `nudged`.
        last: its meaning when it was last seen; None: it was not seen.
        nudges: how many it took.
    """

    rung: Rung
    last: Meaning | None = None
    nudges: int = 0


async def recover(
    cluster: Cluster, namespace: str, name: str, *, run_id: str, within: float = 15.0
) -> Recovered:
    """Delete it and see it gone, at most about `within` seconds. Idempotent.

    Raises:
        UndoIncomplete: it is still there; the message has its finalizers, the hint what to do.
        ClusterError: the cluster cannot be asked.
    """
    found = await _look(cluster, namespace, name)
    if found is None:
        return Recovered("absent")
    if found.run_id != run_id:
        return Recovered("not-ours", found.meaning)
    return await _Ladder(cluster, found, within / (NUDGES + 1)).climb()


async def _look(cluster: Cluster, namespace: str, name: str) -> Chaos | None:
    try:
        return await stresschaos.read(cluster, namespace, name)
    except ClusterNotFound:
        return None


class _Ladder:
    """One object, on its way out; each rung may take `step` seconds."""

    def __init__(self, cluster: Cluster, chaos: Chaos, step: float) -> None:
        self._cluster, self._step = cluster, step
        self._last = chaos
        self._ref = Ref(
            kind=STRESS_CHAOS, namespace=chaos.namespace, name=chaos.name, uid=chaos.uid
        )

    async def climb(self) -> Recovered:
        await objects.delete(self._cluster, self._ref)
        if await self._gone():
            return Recovered("deleted", self._last.meaning)
        for nudge in range(1, NUDGES + 1):
            await self._nudge()
            if await self._gone():
                return Recovered("nudged", self._last.meaning, nudge)
        raise _stuck(self._last, self._step * (NUDGES + 1))

    async def _gone(self) -> bool:
        deadline = asyncio.get_running_loop().time() + self._step
        while True:
            there = await _look(self._cluster, self._ref.namespace, self._ref.name)
            if there is None or there.uid != self._ref.uid:
                return True
            self._last = there
            if asyncio.get_running_loop().time() >= deadline:
                return False
            await asyncio.sleep(_POLL)

    async def _nudge(self) -> None:
        """Change an annotation of exactly this object; one that is gone by now is fine."""
        # A value of its own each time, also after an earlier try by another process.
        value = f"{asyncio.get_running_loop().time():.3f}"
        meta = {"uid": self._ref.uid, "annotations": {NUDGE: value}}
        try:
            await objects.merge_patch(self._cluster, self._ref, {"metadata": meta})
        except (ClusterNotFound, ClusterConflict):
            return


def _stuck(chaos: Chaos, seconds: float) -> UndoIncomplete:
    what = f"StressChaos {chaos.namespace}/{chaos.name}"
    held = ", ".join(chaos.finalizers) or "nothing that it names"
    failed = chaos.last_event("Recover", "Failed")
    why = f"; its controller says: {failed.message}" if failed and failed.message else ""
    return UndoIncomplete(
        f"{what} is {chaos.after_waiting()} {seconds:g} s after its removal was asked for, held by "
        f"{held}{why}; a stressor may still be in {_containers(chaos)}",
        hint=_what_to_do(chaos),
    )


def _containers(chaos: Chaos) -> str:
    pids = {r.id: chaos.pids.get(r.id) for r in chaos.records}
    named = [f"{name} (pid {pid} on its node)" if pid else name for name, pid in pids.items()]
    return ", ".join(named) or "no container"


def _what_to_do(chaos: Chaos) -> str:
    where = f"-n {chaos.namespace} stresschaos {chaos.name}"
    return (
        "see that chaos-controller-manager and the chaos-daemon of the pod's node are ready, then "
        "`chaosmem undo` again; deleting the pod ends the stressor too. Only when its memory is "
        f"back: `kubectl annotate {where} chaos-mesh.chaos-mesh.org/cleanFinalizer=forced` drops "
        "the record (it ends no stressor)"
    )
