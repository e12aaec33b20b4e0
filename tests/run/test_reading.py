"""A run directory that lost something is still read, and says what it lost; it never passes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from chaosmem import evidence, verify
from chaosmem.errors import Exit, RunDirError
from chaosmem.rundir import RunDir
from chaosmem.verify import Outcome, Verdict
from tests.run.harness import Lab


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, healthy: Path) -> Path:
    """The directory of a run that passed."""
    lab = Lab(tmp_path_factory.mktemp("reading"), healthy)
    ran = lab.run(
        lab.spec(
            faults=[{"heap": {"retain": "32MiB", "at": "main.(*Cache).Fill"}}],
            captures=[{"profile": "heap", "at": ["baseline.end", "hold.end"]}],
            checks=["stress-effect", "top-allocations", "no-restart"],
        )
    )
    assert ran.code == Exit.PASS, ran.stdout + ran.stderr
    return ran.rundir


@pytest.fixture
def copy(whole: Path, tmp_path: Path) -> RunDir:
    """A copy of it, to be damaged."""
    return RunDir(Path(shutil.copytree(whole, tmp_path / whole.name)))


def _judged(rundir: RunDir) -> Verdict:
    return verify.verify(evidence.load(rundir))


def test_the_whole_directory_gives_the_verdict_that_it_holds(copy: RunDir) -> None:
    assert verify.to_json(_judged(copy)) == copy.read("verdict.json")


@pytest.mark.parametrize("gone", ["series", "captures", "journal.jsonl"])
def test_what_is_missing_is_never_passed(copy: RunDir, gone: str) -> None:
    path = copy.path(gone)
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
    assert _judged(copy).outcome is Outcome.INCONCLUSIVE


def test_a_journal_cut_at_any_line_is_read_and_does_not_pass(copy: RunDir) -> None:
    lines = copy.read("journal.jsonl").splitlines(keepends=True)
    for kept in range(len(lines)):
        copy.path("journal.jsonl").write_bytes(b"".join(lines[:kept]))
        assert _judged(copy).outcome is not Outcome.PASS, f"cut after line {kept}"


def test_a_journal_cut_inside_any_line_is_reported(copy: RunDir) -> None:
    data = copy.read("journal.jsonl")
    for cut in range(len(data) // 2, len(data), 97):
        copy.path("journal.jsonl").write_bytes(data[:cut])
        assert _judged(copy).outcome is not Outcome.PASS, f"cut at byte {cut}"


@pytest.mark.parametrize("file", ["plan.json", "experiment.json"])
def test_without_what_was_declared_there_is_no_verdict(copy: RunDir, file: str) -> None:
    copy.path(file).write_text('{"format": 99}')
    with pytest.raises(RunDirError, match="cannot be read") as caught:
        _judged(copy)
    assert "newer chaosmem" in caught.value.hint


def test_a_table_that_is_no_table_is_damage_not_a_crash(copy: RunDir) -> None:
    next(copy.root.glob("series/*/samples.col")).write_bytes(b"garbage")
    seen = evidence.load(copy)
    assert any("samples.col" in words for words in seen.damage)
    assert verify.verify(seen).outcome is Outcome.INCONCLUSIVE
