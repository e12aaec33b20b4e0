from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chart.places import Places, serving
from tests.chart.release import Release, values
from tests.cluster.api import Access, Cluster
from tests.cluster.fixtures import cluster
from tests.cluster.images import catalogue
from tests.cluster_run.shop import Shop, opened
from tests.image import build

__all__ = ["cluster"]


@pytest.fixture(scope="session")
def imaged(cluster: Access) -> Cluster:
    """The cluster, with the runner's image in it."""
    assert isinstance(cluster, Cluster), (
        "the runner's image is imported into a cluster of ours only"
    )
    catalogue.bring_archive(cluster.instance, build.RUNNER, build.runner().archive)
    return cluster


@pytest.fixture(scope="module")
def shop(imaged: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A shop of two pods; its control namespace is the chart's to make."""
    name = f"chart-{uuid.uuid4().hex[:8]}"
    with opened(imaged, name, tmp_path_factory.mktemp("shop"), admin=True) as found:
        imaged.drop_namespace(found.control)
        found.control = f"{name}-chaos"
        yield found


@pytest.fixture(scope="module")
def release(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    """A namespace where only restricted pods are let in, and a volume; nothing is installed yet."""
    namespace = f"{shop.namespace}-runner"
    shop.cluster.make_namespace(namespace, level="restricted")
    volume = tmp_path_factory.mktemp("volume")
    volume.chmod(0o777)
    shop.cluster.apply(_volume(namespace, volume))
    made = Release(
        shop, namespace, values(shop, namespace), tmp_path_factory.mktemp("helm"), volume
    )
    try:
        yield made
    finally:
        shop.cluster.drop_namespace(shop.control)
        shop.cluster.drop_namespace(namespace)
        shop.cluster.kubectl("delete", "pv", namespace, "--wait=false", "--ignore-not-found")


@pytest.fixture(scope="module")
def places(imaged: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Places]:
    """PostgreSQL and object storage, where pods of the cluster can reach them."""
    with serving(tmp_path_factory.mktemp("places"), imaged.instance.addresses().host) as found:
        yield found


def _volume(name: str, directory: Path) -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name},
        "spec": {
            "capacity": {"storage": "2Gi"},
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": name,
            "hostPath": {"path": str(directory)},
        },
    }
