from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cluster.api import Access
from tests.cluster.fixtures import cluster
from tests.cluster_run.shop import Shop, opened
from tests.manifests.rights import Object, render, roles

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
        listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
        words = ("apply", f"--dry-run={dry_run}", "-f", "-")
        return self.shop.cluster.kubectl(*words, text=listed)


@pytest.fixture(scope="module")
def shop(cluster: Access, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A shop of two pods that no test changes."""
    base = tmp_path_factory.mktemp("shop")
    with opened(cluster, f"doctor-{uuid.uuid4().hex[:8]}", base) as found:
        yield found


@pytest.fixture(scope="module")
def granted(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Granted]:
    """The manifests applied for real; the cluster-wide ones go again with the shop."""
    place = tmp_path_factory.mktemp("granted")
    kubectl = shop.cluster.kubectl_argv()
    names = {"target": shop.namespace, "control": shop.control, "secret": "shop-agent"}
    objects = render(place, kubectl, **names)
    for wide in objects:
        if wide["kind"].startswith("ClusterRole"):
            wide["metadata"]["name"] = f"{wide['metadata']['name']}-{shop.namespace}"
        if wide["kind"] == "ClusterRoleBinding":
            wide["roleRef"]["name"] = f"{wide['roleRef']['name']}-{shop.namespace}"
    made = Granted(shop, objects, place / "account")
    try:
        made.apply(*objects)
        shop.cluster.account(made.kubeconfig, shop.control, "chaosmem")
        yield made
    finally:
        for wide in objects:
            if wide["kind"].startswith("ClusterRole"):
                shop.cluster.kubectl("delete", wide["kind"], wide["metadata"]["name"])
