from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from chaosmem.drivers import gotool
from chaosmem.history.model import Run
from tests.gate.lab import Lab, opened

SERVICE = Path(__file__).parent / "service"


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The service, built."""
    out = tmp_path_factory.mktemp("service") / "service"
    go = str(gotool.find().program)
    command = [go, "build", "-buildvcs=false", "-ldflags=-s -w", "-o", str(out), "."]
    offline = os.environ | {"GOPROXY": "off", "GOTOOLCHAIN": "local"}
    subprocess.run(command, cwd=SERVICE, check=True, env=offline)
    return out


@pytest.fixture
def lab(tmp_path: Path, service: Path) -> Lab:
    """A fresh repository."""
    return opened(tmp_path / "repository", service)


@pytest.fixture(scope="session")
def passed(tmp_path_factory: pytest.TempPathFactory, service: Path) -> Lab:
    """A repository whose gate has passed, without a baseline."""
    lab = opened(tmp_path_factory.mktemp("passed"), service)
    done = lab.gate()
    assert done.code == 0, done.said
    return lab


@pytest.fixture(scope="session")
def healthy(passed: Lab) -> Run:
    """That run, as the history reads it."""
    return passed.run()
