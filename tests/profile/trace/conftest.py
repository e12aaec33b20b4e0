"""Programs of these tests, built once with the `go` on PATH."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import golang

HERE = Path(__file__).parent
Run = Callable[..., subprocess.CompletedProcess[bytes]]


@pytest.fixture(scope="session")
def gcload(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs the program gcload with the given GODEBUG and arguments."""
    binary = tmp_path_factory.mktemp("gcload") / "gcload"
    program = HERE / "programs" / "gcload"
    golang.run(program, "build", "-o", str(binary), ".")

    def run(godebug: str, *args: str) -> subprocess.CompletedProcess[bytes]:
        env = {"GODEBUG": godebug, "GOMAXPROCS": "2"}
        return subprocess.run(
            [str(binary), *args], env=env, capture_output=True, check=True, timeout=60
        )

    return run


@pytest.fixture
def sample() -> Callable[[str], bytes]:
    """Real output, captured once from the Go release that its name says."""
    return lambda name: (HERE / "samples" / f"{name}.txt").read_bytes()
