"""pytest fixtures: a cluster, one that may be broken, and a namespace of one's own.

`CHAOSMEM_TEST_KUBECONFIG` names a person's own cluster, which then has to have the images;
`CHAOSMEM_TEST_CLUSTER` names one of ours (default: dev). One that runs is used and left running.
"""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import lifecycle
from tests.cluster.api import Access, Cluster
from tests.cluster.instance import existing


@pytest.fixture(scope="session")
def cluster() -> Iterator[Access]:
    """A cluster to be used and not broken; many tests share it, each in its namespace."""
    named = os.environ.get("CHAOSMEM_TEST_KUBECONFIG")
    if named:
        yield Access(Path(named))
        return
    own = Cluster(os.environ.get("CHAOSMEM_TEST_CLUSTER", "dev"))
    booted = own.up()
    own.images()
    yield own
    # Side by side, nobody knows who is the last to use it: whoever started pytest takes it down.
    if booted and "PYTEST_XDIST_WORKER" not in os.environ:
        own.down()


@pytest.fixture(scope="session")
def _broken() -> Iterator[Cluster]:
    remove_orphans()
    own = Cluster(f"breakable-{os.getpid()}")
    yield own
    own.down()


@pytest.fixture
def breakable(_broken: Cluster) -> Cluster:
    """A cluster of this session's own, for tests that break it; whole at the start of each."""
    _broken.restore_network()
    if _broken.up():
        _broken.images()
    return _broken


@pytest.fixture
def namespace(cluster: Access) -> Iterator[str]:
    """A namespace of one's own in `cluster`."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    cluster.make_namespace(name)
    yield name
    cluster.drop_namespace(name)


def remove_orphans() -> None:
    """Take down the clusters of sessions that were killed; their names end with their process."""
    for instance in existing():
        owner = re.fullmatch(r"(?:breakable|doomed)-(\d+)", instance.name)
        if owner and not Path("/proc", owner[1]).exists():
            lifecycle.down(instance)
