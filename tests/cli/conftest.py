"""One real run, shared by the tests that look at runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.run.harness import Lab, Ran


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory, healthy: Path) -> Lab:
    """A place with the healthy program."""
    return Lab(tmp_path_factory.mktemp("cli"), healthy)


@pytest.fixture(scope="session")
def ran(lab: Lab) -> Ran:
    """A finished run of it."""
    done = lab.run(lab.spec(), "--junit", "junit.xml", "--markdown", "summary.md")
    assert done.code == 0, done.stdout + done.stderr
    return done
