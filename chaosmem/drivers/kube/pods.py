"""Pods as targets: where they are, what they are allowed, who owns them, how they fared."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from chaosmem.drivers.kube import objects, wire
from chaosmem.drivers.kube.connect import Cluster
from chaosmem.drivers.kube.kinds import POD, REPLICA_SET, JsonObject, Kind
from chaosmem.drivers.kube.podmodel import (
    Container,
    EnvSource,
    EnvVar,
    Owner,
    Pod,
    Port,
    Terminated,
)
from chaosmem.drivers.kube.quantity import bytes_of
from chaosmem.errors import ClusterError, ClusterNotFound

__all__ = ["Container", "Pod", "find_pods", "get_pod", "label_query", "pod_of", "with_owners"]


# --- from the API server's JSON (pure)


def pod_of(body: JsonObject) -> Pod:
    """A pod from its JSON; its owner chain goes no further than its own references."""
    pod = wire.read_pod(body)
    meta, spec, status = pod.metadata, pod.spec, pod.status
    statuses = {s.name: s for s in status.container_statuses}
    return Pod(
        namespace=meta.namespace,
        name=meta.name,
        uid=meta.uid,
        node=spec.node_name,
        ip=status.pod_ip,
        phase=status.phase,
        reason=status.reason,
        message=status.message,
        ready=any(c.type == "Ready" and c.status == "True" for c in status.conditions),
        labels=meta.labels,
        annotations=meta.annotations,
        owners=_controller(meta),
        qos=status.qos_class,
        host_network=spec.host_network,
        created=meta.creation_timestamp,
        deleting=meta.deletion_timestamp is not None,
        disruption=_disruption(status),
        resource_version=meta.resource_version,
        containers=tuple(_container(c, statuses.get(c.name)) for c in spec.containers),
    )


def _disruption(status: wire.StatusWire) -> str:
    for condition in status.conditions:
        if condition.type == "DisruptionTarget" and condition.status == "True":
            return condition.reason or "unknown"
    return ""


def _controller(meta: wire.MetaWire) -> tuple[Owner, ...]:
    return tuple(
        Owner(o.kind, o.api_version, o.name, o.uid) for o in meta.owner_references if o.controller
    )


def _container(spec: wire.ContainerWire, status: wire.ContainerStatusWire | None) -> Container:
    declared = Container(
        name=spec.name,
        image=spec.image,
        memory_limit=_memory(spec.resources.limits),
        memory_request=_memory(spec.resources.requests),
        ports=tuple(Port(p.container_port, p.name) for p in spec.ports if p.protocol == "TCP"),
        env=tuple(_env(e) for e in spec.env),
        env_from=tuple(_env_source(e) for e in spec.env_from),
    )
    return _with_status(declared, status) if status else declared


def _with_status(declared: Container, status: wire.ContainerStatusWire) -> Container:
    scheme, _, identity = status.container_id.rpartition("://")
    state, running = status.state, status.state.running
    return replace(
        declared,
        image_id=status.image_id,
        container_id=identity,
        runtime=scheme,
        ready=status.ready,
        restart_count=status.restart_count,
        state="running" if running else "terminated" if state.terminated else "waiting",
        state_reason=state.waiting.reason if state.waiting else "",
        started_at=running.started_at if running else None,
        terminated=_terminated(state.terminated),
        last_terminated=_terminated(status.last_state.terminated),
    )


def _terminated(said: wire.TerminatedWire | None) -> Terminated | None:
    if said is None:
        return None
    identity = said.container_id.rpartition("://")[2]
    return Terminated(said.reason, said.exit_code, said.started_at, said.finished_at, identity)


def _memory(amounts: Mapping[str, str | int | float]) -> int | None:
    if "memory" not in amounts:
        return None
    try:
        return bytes_of(str(amounts["memory"]))
    except ValueError as problem:
        raise ClusterError(f"a malformed pod: memory: {problem}") from problem


_REFERENCES: Final = {
    "configMapKeyRef": ("config map", "{name}/{key}"),
    "secretKeyRef": ("secret", "{name}/{key}"),
    "fieldRef": ("field", "{fieldPath}"),
    "resourceFieldRef": ("resource", "{resource}"),
}


def _env(said: wire.EnvWire) -> EnvVar:
    for name, reference in (said.value_from or {}).items():
        words, form = _REFERENCES.get(name, (name, ""))
        return EnvVar(said.name, None, f"{words} {form.format_map(_Blank(reference))}".strip())
    return EnvVar(said.name, said.value or "", "literal")


class _Blank(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "?"


def _env_source(said: wire.EnvFromWire) -> EnvSource:
    if said.config_map_ref is not None:
        return EnvSource("config map", said.config_map_ref.get("name", ""), said.prefix)
    return EnvSource("secret", (said.secret_ref or {}).get("name", ""), said.prefix)


# --- from the cluster


def label_query(selector: Mapping[str, str] | str) -> str:
    """A label selector as the API server reads it."""
    if isinstance(selector, str):
        return selector
    return ",".join(f"{name}={value}" for name, value in sorted(selector.items()))


async def find_pods(
    cluster: Cluster, namespace: str, selector: Mapping[str, str] | str
) -> tuple[Pod, ...]:
    """The pods that match, by name, each with its owner chain; none is an empty tuple."""
    bodies = await objects.listed(cluster, POD, namespace, labels=label_query(selector))
    pods = sorted((pod_of(body) for body in bodies), key=lambda pod: pod.name)
    return await with_owners(cluster, pods)


async def get_pod(cluster: Cluster, namespace: str, name: str) -> Pod:
    """One pod with its owner chain; ClusterNotFound where there is none."""
    pod = pod_of(await objects.read(cluster, POD, namespace, name))
    return (await with_owners(cluster, [pod]))[0]


async def with_owners(cluster: Cluster, pods: list[Pod]) -> tuple[Pod, ...]:
    """The pods with the owners of their ReplicaSets; each ReplicaSet is read once."""
    sets = {(p.namespace, o) for p in pods for o in p.owners[-1:] if o.kind == REPLICA_SET.name}
    read = await asyncio.gather(*(_owner_of(cluster, REPLICA_SET, ns, o) for ns, o in sets))
    above = dict(zip((owner for _, owner in sets), read, strict=True))
    return tuple(
        replace(pod, owners=pod.owners + above.get(pod.owners[-1], ())) if pod.owners else pod
        for pod in pods
    )


async def _owner_of(
    cluster: Cluster, kind: Kind, namespace: str, owner: Owner
) -> tuple[Owner, ...]:
    try:
        body = await objects.read(cluster, kind, namespace, owner.name)
    except ClusterNotFound:
        return ()
    return _controller(wire.MetaWire.model_validate(wire.without_nulls(body["metadata"])))
