"""Whose turn it is on a target: a Lease for each lock, held by one cell of any campaign.

The Lease is taken before the run and renewed beside it, by a thread with a connection of its own,
since the run has the main thread's loop. A run on pods holds its own lock on the workload as well;
this one only keeps cells from meeting there, where they would be inconclusive.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import platform
import threading
from collections.abc import Callable, Iterator

from chaosmem.campaign.model import Cell, Prepared
from chaosmem.drivers.kube import leases
from chaosmem.drivers.kube.connect import Cluster
from chaosmem.drivers.kube.kinds import OWNER_LABELS, RUN_LABEL
from chaosmem.drivers.kube.skew import measure_skew
from chaosmem.errors import ChaosmemError, LeaseHeld

Say = Callable[[str], None]
TTL = 20
"""Seconds after the last heartbeat at which another cell may take the turn."""
_POLL = 1.0
_SAID_EVERY = 30


@contextlib.contextmanager
def mine(prepared: Prepared, cell: Cell, say: Say) -> Iterator[None]:
    """Hold the cell's lock in the block; nothing is asked of the cluster where it has none."""
    if not cell.lock:
        yield
        return
    begun, over = threading.Event(), threading.Event()
    failed: list[ChaosmemError] = []

    def hold() -> None:
        try:
            asyncio.run(_hold(_claim(prepared, cell), say, begun, over))
        except ChaosmemError as problem:
            failed.append(problem)
            begun.set()

    beside = threading.Thread(target=hold, name="turn on the target", daemon=True)
    beside.start()
    begun.wait()
    if failed:
        raise failed[0]
    try:
        yield
    finally:
        over.set()
        beside.join(timeout=TTL)


def _claim(prepared: Prepared, cell: Cell) -> leases.Claim:
    digest = hashlib.sha256(cell.lock.encode()).hexdigest()[:16]
    pod = os.environ.get("POD_NAME") or f"{platform.node()}-{os.getpid()}"
    return leases.Claim(
        namespace=prepared.campaign.cluster.namespace,
        name=f"chaosmem-turn-{digest}",
        holder=f"{prepared.name}/{prepared.id} cell {cell.key} ({pod})",
        ttl=TTL,
        labels={**OWNER_LABELS, RUN_LABEL: prepared.id},
        annotations={"chaosmem.io/target": cell.lock},
    )


async def _hold(
    claim: leases.Claim, say: Say, begun: threading.Event, over: threading.Event
) -> None:
    async with Cluster.open() as cluster:
        held = await _taken(cluster, claim, say)
        begun.set()
        while not over.is_set():
            await _beat(held, say)
            for _ in range(int(TTL / 3 / 0.1)):
                if over.is_set():
                    break
                await asyncio.sleep(0.1)
        with contextlib.suppress(ChaosmemError):
            await held.release()


async def _taken(cluster: Cluster, claim: leases.Claim, say: Say) -> leases.Held:
    waits = 0
    while True:
        try:
            return await leases.acquire(cluster, claim, await measure_skew(cluster, asks=1))
        except LeaseHeld as problem:
            if waits % _SAID_EVERY == 0:
                say(f"waiting for {problem.holder}")
            waits += 1
            await asyncio.sleep(_POLL)


async def _beat(held: leases.Held, say: Say) -> None:
    try:
        await held.renew()
    except ChaosmemError as problem:
        say(f"the turn on the target may be lost: {problem}")
