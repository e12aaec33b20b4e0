"""goroutineleak profiles, captured live from a program that leaks."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from chaosmem.profile import by_label, read, top
from chaosmem.profile.dumps import parse_goroutines
from tests import golang

PROGRAM = Path(__file__).parent / "goroutineleak"
LEAKED = "main.forgotten"


@pytest.fixture(scope="module")
def leaks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with leak.pb.gz, leak.txt and leak-debug2.txt of three leaked goroutines."""
    directory = tmp_path_factory.mktemp("leaks")
    binary = directory / "leak"
    golang.run(PROGRAM, "build", "-trimpath", "-o", str(binary), ".", more=golang.with_leaks())
    subprocess.run([str(binary), str(directory)], check=True)
    return directory


def test_a_live_leak_profile_has_the_rows_of_the_tool(
    leaks: Path, pprof: Callable[..., str]
) -> None:
    path = leaks / "leak.pb.gz"
    assert top(read(path.read_bytes()), n=0).text() == pprof("-top", path)


def test_the_text_of_a_live_leak_profile_names_what_leaked(leaks: Path) -> None:
    found = top(read((leaks / "leak.txt").read_bytes()))
    assert [(row.name, row.flat) for row in found.rows] == [(LEAKED, 3)]
    assert (found.sample_type, found.unit) == ("goroutineleak", "count")


@pytest.mark.parametrize("name", ["leak.pb.gz", "leak.txt"])
def test_labels_of_leaked_goroutines_are_summed(leaks: Path, name: str) -> None:
    found = by_label(read((leaks / name).read_bytes()), "tenant")
    assert [(row.value, row.sum) for row in found.rows] == [("acme", 3)]
    assert found.unlabelled == 0


def test_a_live_dump_marks_the_leaked_goroutines(leaks: Path) -> None:
    found = parse_goroutines((leaks / "leak-debug2.txt").read_bytes())
    group = next(group for group in found.groups if group.stack[0].function == LEAKED)
    assert (group.count, group.leaked) == (3, True)
