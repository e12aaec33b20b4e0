from __future__ import annotations

import contextlib
import resource
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chaosmem.testing import (
    CheckContract,
    Demo,
    FaultContract,
    FinderContract,
    ReporterContract,
)


class TestDescriptors(FaultContract):
    kind = "descriptors"
    body = {"limit": 64}

    def acting(self, demo: Demo) -> bool:
        return resource.prlimit(demo.pid, resource.RLIMIT_NOFILE)[0] == 64


class TestGoroutineCeiling(CheckContract):
    kind = "goroutine-ceiling"
    passing = {"max": 10_000}
    failing = {"max": 1}


class TestCsv(ReporterContract):
    name = "csv"


class TestPidFile(FinderContract):
    name = "pidfile"
    lost = {"path": "/nonexistent/cart.pid", "url": "http://127.0.0.1:1"}

    @contextlib.contextmanager
    def told(self, demo: Demo) -> Iterator[dict[str, Any]]:
        with tempfile.TemporaryDirectory() as place:
            file = Path(place) / "cart.pid"
            file.write_text(f"{demo.pid}\n")
            yield {"path": str(file), "url": demo.url}
