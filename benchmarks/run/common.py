"""What the run benchmarks share: building, running, and honest small statistics."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from chaosmem.drivers import gotool

ROOT = Path(__file__).resolve().parents[2]
CHAOSMEM = (sys.executable, "-m", "chaosmem")


def build(module: Path, package: str) -> Path:
    """A program built by the Go toolchain at hand."""
    out = Path(tempfile.mkdtemp(prefix="chaosmem-bench-")) / "program"
    return gotool.build(gotool.find(), module, package, out=out)


def spec(binary: Path, **sections: Any) -> str:
    """A spec for a process target, as JSON (which is YAML)."""
    target = {
        "command": [str(binary)],
        "args": ["-addr", "127.0.0.1:{port}"],
        "ready": {"http": "/healthz"},
    }
    head = {"apiVersion": "chaosmem/v1", "kind": "Experiment", "metadata": {"name": "bench"}}
    return json.dumps(head | {"target": {"process": target}} | sections)


def timed(command: list[str], **options: Any) -> float:
    """Wall-clock seconds of one command; it must succeed."""
    begin = time.perf_counter()
    subprocess.run(
        command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options
    )
    return time.perf_counter() - begin


def alternate(rounds: int, *acts: Callable[[], float]) -> list[list[float]]:
    """Run the acts in turn, so that the machine's drift meets all alike."""
    results: list[list[float]] = [[] for _ in acts]
    for _ in range(rounds):
        for kept, act in zip(results, acts, strict=True):
            kept.append(act())
    return results


def spread(values: list[float]) -> str:
    """Median and quartiles, in milliseconds."""
    low, middle, high = statistics.quantiles(values, n=4)
    return f"{middle * 1e3:.0f} ms (quartiles {low * 1e3:.0f} to {high * 1e3:.0f}, n={len(values)})"


def machine() -> str:
    """What this ran on."""
    return f"{os.cpu_count()} CPUs, Python {sys.version.split()[0]}, {gotool.find().version}"
