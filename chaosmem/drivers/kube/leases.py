"""A Lease as lock and heartbeat: one run a target, taken and renewed by optimistic concurrency.

Times in a Lease are the API server's (this machine's clock, corrected by the measured skew), so
that another machine with another clock can tell whether a lease has run out. Who judges adds the
uncertainty of both clocks: a lease is taken over only once it has surely run out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from chaosmem.drivers.kube import objects
from chaosmem.drivers.kube.connect import Cluster
from chaosmem.drivers.kube.kinds import LEASE, JsonObject, Ref
from chaosmem.drivers.kube.skew import Skew
from chaosmem.drivers.kube.status import AlreadyExists
from chaosmem.errors import ClusterConflict, ClusterNotFound, LeaseHeld

_WRITER_UNCERTAINTY: Final = 1.0
"""Seconds by which the holder's own clock may be off: its skew is bounded by a Date header."""
_TRIES: Final = 5


@dataclass(frozen=True, slots=True)
class LeaseState:
    """What a Lease says; `ttl` in seconds."""

    ref: Ref
    holder: str
    acquired: datetime | None
    renewed: datetime | None
    ttl: float
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    resource_version: str = ""

    def age(self, now: datetime) -> float:
        """Seconds since it was renewed; infinite where it never was."""
        return (now - self.renewed).total_seconds() if self.renewed else float("inf")

    def expired(self, skew: Skew) -> bool:
        """Whether it has surely run out, or is held by nobody."""
        slack = self.ttl + skew.uncertainty + _WRITER_UNCERTAINTY
        return not self.holder or self.age(skew.server_now()) > slack


def state_of(body: JsonObject) -> LeaseState:
    """A Lease's state from its JSON."""
    spec, meta = body.get("spec") or {}, body["metadata"]
    return LeaseState(
        ref=Ref.to(LEASE, body),
        holder=spec.get("holderIdentity") or "",
        acquired=_read_time(spec.get("acquireTime")),
        renewed=_read_time(spec.get("renewTime")),
        ttl=float(spec.get("leaseDurationSeconds") or 0),
        labels=meta.get("labels") or {},
        annotations=meta.get("annotations") or {},
        resource_version=meta.get("resourceVersion", ""),
    )


def _read_time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _written(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


async def read_lease(cluster: Cluster, namespace: str, name: str) -> LeaseState:
    """Its state; ClusterNotFound where there is none."""
    return state_of(await objects.read(cluster, LEASE, namespace, name))


async def list_leases(cluster: Cluster, namespace: str = "", labels: str = "") -> list[LeaseState]:
    """All that match; of every namespace where `namespace` is empty."""
    bodies = await objects.listed(cluster, LEASE, namespace, labels=labels)
    return [state_of(body) for body in bodies]


@dataclass(frozen=True, slots=True)
class Claim:
    """Who wants which Lease, for how long (whole seconds) after each heartbeat."""

    namespace: str
    name: str
    holder: str
    ttl: int
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)


class Held:
    """A Lease that is ours."""

    def __init__(self, cluster: Cluster, claim: Claim, skew: Skew, body: JsonObject) -> None:
        self._cluster, self._claim, self._skew, self._body = cluster, claim, skew, body

    @property
    def state(self) -> LeaseState:
        """As last read or written."""
        return state_of(self._body)

    async def renew(self) -> LeaseState:
        """A heartbeat; LeaseHeld where somebody took it, ClusterNotFound where it was removed."""
        self._body = await _put(self._cluster, self._claim, self._renewed)
        return self.state

    def _renewed(self, body: JsonObject) -> JsonObject:
        _refuse_other(state_of(body), self._claim)
        now = _written(self._skew.server_now())
        return body | {"spec": body["spec"] | {"renewTime": now}}

    async def release(self) -> None:
        """Remove it, where it is still ours. Idempotent."""
        claim = self._claim
        try:
            body = await objects.read(self._cluster, LEASE, claim.namespace, claim.name)
        except ClusterNotFound:
            return
        if state_of(body).holder == claim.holder:
            await objects.delete(self._cluster, Ref.to(LEASE, body))


async def acquire(cluster: Cluster, claim: Claim, skew: Skew) -> Held:
    """Take a Lease that is free, has run out, or is ours already; LeaseHeld else."""
    for _ in range(_TRIES):
        try:
            return Held(cluster, claim, skew, await _make(cluster, claim, skew))
        except AlreadyExists:
            pass
        try:
            return Held(cluster, claim, skew, await _take(cluster, claim, skew))
        except ClusterNotFound:  # released between the two
            continue
    raise ClusterConflict(f"Lease {claim.namespace}/{claim.name} comes and goes too fast")


async def _make(cluster: Cluster, claim: Claim, skew: Skew) -> JsonObject:
    body = {
        "metadata": {
            "name": claim.name,
            "namespace": claim.namespace,
            "labels": dict(claim.labels),
            "annotations": dict(claim.annotations),
        },
        "spec": _spec(claim, skew),
    }
    return await objects.create_once(cluster, LEASE, body)


def _spec(claim: Claim, skew: Skew) -> JsonObject:
    now = _written(skew.server_now())
    return {
        "holderIdentity": claim.holder,
        "leaseDurationSeconds": claim.ttl,
        "acquireTime": now,
        "renewTime": now,
    }


async def _take(cluster: Cluster, claim: Claim, skew: Skew) -> JsonObject:
    def taken(body: JsonObject) -> JsonObject:
        there = state_of(body)
        if not there.expired(skew):
            _refuse_other(there, claim)
        meta = body["metadata"] | {
            "labels": dict(claim.labels),
            "annotations": dict(claim.annotations),
        }
        return body | {"metadata": meta, "spec": _spec(claim, skew)}

    return await _put(cluster, claim, taken)


async def _put(cluster: Cluster, claim: Claim, change: objects.Change) -> JsonObject:
    return await objects.update(cluster, LEASE, claim.namespace, claim.name, change)


def _refuse_other(there: LeaseState, claim: Claim) -> None:
    if there.holder in {"", claim.holder}:
        return
    renewed = _written(there.renewed) if there.renewed else "its renewal"
    raise LeaseHeld(
        f"Lease {claim.namespace}/{claim.name} is held by {there.holder}"
        f" until {there.ttl:g} s after {renewed}",
        holder=there.holder,
        hint="wait for that run to end, or run `chaosmem sweep` if it was killed",
    )
