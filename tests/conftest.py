"""What all tests share: the corpus' programs, built by the real Go toolchain."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests import golang

CORPUS = Path(__file__).parent / "corpus"


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Build a program of the corpus by its name; once a session."""
    out = tmp_path_factory.mktemp("bin")

    def one(name: str) -> Path:
        if not (out / name).exists():
            golang.run(CORPUS, "build", "-ldflags=-s -w", "-o", str(out / name), f"./{name}")
        return out / name

    return one


@pytest.fixture(scope="session")
def healthy(build: Callable[[str], Path]) -> Path:
    """The program of the corpus that has no defect."""
    return build("healthy")
