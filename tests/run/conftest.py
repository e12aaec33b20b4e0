"""A laboratory for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.run.harness import Lab


@pytest.fixture
def lab(tmp_path: Path, healthy: Path) -> Lab:
    """A fresh place with the healthy program."""
    return Lab(tmp_path, healthy)
