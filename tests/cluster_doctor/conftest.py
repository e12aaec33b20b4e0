from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cluster.api import Access
from tests.cluster.fixtures import cluster
from tests.cluster_run import granting
from tests.cluster_run.shop import Shop, opened
from tests.manifests.rights import Object, roles

__all__ = ["cluster"]


@dataclass
class Granted:
    """A shop, and the manifests applied for its namespaces."""

    shop: Shop
    objects: list[Object]
    kubeconfig: Path
    """Of the ServiceAccount that the manifests make."""

    @property
    def roles(self) -> list[Object]:
        """What is granted."""
        return roles(self.objects)

    def apply(self, *objects: Object, dry_run: str = "none") -> str:
        """Apply them, each in its own namespace; what kubectl says."""
        return granting.apply(self.shop.cluster, *objects, dry_run=dry_run)


@pytest.fixture(scope="module")
def shop(cluster: Access, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A shop of two pods that no test changes."""
    base = tmp_path_factory.mktemp("shop")
    with opened(cluster, f"doctor-{uuid.uuid4().hex[:8]}", base, admin=True) as found:
        yield found


@pytest.fixture(scope="module")
def granted(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Granted]:
    """The manifests applied for real; the cluster-wide ones go again with the shop."""
    place = tmp_path_factory.mktemp("granted")
    names = {"target": shop.namespace, "control": shop.control, "secret": "shop-agent"}
    with granting.granted(shop.cluster, place, **names) as grant:
        yield Granted(shop, grant.objects, grant.kubeconfig)
