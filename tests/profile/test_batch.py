"""Directories of captures, reported by several processes."""

from __future__ import annotations

import gzip
import multiprocessing
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from chaosmem.cli import profile_batch
from chaosmem.cli.profile import app
from chaosmem.cli.profile_batch import in_order, workers
from chaosmem.errors import FormatError

from .builder import simple


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    for number in range(12):
        (tmp_path / f"{number:02}.pb.gz").write_bytes(gzip.compress(simple().bytes()))
    return tmp_path


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two workers, however little there is to do."""
    monkeypatch.setattr(profile_batch, "workers", lambda _: 2)


def run(directory: Path) -> tuple[str, BaseException | None]:
    done = CliRunner(env={"TZ": "UTC"}).invoke(app, ["top", str(directory)])
    return done.stdout, done.exception


@pytest.mark.usefixtures("pool")
def test_several_processes_print_what_one_prints(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pooled = run(directory)
    monkeypatch.setattr(profile_batch, "workers", lambda _: 1)
    assert pooled == run(directory)
    assert pooled[0].count("==>") == 12


@pytest.mark.usefixtures("pool")
def test_a_damaged_capture_is_named_after_the_reports_before_it(directory: Path) -> None:
    (directory / "07.pb.gz").write_bytes(gzip.compress(b"\x0a\xff"))
    printed, error = run(directory)
    assert isinstance(error, FormatError)
    assert "07.pb.gz" in str(error)
    assert printed.count("==>") == 7


def _dies_in_a_worker(path: Path) -> str:
    if multiprocessing.parent_process():
        os._exit(1)
    return path.name


@pytest.mark.usefixtures("pool")
def test_what_a_killed_worker_leaves_is_done_here(directory: Path) -> None:
    paths = sorted(directory.iterdir())
    assert list(in_order(_dies_in_a_worker, paths)) == [path.name for path in paths]


def test_a_few_small_captures_start_no_process(directory: Path) -> None:
    assert workers(sorted(directory.iterdir())) == 1
