"""A target pod on a real node, beside Chaos Mesh's real controller and a stand-in of its daemon."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from chaosmem.drivers.kube.connect import Cluster as Connection
from chaosmem.drivers.kube.pods import get_pod
from chaosmem.plan.model import PlannedPod
from tests.chaosmesh import standin
from tests.chaosmesh.bench import LIMIT, Bench, pod_manifest, settled
from tests.cluster import build
from tests.cluster.api import Access, wait_for
from tests.cluster.fixtures import cluster, namespace
from tests.cluster.shell import locked

__all__ = ["cluster", "namespace"]


@pytest.fixture(scope="session")
def definition(cluster: Access) -> None:
    """Chaos Mesh's own definition of StressChaos, in the cluster; workers make it one by one."""
    with locked(build.cache() / "chaosmesh-definition.lock"):
        cluster.kubectl("apply", "-f", str(standin.resource_definition()))
    wait_for(lambda: "stresschaos" in _served(cluster), 10, "StressChaos is served")


def _served(cluster: Access) -> str:
    return cluster.kubectl("api-resources", "--api-group=chaos-mesh.org", "-o", "name")


@pytest.fixture
async def connection(cluster: Access) -> AsyncIterator[Connection]:
    """The project's own driver, connected."""
    async with Connection.open(kubeconfig=cluster.kubeconfig) as opened:
        yield opened


@pytest.fixture
def mesh(
    cluster: Access, namespace: str, definition: None, tmp_path: Path
) -> Iterator[standin.StandIn]:
    """The stand-in, not started; what is left at the end is let go, so the namespace can end."""
    mesh = standin.StandIn(cluster.kubeconfig, namespace, tmp_path)
    yield mesh
    mesh.kill()
    for name in cluster.kubectl("get", "stresschaos", "-n", namespace, "-o", "name").split():
        nothing = json.dumps({"metadata": {"finalizers": None}})
        cluster.kubectl("patch", name, "-n", namespace, "--type=merge", "-p", nothing)


@pytest.fixture
async def pod(cluster: Access, connection: Connection, namespace: str) -> PlannedPod:
    """A running pod of one container with a memory limit."""
    cluster.apply(pod_manifest(), namespace=namespace)
    ready = "--for=condition=Ready"
    cluster.kubectl("wait", ready, "pod/target-0", "-n", namespace, "--timeout=60s", timeout=90)
    found = await get_pod(connection, namespace, "target-0")
    container = found.container()
    await settled(container.container_id)
    return PlannedPod(
        namespace=namespace,
        name=found.name,
        uid=found.uid,
        node=found.node,
        container=container.name,
        container_id=container.container_id,
        port=80,
        limit=LIMIT,
    )


@pytest.fixture
def bench(connection: Connection, mesh: standin.StandIn, pod: PlannedPod) -> Bench:
    """All of it; the stand-in is started."""
    mesh.start()
    return Bench(connection, mesh, pod)
