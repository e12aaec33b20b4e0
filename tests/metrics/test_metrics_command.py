"""`chaosmem metrics`, as a user runs it."""

from __future__ import annotations

import json
import subprocess
import sys

from chaosmem.errors import Exit
from chaosmem.metrics import REGISTRY


def call(*args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "chaosmem", "metrics", *args],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_all_are_listed_one_a_line() -> None:
    lines = call().stdout.splitlines()
    assert [line.split()[0] for line in lines] == list(REGISTRY)


def test_one_layer_is_listed_for_programs() -> None:
    said = json.loads(call("--layer", "os", "--format", "json").stdout)
    assert [m["name"] for m in said] == ["memory.rss@v1", "cpu.process@v1", "process.threads@v1"]
    assert said[0]["prometheus"] == ["process_resident_memory_bytes"]


def test_one_tells_where_it_comes_from_and_what_it_replaces() -> None:
    said = call("gc.gomemlimit").stdout
    assert "from /gc/gomemlimit:bytes" in said
    assert "read from older runs: gc.gomemlimit@v1" in said


def test_a_name_that_is_not_there_is_a_usage_error() -> None:
    said = call("memory.heap.alive")
    assert said.returncode == Exit.USAGE
    assert "do you mean memory.heap.live" in said.stderr
