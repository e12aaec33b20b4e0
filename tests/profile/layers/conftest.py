"""A Go program that prints every layer's account of its memory."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests import golang


@pytest.fixture(scope="session")
def account(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the program whereis printed."""
    binary = tmp_path_factory.mktemp("whereis") / "whereis"
    program = Path(__file__).parent / "programs" / "whereis"
    golang.run(program, "build", "-o", str(binary), ".")
    done = subprocess.run([str(binary)], env={}, capture_output=True, check=True, timeout=60)
    printed: dict[str, Any] = json.loads(done.stdout)
    return printed
