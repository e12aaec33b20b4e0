"""Claims about resuming: what is done next for a cell, by what is on disk, as a table."""

from __future__ import annotations

import pytest

from chaosmem.campaign.events import AttemptEnded, AttemptPlanned, CellEntry, How
from chaosmem.campaign.state import Act, Found, act, settled, standing
from chaosmem.errors import Exit

MOST = 3


def began(attempt: int = 1) -> AttemptPlanned:
    return AttemptPlanned(
        t=0, attempt=attempt, run_id=f"r{attempt}", experiment="x", host="h", pid=1
    )


def ended(how: How, attempt: int = 1, code: int = 0, left: str = "") -> AttemptEnded:
    return AttemptEnded(
        t=1, attempt=attempt, run_id=f"r{attempt}", how=how, exit_code=code, outcome="PASS",
        says="", left=left,
    )  # fmt: skip


def cuts(many: int) -> list[CellEntry]:
    return [e for n in range(1, many + 1) for e in (began(n), ended("cut", n, Exit.INCONCLUSIVE))]


CASES: dict[str, tuple[list[CellEntry], Found, Act]] = {
    "nothing happened": ([], Found.NOTHING, Act.BEGIN),
    "killed before its run began": ([began()], Found.NOTHING, Act.UNDO),
    "killed in mid-run": ([began()], Found.CUT, Act.UNDO),
    "stopped, and killed before that was written down": ([began()], Found.STOPPED, Act.UNDO),
    "killed between its run's end and its verdict": ([began()], Found.ENDED, Act.JUDGE),
    "passed": ([began(), ended("finished")], Found.ENDED, Act.REST),
    "failed its checks": ([began(), ended("finished", code=1)], Found.ENDED, Act.REST),
    "inconclusive": ([began(), ended("finished", code=3)], Found.ENDED, Act.REST),
    "aborted by a guard": ([began(), ended("finished", code=4)], Found.ENDED, Act.REST),
    "could not be begun": ([began(), ended("failed", code=3)], Found.NOTHING, Act.REST),
    "its own undo was incomplete": ([began(), ended("finished", code=5)], Found.ENDED, Act.JUDGE),
    "judged, but not undone": ([began(), ended("finished", left="x")], Found.ENDED, Act.JUDGE),
    "cut off, and undone": (cuts(1), Found.CUT, Act.BEGIN),
    "cut off, and not undone": (
        [began(), ended("cut", code=5, left="heap")], Found.CUT, Act.UNDO),
    "cut off, not undone, and undone later": (
        [began(), ended("cut", code=5, left="heap"), ended("cut", code=3)], Found.CUT, Act.BEGIN),
    "stopped by the operator": ([began(), ended("stopped", code=3)], Found.STOPPED, Act.BEGIN),
    "not begun": ([began(), ended("not-begun", code=3)], Found.NOTHING, Act.BEGIN),
    "cut off as often as is allowed": (cuts(MOST), Found.CUT, Act.REST),
    "cut off once more, and not looked at yet": (
        [*cuts(MOST - 1), began(MOST)], Found.CUT, Act.UNDO),
    "stops count for nothing": (
        [*cuts(MOST - 1), began(9), ended("stopped", 9, 3)], Found.STOPPED, Act.BEGIN),
    "finished at the second attempt": (
        [*cuts(1), began(2), ended("finished", 2)], Found.ENDED, Act.REST),
}  # fmt: skip


@pytest.mark.parametrize(("entries", "found", "next_act"), CASES.values(), ids=CASES)
def test_what_is_done_next(entries: list[CellEntry], found: Found, next_act: Act) -> None:
    assert act(standing(entries), found, MOST) is next_act


@pytest.mark.parametrize("found", Found)
@pytest.mark.parametrize("code", [0, 1, 3, 4])
def test_a_cell_with_a_verdict_is_never_run_again(found: Found, code: int) -> None:
    """Whatever became of its run directory since."""
    now = standing([began(), ended("finished", code=code)])
    assert act(now, found, MOST) is Act.REST
    assert settled(now, MOST)


@pytest.mark.parametrize("found", Found)
def test_nothing_is_begun_while_something_is_not_undone(found: Found) -> None:
    now = standing([began(), ended("cut", code=5, left="heap")])
    assert act(now, found, MOST) is not Act.BEGIN
    assert not settled(now, MOST)


def test_an_attempt_is_planned_under_a_new_number_each_time() -> None:
    now = standing([*cuts(2), began(3)])
    assert (now.attempts, now.cuts, now.planned) == (3, 2, began(3))
    assert now.ended is None
    assert now.result is None
