"""What all tests share: the corpus' programs, built by the real Go toolchain."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from chaosmem.drivers import gotool

CORPUS = Path(__file__).parent / "corpus"


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Build a program of the corpus by its name; once a session."""
    out = tmp_path_factory.mktemp("bin")

    def one(name: str) -> Path:
        if not (out / name).exists():
            subprocess.run(
                [
                    gotool.find().program,
                    "build",
                    "-buildvcs=false",
                    "-ldflags=-s -w",
                    "-o",
                    out / name,
                    f"./{name}",
                ],
                cwd=CORPUS,
                check=True,
                env=os.environ | {"GOPROXY": "off", "GOTOOLCHAIN": "local"},
            )
        return out / name

    return one


@pytest.fixture(scope="session")
def healthy(build: Callable[[str], Path]) -> Path:
    """The program of the corpus that has no defect."""
    return build("healthy")
