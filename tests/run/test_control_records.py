"""Acts and waits as the reports get them."""

from __future__ import annotations

from chaosmem.evidence.acts import ActRecord, WaitRecord, act_records, wait_records
from chaosmem.rundir.acts import ControlAnswered, WaitBegun, WaitEnded
from chaosmem.rundir.events import AnyEntry
from chaosmem.rundir.journal import Line, decode, encode


def _lines(*entries: AnyEntry) -> tuple[Line, ...]:
    journal = decode(b"".join(map(encode, entries)))
    assert journal.damage == ()
    return journal.lines


def test_acts_and_notes_are_told_with_who_asked_and_what_became_of_them() -> None:
    note = ControlAnswered(t=1.5, request="a", act="note", outcome="done", by="bo", text="flat")
    extend = ControlAnswered(
        t=2.0, request="b", act="extend", outcome="refused", reason="only 2 s left", seconds=60.0
    )
    found = act_records(_lines(note, extend))
    assert found == (
        ActRecord(1.5, "note", by="bo", text="flat", line=1),
        ActRecord(2.0, "extend", refused="only 2 s left", seconds=60.0, line=2),
    )
    assert [f.is_note for f in found] == [True, False]


def test_a_wait_has_its_end_and_why_and_each_trial_its_own() -> None:
    found = wait_records(
        _lines(
            WaitBegun(t=1.0, trial="t1.1", kind="hold", step="hold"),
            WaitBegun(t=1.1, trial="t1.2", kind="hold", step="hold"),
            WaitEnded(t=9.0, trial="t1.1", kind="hold", step="hold", seconds=8.0, why="asked"),
            WaitBegun(t=9.5, trial="t1.1", kind="pause", step="release", does="undo f1"),
        )
    )
    assert found == (
        WaitRecord("t1.1", "hold", "hold", 1.0, 9.0, "asked", line=1),
        WaitRecord("t1.2", "hold", "hold", 1.1, line=2),
        WaitRecord("t1.1", "pause", "release", 9.5, does="undo f1", line=4),
    )


def test_an_end_without_a_beginning_is_no_wait() -> None:
    lost = WaitEnded(t=9.0, trial="t1", kind="pause", step="hold", seconds=8.0, why="asked")
    assert wait_records(_lines(lost)) == ()
