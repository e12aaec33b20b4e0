from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaosmesh.conftest import definition
from tests.cluster.fixtures import cluster
from tests.cluster_run.conftest import shop
from tests.cluster_run.test_mesh_run import mesh, meshed
from tests.run.harness import Lab

__all__ = ["cluster", "definition", "mesh", "meshed", "shop"]


@pytest.fixture
def lab(tmp_path: Path, healthy: Path) -> Lab:
    """A fresh place with the healthy program."""
    return Lab(tmp_path, healthy)
