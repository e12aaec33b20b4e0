"""A run that goes on is told as its journal has it, entry by entry."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from chaosmem.cli.scraping import LiveRun
from chaosmem.drivers.sources import Reading
from chaosmem.export import families, text
from chaosmem.export.families import Family
from chaosmem.export.live import Progress
from chaosmem.plan.model import Plan
from chaosmem.run.observer import Nobody
from chaosmem.rundir import RunDir, events
from chaosmem.rundir.events import AnyEntry
from tests.export.conftest import ZERO
from tests.export.test_text import promtool
from tests.verify.build import SURGE, evidence, fault, trial

KEY = "t01-default"
FAULT = "goroutines-1"


@pytest.fixture
def plan() -> Plan:
    return evidence(trial(faults=[fault(SURGE)])).plan


STARTED = events.RunStarted(
    t=0, format=1, run_id="r", wall="2026-11-23T18:00:00.000Z", owner_pid=1, facts={}
)
UNTIL_HOLD: tuple[AnyEntry, ...] = (
    STARTED,
    events.TrialStarted(t=0.1, trial=KEY, arm="default", number=1, target="process"),
    events.UndoPlanned(
        t=0.2,
        trial=KEY,
        id="u1",
        what="stop the process",
        undo=events.StopMarked(run_id="r"),
    ),
    events.PhaseBegun(t=1, trial=KEY, phase="inject"),
    events.FaultApplied(t=1.2, trial=KEY, fault=FAULT, at=1.25, u=0.01),
    events.PhaseEnded(t=2, trial=KEY, phase="inject"),
    events.PhaseBegun(t=2, trial=KEY, phase="hold"),
)
TO_THE_END: tuple[AnyEntry, ...] = (
    events.PhaseEnded(t=5, trial=KEY, phase="hold"),
    events.FaultUndone(t=5.1, trial=KEY, fault=FAULT, at=5.25, u=0.01),
    events.UndoDone(t=5.2, trial=KEY, id="u1"),
    events.TrialEnded(t=6, trial=KEY, complete=True),
    events.RunEnded(t=6, state="completed"),
)


def follow(plan: Plan, entries: Iterable[AnyEntry]) -> Progress:
    progress = Progress(plan, "r")
    for entry in entries:
        progress.entry(entry)
    return progress


def values(progress: Progress, family: Family) -> dict[tuple[str, ...], float]:
    return {row.labels: row.value for row in progress.rows().of(family)}


def test_the_phase_and_the_fault_that_act_now_are_one(plan: Plan) -> None:
    now = follow(plan, UNTIL_HOLD)
    assert values(now, families.ACTIVE) == {(): 1.0}
    assert values(now, families.START) == {(): ZERO}
    assert values(now, families.PHASE_ACTIVE) == {(KEY, "default", "hold"): 1.0}
    assert values(now, families.PHASE_DURATION) == {(KEY, "default", "inject"): 1.0}
    assert values(now, families.FAULT_ACTIVE) == {(KEY, FAULT, "goroutines"): 1.0}
    assert values(now, families.UNDO_PENDING) == {(): 1.0}
    assert values(now, families.TRIALS)[("complete",)] == 0.0


def test_at_the_end_nothing_acts_and_nothing_is_left_to_undo(plan: Plan) -> None:
    now = follow(plan, (*UNTIL_HOLD, *TO_THE_END))
    assert now.over
    assert now.ended == {KEY}
    assert values(now, families.ACTIVE) == {(): 0.0}
    assert values(now, families.PHASE_ACTIVE) == {}
    assert values(now, families.FAULT_ACTIVE) == {(KEY, FAULT, "goroutines"): 0.0}
    assert values(now, families.FAULT_DURATION) == {(KEY, FAULT, "goroutines"): 4.0}
    assert values(now, families.UNDO_PENDING) == {(): 0.0}
    assert values(now, families.TRIALS)[("complete",)] == 1.0


def test_an_undo_that_failed_is_still_pending(plan: Plan) -> None:
    failed = events.UndoFailed(t=5.2, trial=KEY, id="u1", error="refused")
    now = follow(plan, (*UNTIL_HOLD, failed))
    assert values(now, families.UNDO_PENDING) == {(): 1.0}


def test_troubles_captures_and_guards_are_counted(plan: Plan) -> None:
    now = follow(
        plan,
        (
            STARTED,
            events.ProbeTrouble(t=1, trial=KEY, source="agent", text="timed out"),
            events.ProbeTrouble(t=2, trial=KEY, source="agent", text=""),
            events.CaptureTaken(
                t=3, trial=KEY, capture="c1", profile="heap", moment="hold.end", begin=2, end=3
            ),
            events.CaptureTaken(
                t=4,
                trial=KEY,
                capture="c2",
                profile="heap",
                moment="hold.end",
                begin=3,
                end=4,
                error="no answer",
            ),
            events.GuardTripped(t=5, trial=KEY, guard="rss", text="above 1 GiB"),
        ),
    )
    now.reading(Reading(5.5, 0.001, {}))
    assert values(now, families.TROUBLES) == {("agent",): 1.0}
    assert values(now, families.CAPTURES) == {("taken",): 1.0, ("failed",): 1.0}
    assert values(now, families.GUARDS) == {("rss",): 1.0}
    assert values(now, families.SAMPLES) == {(): 1.0}


@pytest.mark.parametrize("count", range(len(UNTIL_HOLD) + len(TO_THE_END) + 1))
def test_promtool_reads_it_wherever_the_run_stands(plan: Plan, count: int) -> None:
    now = follow(plan, (*UNTIL_HOLD, *TO_THE_END)[:count])
    assert promtool(text.text([now.rows()])) == (0, b"")


def test_a_scrape_that_had_to_wait_for_the_verdict_is_not_the_one_that_is_waited_for(
    plan: Plan,
) -> None:
    old = next((Path(__file__).parents[1] / "evidence" / "data" / "old-names").iterdir())
    live = LiveRun()
    observer = live.watching(Nobody(), plan, RunDir(old))
    assert len(list(live.rows())) == 1
    assert not live.told.is_set()
    observer.entry(events.RunEnded(t=6, state="completed"))
    for told in (False, True):  # the first one may have run into its time-out meanwhile
        (rows,) = live.rows()
        assert [row.value for row in rows.of(families.EXIT_CODE)] == [0.0]
        assert live.told.is_set() is told
