"""Real profiles of every kind, made once a session by a Go program, and the tool for comparison."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import golang

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def pprof(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """`go tool pprof` as a function from arguments to standard output."""
    directory = tmp_path_factory.mktemp("pprof")
    golang.run(HERE / "goprofiles", "build", "-o", str(directory / "pprof"), "cmd/pprof")

    def run(*arguments: str | Path) -> str:
        command = [str(directory / "pprof"), *map(str, arguments)]
        environment = {"TZ": "UTC", "HOME": str(directory), "PATH": ""}
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, env=environment, timeout=60
        )
        return done.stdout

    return run


@pytest.fixture(scope="session")
def captures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a profile of every kind, as protobuf (`.pb.gz`) and as text (`.txt`)."""
    directory = tmp_path_factory.mktemp("captures")
    program = directory / "goprofiles"
    golang.run(HERE / "goprofiles", "build", "-trimpath", "-o", str(program), ".")
    subprocess.run([str(program), str(directory)], check=True)
    program.unlink()
    return directory
