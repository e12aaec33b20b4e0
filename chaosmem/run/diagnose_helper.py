"""Whether the cluster would take what a run makes: server-side dry runs, PodSecurity, quotas."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from chaosmem.clock import new_run_id
from chaosmem.drivers.kube import objects, stresschaos
from chaosmem.drivers.kube.kinds import (
    CONFIG_MAP,
    LEASE,
    NAMESPACE,
    POD,
    RESOURCE_QUOTA,
    SECRET,
    STRESS_CHAOS,
    JsonObject,
    Kind,
)
from chaosmem.drivers.kube.quantity import parse_quantity
from chaosmem.drivers.kube.stresschaos import StressOrder
from chaosmem.errors import (
    AdmissionRefused,
    ChaosmemError,
    ClusterForbidden,
    ClusterNotFound,
)
from chaosmem.plan.model import PlannedPod
from chaosmem.plan.permissions import needs_helper, needs_load_pod, presses, uses_chaos_mesh
from chaosmem.run.diagnose import Ailment
from chaosmem.run.diagnose_cluster import Look
from chaosmem.run.helperpod import HelperOrder, load_body, pod_body, secret_body
from chaosmem.run.record import TTL, labels, object_name
from chaosmem.spec.faults import MemoryFault

_ENFORCE: Final = "pod-security.kubernetes.io/enforce"
_TOKEN = "dry-run-only"  # noqa: S105 - it is never kept
Named = tuple[str, Kind, JsonObject]
"""What it is for people, and the object."""


async def control(look: Look) -> list[Ailment]:
    """The control namespace, and every object that a run would make there."""
    namespace = look.spec.control_namespace
    try:
        body = await objects.read(look.cluster, NAMESPACE, "", namespace)
    except ClusterNotFound:
        return [_no_namespace(namespace)]
    except ClusterForbidden as problem:
        found = [Ailment.of(f"namespace {namespace}", problem, needed=False)]
    else:
        found = [_security(look, body)]
    found += await _quotas(look) if needs_helper(look.experiment) else []
    return found + [await _tried(look, *named) for named in made(look)]


def _no_namespace(namespace: str) -> Ailment:
    return Ailment(
        f"namespace {namespace}",
        well=False,
        found="it is not there; a run keeps there what is to be undone, its locks and helpers",
        mend="kubectl apply -k manifests/example, or write target.kubernetes.controlNamespace",
    )


def _security(look: Look, namespace: JsonObject) -> Ailment:
    """The helper has the host's process ids and a host path: only `privileged` lets that in."""
    name = look.spec.control_namespace
    level = (namespace["metadata"].get("labels") or {}).get(_ENFORCE, "")
    fits = level in ("", "privileged") or not needs_helper(look.experiment)
    said = f"enforces {level}" if level else "enforces the cluster's default level"
    return Ailment(
        f"PodSecurity of {name}",
        well=fits,
        found=said + ("" if fits else ", and the helper needs hostPID and a hostPath"),
        mend=f"kubectl label namespace {name} {_ENFORCE}=privileged --overwrite",
        needed=presses(look.experiment),
    )


# --- quotas


async def _quotas(look: Look) -> list[Ailment]:
    """What a ResourceQuota has left against the helpers; a LimitRange is met by the dry run."""
    namespace = look.spec.control_namespace
    try:
        quotas = await objects.listed(look.cluster, RESOURCE_QUOTA, namespace)
    except ChaosmemError as problem:
        return [Ailment.of(f"quotas of {namespace}", problem, needed=False)]
    if not quotas:
        return [Ailment(f"quotas of {namespace}", well=True, found="none")]
    count = max(1, len(look.targets))
    return [_quota(quota, count, needed=presses(look.experiment)) for quota in quotas]


def _quota(quota: JsonObject, count: int, *, needed: bool) -> Ailment:
    status = quota.get("status") or {}
    hard, used = status.get("hard") or {}, status.get("used") or {}
    wants = {**dict.fromkeys(("pods", "count/pods", "secrets", "count/secrets"), str(count))}
    wants |= {"configmaps": "1", "count/configmaps": "1"}
    short = [
        f"{name}: {used.get(name, '0')} of {hard[name]} used, {want} more wanted"
        for name, want in wants.items()
        if name in hard and _free(hard[name], used.get(name, "0")) < int(want)
    ]
    return Ailment(
        f"quota {quota['metadata']['name']}",
        well=not short,
        found="; ".join(short) or "leaves enough",
        mend="raise it, or free what it counts",
        needed=needed,
    )


def _free(hard: str, used: str) -> float:
    return float(parse_quantity(str(hard)) - parse_quantity(str(used)))


# --- dry runs


def made(look: Look) -> Iterator[Named]:
    """Every object that a run would make in the control namespace, for the first target."""
    namespace, run = look.spec.control_namespace, new_run_id()
    meta = {"name": object_name(run), "namespace": namespace, "labels": labels(run)}
    yield "record", CONFIG_MAP, {"metadata": meta, "data": {"owner.json": "{}"}}
    spec = {"holderIdentity": run, "leaseDurationSeconds": int(TTL)}
    yield "heartbeat and locks", LEASE, {"metadata": meta, "spec": spec}
    if not look.chosen:
        return
    target = look.chosen[0][0]
    if needs_helper(look.experiment):
        yield from _helper(look, run, target)
    if needs_load_pod(look.experiment):
        order = replace(_order(look, run, target), name=f"{object_name(run)}-load")
        yield "load pod", POD, load_body(order, look.spec)
    if uses_chaos_mesh(look.experiment):
        yield "Chaos Mesh's stress", STRESS_CHAOS, _stress(look, run, target)


def _stress(look: Look, run: str, target: PlannedPod) -> JsonObject:
    order = StressOrder(
        run_id=run,
        namespace=look.spec.control_namespace,
        name=object_name(run),
        pod_namespace=target.namespace,
        pod=target.name,
        container=target.container,
        mib=1,
        seconds=1,
    )
    return stresschaos.body(order)


def _helper(look: Look, run: str, target: PlannedPod) -> Iterator[Named]:
    order = _order(look, run, target)
    namespace = look.spec.control_namespace
    yield "helper pod's token", SECRET, secret_body(order, namespace, _TOKEN)
    yield "helper", POD, pod_body(order, look.spec)
    if order.stress:
        deeper = replace(order, name=f"{order.name}-v2", enter_namespace=True)
        yield "helper on cgroup v2", POD, pod_body(deeper, look.spec)


def _order(look: Look, run: str, target: PlannedPod) -> HelperOrder:
    faults = look.experiment.faults
    return HelperOrder(
        run_id=run,
        name=f"{object_name(run)}-doctor",
        target=target,
        stress=presses(look.experiment),
        seconds=60,
        deadline=f"{datetime.now(UTC) + timedelta(minutes=1):%Y-%m-%dT%H:%M:%SZ}",
        expect_oom=any(isinstance(f, MemoryFault) and f.oom == "expected" for f in faults),
    )


async def _tried(look: Look, what: str, kind: Kind, body: JsonObject) -> Ailment:
    """A dry run of a create; where nothing presses, a run does without its helper."""
    helps = what.startswith("helper") and not presses(look.experiment)
    name = f"dry run: {kind.name} ({what})"
    try:
        said = await objects.create_once(look.cluster, kind, body, dry_run=True)
    except AdmissionRefused as problem:
        mended = problem.hint or "the message names who refuses it; ask its owner"
        return replace(Ailment.of(name, problem, needed=not helps), mend=mended)
    except ChaosmemError as problem:
        return Ailment.of(name, problem, needed=not helps)
    return Ailment(name, well=True, found=_changed(kind, body, said))


def _changed(kind: Kind, body: JsonObject, said: JsonObject) -> str:
    """Accepted, and whether somebody put containers of their own into the helper (a mesh)."""
    if kind is not POD:
        return "accepted"
    ours = {c["name"] for c in body["spec"]["containers"]}
    more = sorted({c["name"] for c in said["spec"]["containers"]} - ours)
    return f"accepted, with {', '.join(more)} injected into it" if more else "accepted"
