"""A place for campaigns for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.campaign.lab import Campaigns
from tests.cluster.fixtures import cluster
from tests.run.harness import Lab

__all__ = ["cluster"]


@pytest.fixture
def place(tmp_path: Path, healthy: Path) -> Campaigns:
    """A fresh place with the healthy program and one short experiment."""
    made = Campaigns(Lab(tmp_path, healthy))
    made.experiment()
    return made
