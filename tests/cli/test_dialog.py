"""The keys of an interactive run: what each asks for, and what the operator sees."""

from __future__ import annotations

import pytest

from chaosmem.cli.dialog import HELP, KEYS, Dialog, Wish
from chaosmem.rundir.acts import Act, ControlAnswered, WaitBegun, WaitEnded

PAUSE = WaitBegun(t=1.0, trial="t1", kind="pause", step="inject", does="f1: a heap")
GOES_ON = WaitEnded(t=3.0, trial="t1", kind="pause", step="inject", seconds=2.0, why="asked")


def _dialog(*, asks: bool = False) -> Dialog:
    return Dialog(asks=asks, within="30 min 0 s")


def _shown(dialog: Dialog) -> str:
    return "\n".join(line.text for line in dialog.lines())


def _done(act: Act) -> ControlAnswered:
    return ControlAnswered(t=1.0, request="x", act=act, outcome="done")


@pytest.mark.parametrize(
    ("typed", "wishes"),
    [
        ("p", [Wish(Act.PAUSE)]),
        ("h", [Wish(Act.HOLD)]),
        ("ay", [Wish(Act.ABORT)]),
        ("aY", [Wish(Act.ABORT)]),
        ("an", []),
        ("a\r", []),
        ("e30s\r", [Wish(Act.EXTEND, seconds=30.0)]),
        ("e1m\n", [Wish(Act.EXTEND, seconds=60.0)]),
        ("e\r", []),
        ("esoon\r", []),
        ("nit is größer\r", [Wish(Act.NOTE, text="it is größer")]),
        ("nwrnog\x7f\x7f\x7fong\r", [Wish(Act.NOTE, text="wrong")]),
        ("nfirst\x15second\r", [Wish(Act.NOTE, text="second")]),
        ("nhp\x1bh", [Wish(Act.HOLD)]),
        ("n  \r", []),
        ("n\x1b[A\x1b[3~ok\r", [Wish(Act.NOTE, text="ok")]),
        ("\x1b[A\x1b[Bp", [Wish(Act.PAUSE)]),
        ("?p", [Wish(Act.PAUSE)]),
        ("xyz1\r \t", []),
    ],
    ids=repr,
)
def test_what_is_typed_asks_for_this(typed: str, wishes: list[Wish]) -> None:
    assert list(_dialog().keys(typed)) == wishes


def test_p_and_h_take_back_what_stands() -> None:
    dialog = _dialog()
    dialog.entry(_done(Act.PAUSE))
    dialog.entry(_done(Act.HOLD))
    assert list(dialog.keys("ph")) == [Wish(Act.RESUME), Wish(Act.RELEASE)]
    dialog.entry(_done(Act.RESUME))
    dialog.entry(_done(Act.RELEASE))
    assert list(dialog.keys("ph")) == [Wish(Act.PAUSE), Wish(Act.HOLD)]


def test_a_refused_act_changes_nothing_and_is_told() -> None:
    dialog = _dialog()
    dialog.entry(
        ControlAnswered(t=1.0, request="x", act="hold", outcome="refused", reason="no phase")
    )
    assert "hold refused: no phase" in _shown(dialog)
    assert list(dialog.keys("h")) == [Wish(Act.HOLD)]


def test_before_a_step_it_says_what_will_be_done_and_enter_goes_on() -> None:
    dialog = _dialog(asks=True)
    assert dialog.entry(PAUSE) is None
    assert "PAUSED before inject: f1: a heap" in _shown(dialog)
    assert "within 30 min 0 s" in _shown(dialog)
    assert list(dialog.keys("\r")) == [Wish(Act.RESUME)]
    dialog.entry(GOES_ON)
    assert "PAUSED" not in _shown(dialog)
    assert list(dialog.keys("\r")) == []


def test_several_targets_are_asked_for_once() -> None:
    dialog = _dialog(asks=True)
    other = PAUSE.model_copy(update={"trial": "t2"})
    assert list(dialog.keys("s")) == []
    assert [dialog.entry(PAUSE), dialog.entry(other)] == [Wish(Act.RESUME), None]


def test_s_stops_the_asking_and_begins_it_again() -> None:
    dialog = _dialog(asks=True)
    dialog.entry(PAUSE)
    assert list(dialog.keys("s")) == [Wish(Act.RESUME)]
    dialog.entry(GOES_ON)
    assert dialog.entry(PAUSE) == Wish(Act.RESUME)
    dialog.entry(GOES_ON)
    assert list(dialog.keys("s")) == []
    assert dialog.entry(PAUSE) is None


def test_a_pause_that_somebody_asked_for_is_not_answered_by_itself() -> None:
    dialog = _dialog(asks=True)
    assert list(dialog.keys("s")) == []
    dialog.entry(_done(Act.PAUSE))
    assert dialog.entry(PAUSE) is None


def test_the_screen_has_the_keys_the_help_and_what_is_typed() -> None:
    dialog = _dialog(asks=True)
    assert KEYS in _shown(dialog)
    list(dialog.keys("?"))
    assert all(line in _shown(dialog) for line in HELP)
    list(dialog.keys("nlooks w"))
    assert "note> looks w" in _shown(dialog)
    list(dialog.keys("\x1ba"))
    assert "abort the run" in _shown(dialog)
    list(dialog.keys("x"))
    assert KEYS in _shown(dialog)


def test_a_duration_that_is_none_is_said_to_be() -> None:
    dialog = _dialog()
    assert list(dialog.keys("esoon\r")) == []
    assert "soon" in _shown(dialog)


def test_a_hold_that_is_over_is_not_shown_any_more() -> None:
    dialog = _dialog()
    dialog.entry(_done(Act.HOLD))
    assert "HELD" in _shown(dialog)
    dialog.entry(WaitBegun(t=1.0, trial="t1", kind="hold", step="hold"))
    dialog.entry(WaitEnded(t=9.0, trial="t1", kind="hold", step="hold", seconds=8.0, why="longest"))
    assert "HELD" not in _shown(dialog)
