"""The program of these tests, built once with the `go` on PATH, and its captured output."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import golang

HERE = Path(__file__).parent
Run = Callable[..., subprocess.CompletedProcess[bytes]]


@pytest.fixture(scope="session")
def parked(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs the program parked with the given arguments."""
    binary = tmp_path_factory.mktemp("parked") / "parked"
    program = HERE / "programs" / "parked"
    golang.run(program, "build", "-trimpath", "-o", str(binary), ".")

    def run(*args: str, godebug: str = "") -> subprocess.CompletedProcess[bytes]:
        env = {"GODEBUG": godebug, "GOMAXPROCS": "2"}
        return subprocess.run(
            [str(binary), *args], env=env, capture_output=True, check=True, timeout=60
        )

    return run


@pytest.fixture
def dump() -> Callable[[str], bytes]:
    """Real output, captured once from the Go release that its name says."""
    return lambda name: (HERE / "samples" / f"{name}.txt").read_bytes()
