from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.api import Access, Cluster
from tests.cluster.fixtures import _broken, breakable, cluster
from tests.cluster_run.shop import Shop, opened

__all__ = ["_broken", "breakable", "cluster"]


def _name() -> str:
    return f"shop-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def shop(cluster: Access, tmp_path: Path) -> Iterator[Shop]:
    """A shop of two pods in a shared cluster."""
    with opened(cluster, _name(), tmp_path) as found:
        yield found


@pytest.fixture
def fragile(breakable: Cluster, tmp_path: Path) -> Iterator[Shop]:
    """A shop of two pods in a cluster that may be broken."""
    breakable.images()
    with opened(breakable, _name(), tmp_path) as found:
        yield found
