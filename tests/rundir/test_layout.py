"""Run directories: made, found by whatever people call them, never left by a file name."""

from __future__ import annotations

from pathlib import Path

import pytest

from chaosmem import rundir
from chaosmem.errors import RunDirError, UsageError
from chaosmem.rundir import RunDir, layout

OLD, NEW = "20260101T000000Z-aaaaaa", "20260201T000000Z-bbbbbb"


@pytest.fixture
def base(tmp_path: Path) -> Path:
    for name, run_id in (("cart", OLD), ("cart", NEW), ("other", "20260115T000000Z-cccccc")):
        rundir.create(tmp_path, name, run_id).write(layout.PLAN, b"{}")
    return tmp_path


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (OLD, OLD),
        ("aaaaaa", OLD),
        ("latest", NEW),
        ("cart", NEW),
        (f"cart/{OLD}", OLD),
        ("other", "20260115T000000Z-cccccc"),
    ],
)
def test_a_run_is_found_by_what_people_call_it(base: Path, said: str, meant: str) -> None:
    assert rundir.find(base, said).run_id == meant


def test_a_run_is_found_by_its_path(base: Path) -> None:
    assert rundir.find(Path("nowhere"), str(base / "cart" / "latest")).run_id == NEW


def test_an_ambiguous_part_lists_the_runs(base: Path) -> None:
    with pytest.raises(UsageError, match=r"more than one run: .*aaaaaa.*bbbbbb"):
        rundir.find(base, "T000000Z")


def test_an_unknown_run_says_how_to_see_the_runs(base: Path) -> None:
    with pytest.raises(UsageError, match="no run 'nope'") as caught:
        rundir.find(base, "nope")
    assert "chaosmem list" in caught.value.hint


def test_runs_come_oldest_first(base: Path) -> None:
    assert [r.run_id for r in rundir.runs(base)] == [OLD, "20260115T000000Z-cccccc", NEW]


def test_a_file_outside_the_run_directory_is_not_read(base: Path) -> None:
    with pytest.raises(RunDirError, match="outside"):
        RunDir(base / "cart" / NEW).read("../../../etc/passwd")


def test_a_file_is_written_whole_or_not_at_all(base: Path) -> None:
    run = RunDir(base / "cart" / NEW)
    run.path("verdict.json").mkdir()
    with pytest.raises(RunDirError):
        run.write("verdict.json", b"x")
    assert not list(run.root.glob("*.part"))


def test_two_runs_cannot_share_a_directory(base: Path) -> None:
    with pytest.raises(RunDirError, match="cannot make"):
        rundir.create(base, "cart", NEW)
