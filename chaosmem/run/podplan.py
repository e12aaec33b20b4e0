"""What the cluster has of an experiment's pods, for the plan."""

from __future__ import annotations

import asyncio

from chaosmem.drivers.kube import pods
from chaosmem.drivers.kube.connect import Cluster
from chaosmem.drivers.kube.podmodel import Container, Pod
from chaosmem.errors import TargetError
from chaosmem.plan.build import Inventory
from chaosmem.plan.model import PlannedPod
from chaosmem.plan.pods import Candidate, select
from chaosmem.spec.model import Experiment
from chaosmem.spec.target import KubernetesTarget


def inventory(experiment: Experiment) -> Inventory:
    """The chosen pods of a cluster, or why none is; nothing is changed."""
    return asyncio.run(_inventory(experiment))


async def _inventory(experiment: Experiment) -> Inventory:
    spec = experiment.target.kubernetes
    assert spec is not None  # noqa: S101 - the resolver has looked
    async with Cluster.open(context=spec.context) as cluster:
        return await found(cluster, experiment)


async def found(cluster: Cluster, experiment: Experiment) -> Inventory:
    """The same over an open connection."""
    spec = experiment.target.kubernetes
    assert spec is not None  # noqa: S101 - callers have a kubernetes target
    seen = await pods.find_pods(cluster, spec.namespace, spec.selector)
    chosen = select(experiment, [candidate(pod, spec) for pod in seen])
    return Inventory(chosen.targets, chosen.refusals, chosen.notes)


def candidate(pod: Pod, spec: KubernetesTarget) -> Candidate:
    """A pod as the plan has it, and whether it can be acted on."""
    try:
        container = pod.container(spec.container or "")
    except TargetError as problem:
        return Candidate(_planned(pod, Container(""), 0), str(problem))
    port = spec.port or _http_port(container)
    return Candidate(_planned(pod, container, port), _unfit(pod, container, port))


def _planned(pod: Pod, container: Container, port: int) -> PlannedPod:
    workload = pod.workload
    return PlannedPod(
        namespace=pod.namespace,
        name=pod.name,
        uid=pod.uid,
        node=pod.node,
        container=container.name,
        container_id=container.container_id,
        port=port,
        limit=container.memory_limit,
        workload=f"{workload.kind.name}/{workload.name}" if workload else "",
    )


def _http_port(container: Container) -> int:
    named = [p.number for p in container.ports if p.name == "http"]
    return (named or [p.number for p in container.ports] or [0])[0]


def _unfit(pod: Pod, container: Container, port: int) -> str:
    if pod.deleting:
        return "it is being deleted"
    if pod.phase != "Running" or container.state != "running":
        return f"it is not running ({container.state_reason or pod.reason or pod.phase})"
    if not pod.ready:
        return "it is not ready"
    if not port:
        return "its container declares no port; write target.kubernetes.port"
    return ""
