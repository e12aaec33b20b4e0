"""Whether anybody is there to answer: by pid and start time, and only on the run's own host."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import pytest

from chaosmem.drivers import procfs
from chaosmem.errors import UsageError
from chaosmem.run import asking
from chaosmem.run.owner import gone, owner
from chaosmem.rundir import RunDir, control, events, layout
from chaosmem.rundir.events import AnyEntry
from chaosmem.rundir.journal import JournalWriter

US = os.getppid()


def _run(tmp_path: Path, *more: AnyEntry, ticks: int | None = None, host: str = "") -> RunDir:
    run = RunDir(tmp_path)
    journal = JournalWriter(run.path(layout.JOURNAL))
    started = events.RunStarted(
        t=0.0,
        format=1,
        run_id="r",
        wall="2026-11-25T10:00:00.000Z",
        owner_pid=US,
        owner_ticks=procfs.started_ticks(US) or 0 if ticks is None else ticks,
        facts={"host": host or platform.node()},
    )
    for entry in (started, *more):
        journal.write(entry)
    journal.close()
    return run


def test_a_run_whose_process_is_there_is_asked(tmp_path: Path) -> None:
    run = _run(tmp_path)
    assert (owner(run), gone(run)) == (US, False)
    asking.request(run, "pause", by="anna")
    assert b'"pause"' in run.read(control.FILE)


def test_a_pid_that_came_again_is_another_process_and_nobody_is_there_to_answer(
    tmp_path: Path,
) -> None:
    run = _run(tmp_path, ticks=1)
    assert gone(run)
    with pytest.raises(UsageError, match="nobody is there to pause"):
        asking.request(run, "pause", by="anna")
    noted = asking.request(run, "note", text="power was cut", by="anna")
    said = control.answered(run, noted)
    assert said is not None
    assert said.late


def test_a_run_on_another_host_is_asked_and_may_answer(tmp_path: Path) -> None:
    run = _run(tmp_path, ticks=1, host="another-host")
    assert not gone(run)
    asked = asking.request(run, "pause", by="anna")
    assert control.answered(run, asked) is None


def test_a_run_that_has_ended_was_not_killed(tmp_path: Path) -> None:
    run = _run(tmp_path, events.RunEnded(t=3.0, state="completed"), ticks=1)
    assert not gone(run)
    with pytest.raises(UsageError, match="has ended"):
        asking.request(run, "hold", by="anna")
