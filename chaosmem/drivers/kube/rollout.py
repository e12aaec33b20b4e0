"""A workload's environment changed by a rollout that is followed, and reverted exactly.

The patch tests that the container's environment is still what the change was worked out from, so
it happens once or not at all, whatever somebody else does meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

from chaosmem.drivers.kube import objects
from chaosmem.drivers.kube.connect import Cluster
from chaosmem.drivers.kube.envpatch import (
    Elsewhere,
    Entry,
    EnvUndo,
    applied,
    env_path,
    plan_env,
    reverted,
)
from chaosmem.drivers.kube.kinds import CONFIG_MAP, JsonObject, Ref
from chaosmem.drivers.kube.workloads import findings, progress
from chaosmem.errors import (
    AdmissionRefused,
    ClusterConflict,
    ClusterNotFound,
    ClusterUnreachable,
    PlanRefused,
    RolloutStuck,
)

_POLL: Final = 0.25
_TRIES: Final = 5


async def plan_change(
    cluster: Cluster, ref: Ref, container: str, changes: Mapping[str, str]
) -> EnvUndo:
    """What would be changed, and how it is given back; nothing is touched.

    Raises:
        PlanRefused: paused, changed only by deletion, or a value that cannot be merged into.
    """
    body = await objects.read(cluster, ref.kind, ref.namespace, ref.name)
    held = [f.message for f in findings(body) if f.code in ("paused", "on-delete")]
    if held:
        raise PlanRefused(f"{ref} cannot be rolled out: {held[0]}")
    _, there = env_path(body, container)
    found = await _elsewhere(cluster, ref.namespace, there, changes)
    return plan_env(ref, body, container, changes, found)


async def _elsewhere(
    cluster: Cluster, namespace: str, container: JsonObject, names: Mapping[str, str]
) -> Elsewhere:
    """Present values from ConfigMaps; `env` beats `envFrom`, the last of which beats the others."""
    values: dict[str, str] = {}
    for source in container.get("envFrom") or []:
        named = (source.get("configMapRef") or {}).get("name")
        data = await _data(cluster, namespace, named) if named else {}
        prefix = source.get("prefix", "")
        values |= {n: data[n.removeprefix(prefix)] for n in names if _has(data, n, prefix)}
    for entry in container.get("env") or []:
        reference = (entry.get("valueFrom") or {}).get("configMapKeyRef")
        if entry["name"] in names and reference:
            data = await _data(cluster, namespace, reference["name"])
            values[entry["name"]] = data.get(reference["key"], "")
    return Elsewhere(values)


def _has(data: Mapping[str, str], name: str, prefix: str) -> bool:
    return name.startswith(prefix) and name.removeprefix(prefix) in data


async def _data(cluster: Cluster, namespace: str, name: str) -> Mapping[str, str]:
    try:
        return (await objects.read(cluster, CONFIG_MAP, namespace, name)).get("data") or {}
    except ClusterNotFound:
        return {}


async def apply_change(cluster: Cluster, undo: EnvUndo, *, dry_run: bool = False) -> None:
    """Change it. Idempotent: where it is changed already, nothing is done."""
    await _patched(cluster, undo, lambda env: applied(undo, env), dry_run=dry_run)


async def revert(cluster: Cluster, undo: EnvUndo, *, within: float) -> None:
    """Give the former environment back, and follow that to its end. Idempotent.

    Raises:
        UndoIncomplete: somebody else changed it since; nothing was done.
        RolloutStuck: it is given back, but the pods are not there in time.
    """
    try:
        await _patched(cluster, undo, lambda env: reverted(undo, env))
        await follow(cluster, undo.ref, within=within)
    except ClusterNotFound:
        return  # the workload is gone, and its environment with it


async def _patched(
    cluster: Cluster,
    undo: EnvUndo,
    change: Callable[[list[Entry]], list[Entry]],
    *,
    dry_run: bool = False,
) -> None:
    ref = undo.ref
    for attempt in range(1, _TRIES + 1):
        body = await objects.read(cluster, ref.kind, ref.namespace, ref.name)
        if ref.uid and body["metadata"]["uid"] != ref.uid:
            raise ClusterNotFound(f"{ref} was replaced by another of its name")
        path, container = env_path(body, undo.container)
        now: list[Entry] = container.get("env") or []
        wanted = change(now)
        if wanted == now:
            return
        operations = _operations(f"{path}/env", container, wanted, keep=undo.had_env)
        try:
            await objects.json_patch(cluster, ref, operations, dry_run=dry_run)
        except (AdmissionRefused, ClusterConflict, ClusterUnreachable):
            # The test failed because somebody was faster, or the answer was lost: look again.
            if attempt == _TRIES:
                raise
            await asyncio.sleep(_POLL)
        else:
            return


def _operations(
    path: str, container: JsonObject, wanted: list[Entry], *, keep: bool
) -> list[JsonObject]:
    if "env" not in container:
        return [{"op": "add", "path": path, "value": wanted}]
    test = {"op": "test", "path": path, "value": container["env"]}
    if wanted or keep:
        return [test, {"op": "replace", "path": path, "value": wanted}]
    return [test, {"op": "remove", "path": path}]


async def follow(cluster: Cluster, ref: Ref, *, within: float) -> None:
    """Wait until every pod is a new one and available; RolloutStuck says how far it came."""
    deadline = asyncio.get_running_loop().time() + within
    while True:
        body = await objects.read(cluster, ref.kind, ref.namespace, ref.name)
        now = progress(ref.kind.name, body)
        if now.done:
            return
        if now.stuck or asyncio.get_running_loop().time() > deadline:
            raise RolloutStuck(f"{ref}: {now.stuck or f'not within {within:g} s: {now.words}'}")
        await asyncio.sleep(_POLL)
