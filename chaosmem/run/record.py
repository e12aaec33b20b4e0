"""What a run leaves in the cluster while it goes on: its promises, its heartbeat, its locks.

The record is a ConfigMap in the control namespace, one key a promise, and a Lease of the same name
that the run renews. `chaosmem sweep` needs nothing else to finish what a killed run left: not the
run directory, and not the machine that the run was on.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import platform
from collections.abc import Callable, Sequence

from pydantic import TypeAdapter

from chaosmem.clock import wall
from chaosmem.drivers.kube import leases, objects
from chaosmem.drivers.kube.connect import Cluster
from chaosmem.drivers.kube.kinds import CONFIG_MAP, OWNER_LABELS, RUN_LABEL, JsonObject, Ref
from chaosmem.drivers.kube.skew import Skew, measure_skew
from chaosmem.errors import ChaosmemError, ClusterNotFound, PlanRefused
from chaosmem.run.undo import Promise
from chaosmem.rundir.events import UndoAct

TTL = 15.0
"""Seconds after the last heartbeat at which a run counts as dead, and may be swept."""
UNDO: TypeAdapter[UndoAct] = TypeAdapter(UndoAct)
OWNER = "owner.json"
"""Key that says whose record it is; the others are promises."""


def object_name(run_id: str) -> str:
    """Name of everything that a run has once: `chaosmem-20261123t180501z-3fa9c1`."""
    return f"chaosmem-{run_id.lower()}"


def lock_name(uid: str) -> str:
    """Name of the lock on a workload (or a bare pod), by its uid."""
    return f"chaosmem-target-{uid}"


def labels(run_id: str) -> dict[str, str]:
    """Labels of everything that a run makes."""
    return {**OWNER_LABELS, RUN_LABEL: run_id}


class Record:
    """The record of one run that is going on."""

    def __init__(
        self, cluster: Cluster, namespace: str, run_id: str, trouble: Callable[[str], None]
    ) -> None:
        self._cluster, self._namespace, self._run = cluster, namespace, run_id
        self._trouble = trouble
        self._held: list[leases.Held] = []
        self._skew: Skew | None = None
        self._beat: asyncio.Task[None] | None = None
        self._ref: Ref | None = None

    @property
    def clock_words(self) -> str:
        """How far the API server's clock is from ours, as a sentence; empty before `open`."""
        skew = self._skew
        if skew is None:
            return ""
        return (
            f"the API server's clock is {skew.offset:+.3f} s from this machine's, "
            f"± {skew.uncertainty:.3f} s"
        )

    async def open(self, experiment: str, locks: Sequence[str]) -> None:
        """Write it, take the locks, begin the heartbeat; LeaseHeld names who has a lock."""
        holder = f"{self._run} on {platform.node()} (process {os.getpid()})"
        self._skew = await measure_skew(self._cluster, asks=1)  # ± 0.5 s is little against TTL
        for name in locks:
            await self._refuse_unswept(name, self._skew)
        owner = {"run": self._run, "experiment": experiment, "started": wall(), "holder": holder}
        await self._hold(object_name(self._run), holder)
        body: JsonObject = {
            "metadata": {
                "name": object_name(self._run),
                "namespace": self._namespace,
                "labels": labels(self._run),
            },
            "data": {OWNER: json.dumps(owner)},
        }
        self._ref = Ref.to(CONFIG_MAP, await objects.create(self._cluster, CONFIG_MAP, body))
        for name in locks:
            await self._hold(name, holder)
        self._beat = asyncio.create_task(self._heartbeat(), name="heartbeat of the run's record")

    async def _refuse_unswept(self, lock: str, skew: Skew) -> None:
        """A dead run that left its record may have left its fault too: that is undone first."""
        try:
            state = await leases.read_lease(self._cluster, self._namespace, lock)
        except ClusterNotFound:
            return
        before = state.labels.get(RUN_LABEL, "")
        if not state.expired(skew) or before == self._run:
            return
        try:
            await objects.read(self._cluster, CONFIG_MAP, self._namespace, object_name(before))
        except ClusterNotFound:
            return
        raise PlanRefused(
            f"run {before} was killed on this target, and what it left is not known to be undone",
            hint=f"chaosmem sweep --namespace {self._namespace}",
        )

    async def _hold(self, name: str, holder: str) -> None:
        assert self._skew is not None  # noqa: S101 - open has measured it
        claim = leases.Claim(
            self._namespace, name, holder=holder, ttl=round(TTL), labels=labels(self._run)
        )
        self._held.append(await leases.acquire(self._cluster, claim, self._skew))

    async def _heartbeat(self) -> None:
        while True:
            await asyncio.sleep(TTL / 3)
            for held in self._held:
                try:
                    await held.renew()
                except ChaosmemError as problem:
                    self._trouble(f"heartbeat of {held.state.ref.name}: {problem}")

    async def add(self, promise: Promise) -> None:
        """Keep a promise in the cluster; ClusterError: it is not there, and must not be acted on.

        One key, so that it can be written twice.
        """
        if self._ref is None:
            return
        undo = UNDO.dump_python(promise.undo)
        said = {"trial": promise.trial, "what": promise.what, "undo": undo}
        await objects.merge_patch(
            self._cluster, self._ref, {"data": {promise.id: json.dumps(said)}}
        )

    async def close(self, still_open: Sequence[Promise]) -> None:
        """Let go of the locks; the record goes too, unless something is still to be undone."""
        if self._beat is not None:
            self._beat.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._beat
        if self._ref is not None and not still_open:
            await self._told(objects.delete(self._cluster, self._ref))
        for held in self._held:
            await self._told(held.release())

    async def _told(self, work: object) -> None:
        try:
            await work  # type: ignore[misc]
        except ChaosmemError as problem:
            self._trouble(f"the run's record in {self._namespace}: {problem}")


def promises(body: JsonObject) -> tuple[Promise, ...]:
    """The promises of a record, newest first (the order of their undo)."""
    found = []
    for key, text in (body.get("data") or {}).items():
        if key != OWNER:
            said = json.loads(text)
            undo = UNDO.validate_python(said["undo"])
            found.append(Promise(key, said["trial"], said["what"], undo))
    return tuple(found)
