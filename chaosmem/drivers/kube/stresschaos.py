"""StressChaos of Chaos Mesh: the object in a shape without its traps, made, watched, taken back.

Traps that the shape avoids: `80%` is a share of the *node's* memory; no `duration` means until
deleted; no `containerNames` means the first one; `workers: 0` and `stressngStressors` inject
nothing and say `Injected`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from chaosmem.drivers.kube import objects
from chaosmem.drivers.kube.connect import Cluster
from chaosmem.drivers.kube.kinds import (
    DAEMON_SET,
    DEPLOYMENT,
    OWNER_LABELS,
    RUN_LABEL,
    STRESS_CHAOS,
    JsonObject,
)
from chaosmem.drivers.kube.stressstatus import Chaos, read_chaos
from chaosmem.errors import ClusterForbidden, ClusterNotFound, FaultRefused

MIB: Final = 2**20
STRESSOR_OOM_SCORE: Final = 1000
"""The stressor dies first; without effect where the cgroup is killed as a group (v2, 1.28)."""
_SHORTEST_RAMP: Final = 0.001
"""Seconds; memStress divides by zero below a millisecond."""
_APP: Final = "app.kubernetes.io/name=chaos-mesh,app.kubernetes.io/component="
_VERSION: Final = "app.kubernetes.io/version"


@dataclass(frozen=True, slots=True)
class StressOrder:
    """What is wanted of a StressChaos.

    Attributes:
        run_id: of the run that makes it; its label.
        namespace: of the object; the pod may be in another one.
        mib: memory to hold besides what the container has, in MiB.
        seconds: Chaos Mesh ends it by itself so long after its *creation*, whatever happens.
        ramp: seconds to grow to the size; 0: at once.
    """

    run_id: str
    namespace: str
    name: str
    pod_namespace: str
    pod: str
    container: str
    mib: int
    seconds: int
    ramp: float = 0.0

    def __post_init__(self) -> None:
        if self.mib < 1 or self.seconds < 1:
            raise FaultRefused(
                f"a stress of {self.mib} MiB for {self.seconds} s: both must be 1 or more"
            )


def body(order: StressOrder) -> JsonObject:
    """The object."""
    return {
        "metadata": {
            "name": order.name,
            "namespace": order.namespace,
            "labels": {**OWNER_LABELS, RUN_LABEL: order.run_id},
        },
        "spec": {
            "mode": "all",
            "selector": {"pods": {order.pod_namespace: [order.pod]}},
            "containerNames": [order.container],
            "stressors": {"memory": _memory(order)},
            "duration": f"{order.seconds}s",
        },
    }


def _memory(order: StressOrder) -> JsonObject:
    memory: JsonObject = {
        "workers": 1,
        "size": f"{order.mib}MiB",
        "oomScoreAdj": STRESSOR_OOM_SCORE,
    }
    if order.ramp >= _SHORTEST_RAMP:
        # The resource has no field for it; its options reach memStress word for word.
        memory["options"] = ["--time", f"{round(order.ramp * 1000)}ms"]
    return memory


async def create(cluster: Cluster, order: StressOrder, *, dry_run: bool = False) -> Chaos:
    """Make it, or with `dry_run` only ask whether it would be accepted."""
    made = await objects.create(cluster, STRESS_CHAOS, body(order), dry_run=dry_run)
    return read_chaos(made, RUN_LABEL)


async def read(cluster: Cluster, namespace: str, name: str) -> Chaos:
    """One of them; ClusterNotFound where there is none."""
    return read_chaos(await objects.read(cluster, STRESS_CHAOS, namespace, name), RUN_LABEL)


# --- what else presses on the pod


@dataclass(frozen=True, slots=True)
class Others:
    """The StressChaos that act on a pod; `everywhere` unless some namespaces may not be read."""

    found: tuple[Chaos, ...]
    everywhere: bool


async def others_on(cluster: Cluster, order: StressOrder) -> Others:
    """Those that act on the order's pod, by record or by name, without the order's own.

    One that selects by labels counts from its first record on.
    """
    seen, everywhere = await _all(cluster, {order.namespace, order.pod_namespace})
    mine = (order.namespace, order.name)
    found = [c for c in seen if c.acts_on(order.pod_namespace, order.pod)]
    return Others(tuple(c for c in found if (c.namespace, c.name) != mine), everywhere)


async def _all(cluster: Cluster, readable: set[str]) -> tuple[list[Chaos], bool]:
    try:
        bodies = await objects.listed(cluster, STRESS_CHAOS)
    except ClusterNotFound as problem:
        raise ClusterNotFound(
            "this cluster has no StressChaos: Chaos Mesh is not installed",
            hint="install Chaos Mesh, or write via: helper",
        ) from problem
    except ClusterForbidden:
        lists = [await objects.listed(cluster, STRESS_CHAOS, ns) for ns in sorted(readable)]
        return [read_chaos(b, RUN_LABEL) for bodies in lists for b in bodies], False
    return [read_chaos(b, RUN_LABEL) for b in bodies], True


# --- the installation


@dataclass(frozen=True, slots=True)
class Installed:
    """Chaos Mesh in a cluster; what may not be read is None or empty.

    Attributes:
        versions: API versions in which StressChaos is served; empty: it is not installed.
        release: version of Chaos Mesh, from the labels of its controller.
        controllers: controllers that are ready.
        daemons: daemons that are ready, out of the nodes that should have one.
    """

    versions: tuple[str, ...]
    release: str = ""
    controllers: int | None = None
    daemons: tuple[int, int] | None = None

    @property
    def usable(self) -> bool:
        """Whether our objects are understood."""
        return STRESS_CHAOS.version in self.versions


async def installed(cluster: Cluster) -> Installed:
    """What there is of Chaos Mesh. Discovery needs no permission; its parts may be hidden."""
    versions = await _served(cluster)
    if not versions:
        return Installed(())
    try:
        managers = await objects.listed(cluster, DEPLOYMENT, labels=f"{_APP}controller-manager")
        daemons = await objects.listed(cluster, DAEMON_SET, labels=f"{_APP}chaos-daemon")
    except ClusterForbidden:
        return Installed(versions)
    ready, wanted = _sum(daemons, "numberReady"), _sum(daemons, "desiredNumberScheduled")
    return Installed(versions, _release(managers), _sum(managers, "readyReplicas"), (ready, wanted))


async def _served(cluster: Cluster) -> tuple[str, ...]:
    try:
        said = await cluster.get(f"/apis/{STRESS_CHAOS.group}", "look for Chaos Mesh")
        versions = [v["version"] for v in said.json()["versions"]]
        return tuple([v for v in versions if await _serves(cluster, v)])
    except ClusterNotFound:
        return ()


async def _serves(cluster: Cluster, version: str) -> bool:
    path = f"/apis/{STRESS_CHAOS.group}/{version}"
    said = (await cluster.get(path, "look for StressChaos")).json()
    return any(r["name"] == STRESS_CHAOS.plural for r in said["resources"])


def _release(managers: tuple[JsonObject, ...]) -> str:
    labels = [m["metadata"].get("labels") or {} for m in managers]
    return ", ".join(sorted({known[_VERSION] for known in labels if _VERSION in known}))


def _sum(bodies: tuple[JsonObject, ...], field: str) -> int:
    return sum(int((b.get("status") or {}).get(field) or 0) for b in bodies)
