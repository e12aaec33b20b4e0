from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from chaosmem.drivers.kube import connect
from tests.cluster import build
from tests.cluster.api import Access, Cluster
from tests.cluster.fixtures import _broken, breakable, cluster, namespace

__all__ = ["_broken", "breakable", "cluster", "namespace"]
TELLER = "chaosmem/teller:test"


@pytest.fixture
async def kube(cluster: Access) -> AsyncIterator[connect.Cluster]:
    """Our own connection, as the administrator."""
    async with connect.Cluster.open(kubeconfig=cluster.kubeconfig) as opened:
        yield opened


@pytest.fixture
async def fragile(breakable: Cluster) -> AsyncIterator[connect.Cluster]:
    """Our own connection to the cluster that may be broken."""
    async with connect.Cluster.open(kubeconfig=breakable.kubeconfig) as opened:
        yield opened


@pytest.fixture
def place(breakable: Cluster) -> Iterator[str]:
    """A namespace in the cluster that may be broken."""
    name = f"driver-{uuid.uuid4().hex[:8]}"
    breakable.make_namespace(name)
    yield name
    breakable.drop_namespace(name)


@pytest.fixture(scope="session")
def teller() -> Path:
    """The program that prints numbered lines."""
    program = build.cache() / "images" / "teller"
    build.compile_to(program, Path(__file__).parent / "teller", package=".")
    return program
