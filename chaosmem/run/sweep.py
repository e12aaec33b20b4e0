"""Finishing what killed runs left in a cluster, from any machine that has only the cluster.

A run is dead when its Lease has surely run out; a live one is never touched.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field

from chaosmem.clock import RunClock
from chaosmem.drivers.kube import leases, objects
from chaosmem.drivers.kube.connect import Cluster
from chaosmem.drivers.kube.kinds import CONFIG_MAP, OWNER_LABELS, RUN_LABEL, JsonObject, Ref
from chaosmem.drivers.kube.skew import Skew, measure_skew
from chaosmem.errors import ChaosmemError, ClusterNotFound
from chaosmem.run import byplugin, clusterundo
from chaosmem.run.record import OWNER, promises
from chaosmem.run.undo import Promise
from chaosmem.rundir.events import FinishByPlugin, ReleaseAgent, StopMarked


@dataclass(frozen=True, slots=True)
class Swept:
    """One run's record: what it was, and what became of it."""

    run_id: str
    experiment: str
    holder: str
    alive: bool
    done: tuple[str, ...] = ()
    left: tuple[str, ...] = field(default=())
    """What is still to be undone, each with its reason."""


async def sweep(
    namespace: str, context: str | None, say: Callable[[str], None], *, dry_run: bool
) -> list[Swept]:
    """Every run's record in the control namespace, finished where its run is dead."""
    clock = RunClock.start()
    labels = ",".join(f"{k}={v}" for k, v in OWNER_LABELS.items())
    async with Cluster.open(context=context) as cluster:
        skew = await measure_skew(cluster)
        records = await objects.listed(cluster, CONFIG_MAP, namespace, labels=labels)
        found = [r for r in records if OWNER in (r.get("data") or {})]
        return [await _one(cluster, body, skew, clock, say, dry_run=dry_run) for body in found]


async def _one(
    cluster: Cluster,
    body: JsonObject,
    skew: Skew,
    clock: RunClock,
    say: Callable[[str], None],
    *,
    dry_run: bool,
) -> Swept:
    owner = json.loads(body["data"][OWNER])
    run, experiment, holder = owner["run"], owner["experiment"], owner["holder"]
    ref = Ref.to(CONFIG_MAP, body)
    if await _alive(cluster, ref, skew):
        return Swept(run, experiment, holder, alive=True)
    if dry_run:
        todo = tuple(f"{p.what} (not done: dry run)" for p in promises(body))
        return Swept(run, experiment, holder, alive=False, left=todo)
    done: list[str] = []
    left: list[str] = []
    for promise in promises(body):
        say(f"{run}: {promise.what}")
        problem = await _fulfil(cluster, promise, clock)
        (left if problem else done).append(f"{promise.what}{problem}")
    if not left:
        await _forget(cluster, ref, run)
    return Swept(run, experiment, holder, alive=False, done=tuple(done), left=tuple(left))


async def _alive(cluster: Cluster, ref: Ref, skew: Skew) -> bool:
    try:
        lease = await leases.read_lease(cluster, ref.namespace, ref.name)
    except ClusterNotFound:
        return False
    return not lease.expired(skew)


async def _fulfil(cluster: Cluster, promise: Promise, clock: RunClock) -> str:
    if isinstance(promise.undo, StopMarked | ReleaseAgent):
        return ""
    try:
        if isinstance(promise.undo, FinishByPlugin):
            await byplugin.fulfil(promise.undo)
        else:
            await clusterundo.fulfil(cluster, promise.undo, clock)
    except ChaosmemError as problem:
        return f": {problem}" + (f" ({problem.hint})" if problem.hint else "")
    return ""


async def _forget(cluster: Cluster, ref: Ref, run: str) -> None:
    """The record last: while it is there, a sweep that was cut short is begun again."""
    for state in await leases.list_leases(cluster, ref.namespace, f"{RUN_LABEL}={run}"):
        await objects.delete(cluster, state.ref)
    await objects.delete(cluster, ref)
