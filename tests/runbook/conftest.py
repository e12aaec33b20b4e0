from __future__ import annotations

from pathlib import Path

import pytest

from tests.cluster.fixtures import cluster
from tests.cluster_run.conftest import shop
from tests.run.harness import Lab

__all__ = ["cluster", "shop"]


@pytest.fixture
def lab(tmp_path: Path, healthy: Path) -> Lab:
    """A fresh place with the healthy program."""
    return Lab(tmp_path, healthy)
