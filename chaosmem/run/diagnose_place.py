"""A look at what is around the pods: nodes, memory metrics, Chaos Mesh, the workloads."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import Final

from chaosmem import units
from chaosmem.drivers.kube import objects, rollout, stats, stresschaos, workloads
from chaosmem.drivers.kube.kinds import (
    AUTOSCALER,
    DISRUPTION_BUDGET,
    NODE,
    JsonObject,
    Kind,
    Ref,
)
from chaosmem.drivers.kube.quantity import bytes_of
from chaosmem.drivers.kube.stresschaos import Installed
from chaosmem.errors import ChaosmemError, ClusterForbidden
from chaosmem.plan.permissions import needs_helper
from chaosmem.plan.pods import level_bytes
from chaosmem.run.diagnose import Ailment
from chaosmem.run.diagnose_cluster import Look
from chaosmem.run.rolling import environment_of
from chaosmem.spec.faults import MemoryFault

_PRIVATE: Final = "no helper is wanted, and the kubelet's numbers take `get nodes/proxy`"


# --- nodes and memory metrics


async def nodes(look: Look) -> list[Ailment]:
    """Pressure and room of the chosen pods' nodes, and where memory numbers come from."""
    names = sorted({planned.node for planned, _ in look.chosen} - {""})
    found = await asyncio.gather(*(_node(look, name) for name in names))
    source = [await _memory(look)] if look.chosen else []
    return [ailment for some in found for ailment in some] + source


async def _node(look: Look, name: str) -> list[Ailment]:
    try:
        body = await objects.read(look.cluster, NODE, "", name)
    except ClusterForbidden as problem:
        return [Ailment.of(f"node {name}", problem, needed=False)]
    status = body.get("status") or {}
    return [_pressure(name, status), *_room(look, name, status)]


def _pressure(name: str, status: JsonObject) -> Ailment:
    conditions = {c["type"]: c["status"] for c in status.get("conditions") or []}
    under = conditions.get("MemoryPressure") == "True"
    ready = conditions.get("Ready") == "True"
    said = "under memory pressure" if under else "no memory pressure"
    version = (status.get("nodeInfo") or {}).get("kubeletVersion", "")
    return Ailment(
        f"node {name}",
        well=ready and not under,
        found=f"{'ready' if ready else 'not ready'}, {said}, kubelet {version}",
        mend=f"kubectl describe node {name}",
    )


def _room(look: Look, name: str, status: JsonObject) -> list[Ailment]:
    """The levels of all pods that are pressed on one node, at their most, against the node."""
    levels: dict[str, int] = defaultdict(int)
    faults = [f for f in look.experiment.faults if isinstance(f, MemoryFault)]
    for planned, _ in look.chosen:
        levels[planned.node] += sum(level_bytes(f, planned.limit or 0) for f in faults)
    if not levels[name]:
        return []
    room = bytes_of(str((status.get("allocatable") or {}).get("memory", "0")))
    said = f"{units.human_bytes(levels[name])} of {units.human_bytes(room)} allocatable"
    return [
        Ailment(
            f"node {name} room",
            well=levels[name] < room,
            found=f"the levels come to {said}",
            mend="choose fewer pods of one node, or a lower level",
        )
    ]


async def _memory(look: Look) -> Ailment:
    """The helper reads the cgroup at the sampling rate; else it is kubelet's housekeeping."""
    what = "memory metrics"
    if needs_helper(look.experiment):
        rate = units.format_frequency(look.experiment.sampling.rate)
        return Ailment(what, well=True, found=f"the helper reads the cgroup, {rate}")
    planned, pod = look.chosen[0]
    try:
        said = await stats.working_set(look.cluster, pod, planned.container)
    except ClusterForbidden:
        mend = "write helper: {observe: true}; grant nodes/proxy only where nothing else will do"
        return Ailment(what, well=False, found=_PRIVATE, mend=mend, needed=False)
    except ChaosmemError as problem:
        return Ailment.of(what, problem, needed=False)
    return Ailment(
        what,
        well=True,
        found=f"{said.source}: working set {units.human_bytes(said.bytes)}, "
        f"every {units.human_seconds(said.resolution_s)}",
    )


# --- Chaos Mesh


async def chaos_mesh(look: Look) -> list[Ailment]:
    """Whether its API is there, its version, and whether its controller and daemons are ready."""
    there = await stresschaos.installed(look.cluster)
    return [_served(there), *(_parts(there) if there.usable else ())]


def _served(there: Installed) -> Ailment:
    versions = ", ".join(there.versions)
    return Ailment(
        "StressChaos",
        well=there.usable,
        found=f"served in {versions}" if versions else "the cluster does not know it",
        mend="install Chaos Mesh 2, or write via: helper, which needs nothing installed",
    )


def _parts(there: Installed) -> list[Ailment]:
    if there.controllers is None or there.daemons is None:
        said = "its parts may not be listed here, so their version and health are not seen"
        return [Ailment("Chaos Mesh", well=False, found=said, needed=False)]
    ready, wanted = there.daemons
    release = f"version {there.release or 'not labelled'}, "
    return [
        Ailment(
            "Chaos Mesh",
            well=there.controllers > 0,
            found=f"{release}{there.controllers} controllers ready",
            mend="its API is there and nobody acts on it: look at its controller-manager",
        ),
        Ailment(
            "chaos-daemon",
            well=ready > 0,
            found=f"{ready} of {wanted} ready",
            mend="its DaemonSet must run on the targets' nodes",
        ),
    ]


# --- workloads


async def workloads_of(look: Look) -> list[Ailment]:
    """The workloads that a rollout would change: who manages them, and a dry run of the change."""
    refs = {w.uid: (w, planned.container) for planned, pod in look.chosen if (w := pod.workload)}
    bare = [p.name for p, pod in look.chosen if pod.workload is None]
    found = [_bare(name) for name in bare]
    for ref, container in refs.values():
        found += await _workload(look, ref, container)
    return found


def _bare(name: str) -> Ailment:
    said = "belongs to no Deployment, StatefulSet or DaemonSet, so it cannot be rolled over"
    return Ailment(f"pod {name}", well=False, found=said, mend="choose pods of a workload")


async def _workload(look: Look, ref: Ref, container: str) -> list[Ailment]:
    workload = await workloads.read_workload(look.cluster, ref)
    head = f"{workload.replicas} replicas" + (", paused" if workload.paused else "")
    found = [Ailment(str(ref), well=not workload.paused, found=head, mend="resume it")]
    for finding in workload.findings:
        allowed = finding.code == "managed" and look.spec.allow_gitops
        needed = finding.code == "managed" and not allowed
        mend = "write allowGitops: true where that is known to be no problem" if needed else ""
        found.append(Ailment(f"{ref} {finding.code}", False, finding.message, mend, needed))
    found += await _scaled(look, ref) + await _budgets(look, workload.body)
    return [*found, await _rollout(look, ref, container)]


async def _scaled(look: Look, ref: Ref) -> list[Ailment]:
    """Autoscalers of the workload: they change the number of pods in the middle of a trial."""
    found = await _listed(look, AUTOSCALER)
    names = [
        body["metadata"]["name"]
        for body in found
        if (body["spec"].get("scaleTargetRef") or {}).get("kind") == ref.kind.name
        and body["spec"]["scaleTargetRef"].get("name") == ref.name
    ]
    said = "may change the number of pods during a trial"
    return [Ailment(f"{ref} autoscaler", False, f"{n} {said}", needed=False) for n in names]


async def _budgets(look: Look, workload: JsonObject) -> list[Ailment]:
    """Disruption budgets of its pods; a rollout does not ask them, an eviction does."""
    labels = workload["spec"]["template"]["metadata"].get("labels") or {}
    found = await _listed(look, DISRUPTION_BUDGET)
    return [_budget(body) for body in found if _selects(body["spec"].get("selector"), labels)]


def _selects(selector: JsonObject | None, labels: JsonObject) -> bool:
    wanted = (selector or {}).get("matchLabels") or {}
    return bool(wanted) and wanted.items() <= labels.items()


def _budget(body: JsonObject) -> Ailment:
    allowed = (body.get("status") or {}).get("disruptionsAllowed", 0)
    said = f"{allowed} disruptions allowed now; a rollout does not heed it"
    what = f"disruption budget {body['metadata']['name']}"
    return Ailment(what, well=allowed > 0, found=said, needed=False)


async def _listed(look: Look, kind: Kind) -> tuple[JsonObject, ...]:
    """None where it may not be listed: the permissions say so."""
    try:
        return await objects.listed(look.cluster, kind, look.spec.namespace)
    except ClusterForbidden:
        return ()


async def _rollout(look: Look, ref: Ref, container: str) -> Ailment:
    what = f"dry run: rollout of {ref}"
    arms = look.experiment.arms
    changes = next((c for arm in arms if (c := environment_of(look.experiment, arm))), {})
    try:
        undo = await rollout.plan_change(look.cluster, ref, container, changes)
        await rollout.apply_change(look.cluster, undo, dry_run=True)
    except ChaosmemError as problem:
        return Ailment.of(what, problem)
    return Ailment(what, well=True, found=", ".join(f"{k}={v}" for k, v in changes.items()))
