"""What operators ask of a run, decided without a clock: bounded, and for all lanes alike."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaosmem.run.control import Desk
from chaosmem.rundir.acts import Act


def _in_hold(longest: float = 100.0, lanes: int = 1, *, asks: bool = False) -> Desk:
    """A round in its hold phase, from 0 to 10 s."""
    desk = Desk(longest, asks=asks)
    desk.round_begins()
    for n in range(lanes):
        desk.begins(f"t{n}", "hold", 10.0)
    return desk


def test_a_phase_ends_as_planned_where_nobody_asks_for_anything() -> None:
    desk = _in_hold()
    assert desk.until("t0", "hold", 9.9) == 10.0
    assert desk.until("t0", "hold", 10.0) is None
    assert desk.until("t0", "pause", 5.0) is None


def test_a_hold_keeps_every_lane_in_its_phase_until_released() -> None:
    desk = _in_hold(lanes=2)
    assert desk.act(Act.HOLD, 5.0).refused == ""
    assert [desk.until(t, "hold", 30.0) for t in ("t0", "t1")] == [130.0, 130.0]
    desk.act(Act.RELEASE, 31.0)
    assert [desk.until(t, "hold", 31.0) for t in ("t0", "t1")] == [None, None]


def test_a_hold_released_before_the_planned_end_changes_nothing() -> None:
    desk = _in_hold()
    desk.act(Act.HOLD, 2.0)
    desk.act(Act.RELEASE, 4.0)
    assert desk.until("t0", "hold", 4.0) == 10.0
    assert desk.left(20.0) == 100.0


def test_a_pause_stands_until_it_is_resumed_and_does_not_lengthen_the_phase() -> None:
    desk = _in_hold()
    desk.act(Act.PAUSE, 5.0)
    assert desk.until("t0", "hold", 10.0) is None
    desk.ends("t0")
    assert desk.until("t0", "pause", 10.0) == 110.0
    desk.act(Act.RESUME, 12.0)
    assert desk.until("t0", "pause", 12.0) is None


def test_an_extension_adds_its_seconds_to_the_phase_that_goes_on_and_to_no_other() -> None:
    desk = _in_hold()
    desk.act(Act.EXTEND, 3.0, seconds=20.0)
    desk.act(Act.EXTEND, 4.0, seconds=5.0)
    assert desk.until("t0", "hold", 10.0) == 35.0
    assert desk.until("t0", "hold", 35.0) is None
    desk.ends("t0")
    desk.begins("t0", "recover", 45.0)
    assert desk.until("t0", "hold", 45.0) is None


def test_all_waiting_of_a_round_together_has_an_end() -> None:
    desk = _in_hold(longest=100.0)
    desk.act(Act.EXTEND, 1.0, seconds=60.0)
    desk.waits("t0", "hold", 10.0)
    desk.goes_on("t0", 70.0)
    assert desk.left(70.0) == 40.0
    assert "only 40 s are left" in desk.act(Act.EXTEND, 70.0, seconds=41.0).refused
    desk.act(Act.HOLD, 70.0)
    desk.waits("t0", "hold", 70.0)
    assert desk.until("t0", "hold", 109.0) == 110.0
    assert desk.until("t0", "hold", 110.0) is None
    assert (desk.why, desk.holding) == ("longest", False)
    desk.goes_on("t0", 110.0)
    assert "used up" in desk.act(Act.HOLD, 111.0).refused
    assert "used up" in desk.act(Act.PAUSE, 111.0).refused


def test_the_next_round_has_its_own_time_to_wait() -> None:
    desk = _in_hold(longest=100.0)
    desk.act(Act.EXTEND, 1.0, seconds=100.0)
    assert desk.left(1.0) == 0.0
    desk.round_begins()
    assert desk.left(200.0) == 100.0


def test_waiting_of_several_lanes_at_once_counts_once() -> None:
    desk = _in_hold(lanes=2)
    desk.act(Act.HOLD, 1.0)
    desk.waits("t0", "hold", 10.0)
    desk.waits("t1", "hold", 11.0)
    desk.goes_on("t0", 30.0)
    desk.goes_on("t1", 31.0)
    assert desk.left(50.0) == pytest.approx(79.0)


@pytest.mark.parametrize(
    ("act", "says"),
    [
        (Act.RESUME, "not paused"),
        (Act.RELEASE, "not held"),
        (Act.HOLD, "no phase goes on"),
        (Act.EXTEND, "no phase goes on"),
    ],
)
def test_what_makes_no_sense_now_is_refused_and_says_why(act: Act, says: str) -> None:
    desk = Desk(100.0)
    desk.round_begins()
    assert says in desk.act(act, 1.0, seconds=5.0).refused


def test_what_is_asked_twice_is_done_once_and_says_so() -> None:
    desk = _in_hold()
    for act in (Act.PAUSE, Act.HOLD):
        desk.act(act, 1.0)
        assert "already" in desk.act(act, 2.0).reason


def test_a_run_that_may_not_wait_says_how_to_let_it() -> None:
    desk = _in_hold(longest=0.0)
    for act in (Act.PAUSE, Act.HOLD):
        assert "--max-hold" in desk.act(act, 1.0).refused
    assert "--max-hold" in desk.act(Act.EXTEND, 1.0, seconds=1.0).refused
    assert desk.act(Act.NOTE, 1.0).refused == ""
    assert desk.until("t0", "hold", 10.0) is None


def test_after_an_abort_nothing_waits_and_only_notes_are_taken() -> None:
    desk = _in_hold()
    desk.act(Act.HOLD, 1.0)
    desk.act(Act.PAUSE, 1.0)
    desk.act(Act.ABORT, 2.0)
    assert desk.until("t0", "hold", 2.0) is None
    assert desk.until("t0", "pause", 2.0) is None
    assert "stopping" in desk.act(Act.PAUSE, 3.0).refused
    assert "already" in desk.act(Act.ABORT, 3.0).reason
    assert desk.act(Act.NOTE, 3.0).refused == ""


def test_every_step_is_asked_for_once_however_many_lanes_arrive() -> None:
    desk = _in_hold(lanes=2, asks=True)
    desk.arrives("recover", "release", 10.0)
    assert desk.until("t0", "pause", 10.0) is not None
    desk.act(Act.RESUME, 11.0)
    desk.arrives("recover", "release", 11.5)  # the other lane, late
    assert desk.until("t1", "pause", 11.5) is None


def test_a_step_that_nobody_answered_for_is_told_apart_from_a_pause_that_ran_out() -> None:
    desk = _in_hold(asks=True)
    desk.arrives("inject", "inject", 10.0)
    desk.waits("t0", "pause", 10.0)
    assert desk.until("t0", "pause", 110.0) is None
    assert desk.unanswered == "inject"
    paused = _in_hold()
    paused.act(Act.PAUSE, 10.0)
    paused.waits("t0", "pause", 10.0)
    assert paused.until("t0", "pause", 110.0) is None
    assert (paused.unanswered, paused.why) == ("", "longest")


Acts = st.lists(
    st.tuples(st.sampled_from(list(Act)[:5]), st.floats(0.0, 30.0), st.floats(0.1, 60.0)),
    max_size=30,
)


@settings(deadline=None)
@given(acts=Acts, longest=st.floats(0.0, 120.0))
def test_whatever_is_asked_a_phase_never_lasts_longer_than_plan_and_longest_together(
    acts: list[tuple[Act, float, float]], longest: float
) -> None:
    desk, now, script = _in_hold(longest=longest), 0.0, list(acts)
    waiting = False
    due = [(0.0, Act.HOLD, 1.0)]
    for act, after, seconds in script:
        due.append((due[-1][0] + after, act, seconds))
    for _ in range(1000):
        while due and due[0][0] <= now:
            _, act, seconds = due.pop(0)
            desk.act(act, now, seconds=seconds)
        then = desk.until("t0", "hold", now)
        if now >= 10.0 and then is None:
            break
        if now >= 10.0 and not waiting:
            waiting = True
            desk.waits("t0", "hold", now)
        steps = [t for t in (then, due[0][0] if due else None, 10.0) if t is not None and t > now]
        now = min(steps)
    assert now <= 10.0 + longest + 0.01
