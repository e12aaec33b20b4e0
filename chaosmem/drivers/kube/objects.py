"""Objects of any kind: read, made, changed and removed; each write safe to be asked twice.

* A create has a deterministic name: AlreadyExists by the same run is success (the first answer
  was lost), by anybody else ClusterConflict.
* A change carries the resource version that it was worked out from; on a conflict the object is
  read again and the change worked out anew.
* A removal names the uid, so that a later object of the same name is left alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from chaosmem.drivers.kube.calls import Call
from chaosmem.drivers.kube.connect import Cluster
from chaosmem.drivers.kube.kinds import RUN_LABEL, JsonObject, Kind, Ref
from chaosmem.drivers.kube.status import AlreadyExists
from chaosmem.errors import ClusterConflict, ClusterError, ClusterNotFound

JSON_PATCH: Final = "application/json-patch+json"
MERGE_PATCH: Final = "application/merge-patch+json"
PAGE: Final = 500
"""Objects a page of a list, as kubectl asks."""
_UPDATE_TRIES: Final = 8
_GONE_POLL: Final = 0.1

Change = Callable[[JsonObject], JsonObject | None]
"""The changed object, or None where nothing is to be done."""


async def read(
    cluster: Cluster, kind: Kind, namespace: str, name: str, *, subresource: str = ""
) -> JsonObject:
    """One object; ClusterNotFound where there is none."""
    what = f"read {_words(kind, namespace, name)}"
    reply = await cluster.get(kind.path(namespace, name, subresource), what)
    return _object(reply.json())


async def listed(
    cluster: Cluster, kind: Kind, namespace: str = "", *, labels: str = "", fields: str = ""
) -> tuple[JsonObject, ...]:
    """All objects that match, page by page; of every namespace where `namespace` is empty."""
    where = f"in {namespace}" if namespace else "in the cluster"
    query = {"limit": str(PAGE)}
    query |= {"labelSelector": labels} if labels else {}
    query |= {"fieldSelector": fields} if fields else {}
    found: list[JsonObject] = []
    while True:
        said = _object((await _page(cluster, kind, namespace, where, query)).json())
        found += said.get("items") or []
        query["continue"] = said.get("metadata", {}).get("continue") or ""
        if not query["continue"]:
            return tuple(found)


async def _page(
    cluster: Cluster, kind: Kind, namespace: str, where: str, query: Mapping[str, str]
) -> Any:
    return await cluster.get(kind.path(namespace), f"list {kind.resource} {where}", dict(query))


async def create(
    cluster: Cluster, kind: Kind, body: JsonObject, *, dry_run: bool = False
) -> JsonObject:
    """Make it; the object as the server has it.

    The name must be deterministic and `chaosmem.io/run-id` among the labels: with both, asking
    twice makes one. AdmissionRefused, ClusterConflict (somebody else's has the name).
    """
    try:
        return await create_once(cluster, kind, body, dry_run=dry_run)
    except AlreadyExists as problem:
        return await _ours(cluster, kind, body, problem)


async def create_once(
    cluster: Cluster, kind: Kind, body: JsonObject, *, dry_run: bool = False
) -> JsonObject:
    """Make it; AlreadyExists where there is one of that name, whoever made it.

    It may be our own, where the first answer was lost: look at it then.
    """
    meta = body["metadata"]
    namespace, name = meta.get("namespace", ""), meta["name"]
    what = f"create {_words(kind, namespace, name)}"
    query = {"dryRun": "All"} if dry_run else {}
    body = _typed(kind, body)
    call = Call("POST", kind.path(namespace), what, query=query, body=body, repeat=True)
    return _object((await cluster.call(call)).json())


def _typed(kind: Kind, body: JsonObject) -> JsonObject:
    return {"apiVersion": kind.api_version, "kind": kind.name, **body}


async def _ours(
    cluster: Cluster, kind: Kind, body: JsonObject, problem: AlreadyExists
) -> JsonObject:
    meta = body["metadata"]
    run = meta.get("labels", {}).get(RUN_LABEL)
    there = await read(cluster, kind, meta.get("namespace", ""), meta["name"])
    label = (there["metadata"].get("labels") or {}).get(RUN_LABEL)
    if run and label == run and not there["metadata"].get("deletionTimestamp"):
        return there
    owner = f"run {label}" if label else "somebody else"
    raise ClusterConflict(f"{problem}; it belongs to {owner}") from problem


async def replace(cluster: Cluster, kind: Kind, body: JsonObject) -> JsonObject:
    """Put `body`, which carries the resource version it was read with; ClusterConflict else."""
    meta = body["metadata"]
    namespace, name = meta.get("namespace", ""), meta["name"]
    what = f"update {_words(kind, namespace, name)}"
    # Twice is safe: the second one meets a newer resource version, and is a conflict.
    call = Call("PUT", kind.path(namespace, name), what, body=_typed(kind, body), repeat=True)
    return _object((await cluster.call(call)).json())


async def update(
    cluster: Cluster, kind: Kind, namespace: str, name: str, change: Change
) -> JsonObject:
    """Read, change and put; read again where somebody was faster (or it was us: a lost answer)."""
    for attempt in range(1, _UPDATE_TRIES + 1):
        before = await read(cluster, kind, namespace, name)
        changed = change(before)
        if changed is None:
            return before
        try:
            return await replace(cluster, kind, changed)
        except ClusterConflict:
            if attempt == _UPDATE_TRIES:
                raise
            await asyncio.sleep(0.02 * attempt)
    raise AssertionError("the last try returns or raises")


async def json_patch(
    cluster: Cluster, ref: Ref, operations: list[JsonObject], *, dry_run: bool = False
) -> JsonObject:
    """Apply RFC 6902 operations, all or none.

    Runs once: whether it happened is not known after ClusterUnreachable, so read the object then.
    """
    return await _patch(cluster, ref, operations, JSON_PATCH, dry_run=dry_run, repeat=False)


async def merge_patch(
    cluster: Cluster, ref: Ref, body: JsonObject, *, dry_run: bool = False
) -> JsonObject:
    """Apply an RFC 7386 merge patch; it is idempotent, and may run twice."""
    return await _patch(cluster, ref, body, MERGE_PATCH, dry_run=dry_run, repeat=True)


async def _patch(
    cluster: Cluster, ref: Ref, body: Any, content: str, *, dry_run: bool, repeat: bool
) -> JsonObject:
    query = {"dryRun": "All"} if dry_run else {}
    call = Call(
        "PATCH", ref.path, f"patch {ref}", query=query, body=body, content=content, repeat=repeat
    )
    return _object((await cluster.call(call)).json())


async def delete(
    cluster: Cluster, ref: Ref, *, grace: int | None = None, dry_run: bool = False
) -> bool:
    """Ask for its removal; False where it, by its uid, is not there any more."""
    body: JsonObject = {"kind": "DeleteOptions", "apiVersion": "v1"}
    body |= {"preconditions": {"uid": ref.uid}} if ref.uid else {}
    body |= {"gracePeriodSeconds": grace} if grace is not None else {}
    body |= {"dryRun": ["All"]} if dry_run else {}
    body["propagationPolicy"] = "Background"
    try:
        await cluster.call(Call("DELETE", ref.path, f"delete {ref}", body=body))
    except ClusterNotFound:
        return False
    except ClusterConflict as problem:
        if not ref.uid or await _present(cluster, ref) is not None:
            raise ClusterError(f"{problem}") from problem
        return False
    return True


@dataclass(frozen=True, slots=True)
class Gone:
    """Whether an object is really gone, and else what holds it."""

    ref: Ref
    gone: bool
    finalizers: tuple[str, ...] = ()
    why: str = ""


async def delete_and_confirm(
    cluster: Cluster, ref: Ref, *, within: float, grace: int | None = None
) -> Gone:
    """Remove it and wait until it is really gone, at most `within` seconds. Idempotent.

    Finalizers are reported, never removed.
    """
    deadline = asyncio.get_running_loop().time() + within
    await delete(cluster, ref, grace=grace)
    while (there := await _present(cluster, ref)) is not None:
        if asyncio.get_running_loop().time() >= deadline:
            return _held(ref, there, within)
        await asyncio.sleep(_GONE_POLL)
    return Gone(ref, gone=True)


async def _present(cluster: Cluster, ref: Ref) -> JsonObject | None:
    """The object, where it is there and still the same one."""
    try:
        there = await read(cluster, ref.kind, ref.namespace, ref.name)
    except ClusterNotFound:
        return None
    return there if not ref.uid or there["metadata"]["uid"] == ref.uid else None


def _held(ref: Ref, there: JsonObject, within: float) -> Gone:
    meta = there["metadata"]
    finalizers = tuple(meta.get("finalizers") or ())
    if finalizers:
        why = f"held by the finalizer{'s' * (len(finalizers) > 1)} {', '.join(finalizers)}"
    elif meta.get("deletionTimestamp"):
        why = "its removal was accepted, and is not done yet"
    else:
        why = "its removal was not accepted"
    return Gone(ref, gone=False, finalizers=finalizers, why=f"{ref} after {within:g} s: {why}")


def _words(kind: Kind, namespace: str, name: str) -> str:
    return str(Ref(kind=kind, namespace=namespace, name=name))


def _object(said: Any) -> JsonObject:
    if not isinstance(said, dict):
        raise ClusterError(f"the API server's answer is no object: {str(said)[:80]}")
    return said
