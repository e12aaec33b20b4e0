"""Loaded by every Python whose path has this directory: writes down its imports at its end."""

from __future__ import annotations

import atexit
import os
import sys
import threading
from pathlib import Path


class _Listening:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def find_spec(self, name: str, *_: object) -> None:
        """Find nothing, and remember who asked."""
        self.lines.append(f"{threading.current_thread().name}\t{name}\n")

    def write(self, log: Path) -> None:
        """All of them, in order."""
        log.write_text("".join(self.lines))


if os.environ.get("CHAOSMEM_TESTS_IMPORTS"):
    listening = _Listening()
    sys.meta_path.insert(0, listening)
    atexit.register(listening.write, Path(os.environ["CHAOSMEM_TESTS_IMPORTS"]))
