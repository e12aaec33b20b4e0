"""Requests to a run: what is asked arrives whole, and what is hostile is refused."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaosmem.errors import RunDirError, UsageError
from chaosmem.rundir import RunDir, control, events, layout
from chaosmem.rundir.acts import Act
from chaosmem.rundir.control import Request
from chaosmem.rundir.inbox import Inbox, Unreadable
from chaosmem.rundir.journal import JournalWriter, decode


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    root = tmp_path / "game" / "20261123T180501Z-3fa9c1"
    root.mkdir(parents=True)
    return RunDir(root)


def _end(run: RunDir, t: float = 7.5) -> None:
    journal = JournalWriter(run.path(layout.JOURNAL))
    journal.write(events.RunEnded(t=t, state="completed"))
    journal.close()


def _raw(run: RunDir, data: bytes) -> None:
    with run.path(control.FILE).open("ab") as out:
        out.write(data)


def test_what_is_asked_arrives_once_and_in_order(run: RunDir) -> None:
    inbox = Inbox(run)
    first = control.ask(run, "pause", by="anna")
    second = control.ask(run, Act.EXTEND, seconds=30)
    assert inbox.new() == [
        Request(id=first, act=Act.PAUSE, by="anna"),
        Request(id=second, act=Act.EXTEND, seconds=30.0),
    ]
    assert inbox.new() == []
    third = control.ask(run, "note", text="größer\nthan thought")
    assert inbox.new() == [Request(id=third, act=Act.NOTE, text="größer\nthan thought")]


def test_an_abort_comes_before_everything_that_waits(run: RunDir) -> None:
    for _ in range(50):
        control.ask(run, "note", text="so many")
    abort = control.ask(run, "abort")
    assert Inbox(run).new()[0] == Request(id=abort, act=Act.ABORT)


def test_only_the_runs_user_may_read_or_write_requests(run: RunDir) -> None:
    Inbox(run).make()
    assert stat.S_IMODE(run.path(control.FILE).stat().st_mode) == 0o600
    run.path(control.FILE).unlink()
    control.ask(run, "hold")
    assert stat.S_IMODE(run.path(control.FILE).stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("act", "more", "says"),
    [
        ("explode", {}, "there is no act 'explode': write one of pause, resume"),
        ("note", {}, "a note needs a text"),
        ("note", {"text": " \n"}, "a note needs a text"),
        ("note", {"text": "x" * 4001}, "text: String should have at most 4000 characters"),
        ("extend", {}, "extend needs a duration"),
        ("extend", {"seconds": float("nan")}, "extend needs a duration"),
        ("extend", {"seconds": float("inf")}, "seconds: "),
        ("extend", {"seconds": 1e9}, "seconds: "),
        ("pause", {"by": "x" * 101}, "by: "),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error_and_is_not_written(
    run: RunDir, act: str, more: dict[str, object], says: str
) -> None:
    with pytest.raises(UsageError, match=says):
        control.ask(run, act, **more)  # type: ignore[arg-type]
    assert not run.has(control.FILE)


def test_a_run_that_has_ended_takes_no_act_but_a_note(run: RunDir) -> None:
    _end(run)
    with pytest.raises(UsageError, match="has ended"):
        control.ask(run, "pause")
    asked = control.ask(run, "note", text="the cache was cold", by="bo", at="2026-11-25T10:00:00Z")
    said = control.answered(run, asked)
    assert said is not None
    assert (said.outcome, said.text, said.by, said.t) == ("done", "the cache was cold", "bo", 7.5)
    assert said.at == "2026-11-25T10:00:00Z"


def test_a_note_after_the_end_leaves_the_end_as_it_was(run: RunDir) -> None:
    _end(run)
    before = run.read(layout.JOURNAL)
    control.ask(run, "note", text='a liar writes "event":"run.ended"')
    assert run.read(layout.JOURNAL).startswith(before)
    assert decode(run.read(layout.JOURNAL)).damage == ()
    assert control.ended(run) == events.RunEnded(t=7.5, state="completed")


def test_a_run_that_was_killed_takes_a_note_behind_its_last_entry(run: RunDir) -> None:
    journal = JournalWriter(run.path(layout.JOURNAL))
    journal.write(events.PhaseBegun(t=3.0, trial="t01-default", phase="hold"))
    journal.close()
    asked = control.note_after(run, text="power was cut")
    said = control.answered(run, asked)
    assert said is not None
    assert said.t == 3.0
    assert control.ended(run) is None


def test_a_torn_last_line_waits_for_its_end_and_does_not_spoil_the_next(run: RunDir) -> None:
    inbox = Inbox(run)
    _raw(run, b'{"id":"a1","act":"pa')
    assert inbox.new() == []
    _raw(run, b'use"}\n')
    assert inbox.new() == [Request(id="a1", act=Act.PAUSE)]
    _raw(run, b'{"id":"a2","act":"pa')  # its writer is killed here
    hold = control.ask(run, "hold")
    torn, then = inbox.new()
    assert isinstance(torn, Unreadable)
    assert torn.line == 2
    assert then == Request(id=hold, act=Act.HOLD)


@pytest.mark.parametrize(
    "line",
    [
        b"not json",
        b"[]",
        b"null",
        b'{"id":"x","act":"explode"}',
        b'{"id":"x"}',
        b'{"id":"../../etc","act":"pause"}',
        b'{"id":"x","act":"pause","shell":"rm"}',
        b'{"id":"x","act":"extend","seconds":1e999}',
        b'{"id":"x","act":"extend","seconds":-3}',
        b'{"id":"x","act":"extend"}',
        b'{"id":"x","act":"note","text":"' + b"y" * 4001 + b'"}',
        b"\xff\xfe\x00",
        b"[" * 10_000,
        b'{"id":"x","act":"note","text":"' + b"z" * control.MAX_LINE + b'"}',
    ],
    ids=lambda line: repr(line[:24]),
)
def test_a_hostile_line_is_refused_by_its_number_and_the_next_is_read(
    run: RunDir, line: bytes
) -> None:
    inbox = Inbox(run)
    _raw(run, b"\n" + line + b'\n{"id":"b","act":"pause"}\n')
    refused, kept = inbox.new()
    assert isinstance(refused, Unreadable)
    assert refused.line == 2
    assert kept == Request(id="b", act=Act.PAUSE)


def test_an_endless_line_is_refused_once_and_passed_over(run: RunDir) -> None:
    inbox, found = Inbox(run), []
    for _ in range(10):
        _raw(run, b"x" * 30_000)
        found += inbox.new()
    assert [type(f) for f in found] == [Unreadable]
    _raw(run, b'\n{"id":"b","act":"abort"}\nx\n')
    assert inbox.new() == [
        Request(id="b", act=Act.ABORT),
        Unreadable(3, "no request (Invalid JSON: expected value at line 1 column 1)"),
    ]


def test_a_flood_of_nonsense_is_answered_twenty_times(run: RunDir) -> None:
    _raw(run, b"?\n" * 5000)
    asked = control.ask(run, "pause")
    found = Inbox(run).new()
    assert len(found) == 21
    assert isinstance(found[19], Unreadable)
    assert found[19].reason.endswith("further ones are passed over")
    assert found[20] == Request(id=asked, act=Act.PAUSE)


def test_a_file_that_is_full_takes_no_more(run: RunDir) -> None:
    _raw(run, b"\n" * (control.MAX_FILE - 10))
    with pytest.raises(UsageError, match="full"):
        control.ask(run, "pause")
    inbox = Inbox(run)
    for _ in range(40):
        assert inbox.new() == []


def test_a_link_or_a_pipe_in_place_of_the_file_is_not_followed(run: RunDir, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b'{"id":"b","act":"abort"}\n')
    run.path(control.FILE).symlink_to(elsewhere)
    with pytest.raises(RunDirError):
        control.ask(run, "pause")
    assert Inbox(run).new() == []
    run.path(control.FILE).unlink()
    os.mkfifo(run.path(control.FILE))
    with pytest.raises(RunDirError):
        control.ask(run, "pause")
    assert Inbox(run).new() == []


def test_many_askers_at_once_lose_nothing(run: RunDir) -> None:
    with ThreadPoolExecutor(8) as pool:
        asked = set(pool.map(lambda n: control.ask(run, "note", text=f"n{n}"), range(200)))
    found = Inbox(run).new()
    assert {f.id for f in found if isinstance(f, Request)} == asked
    assert len(found) == len(asked) == 200


def test_a_note_cannot_steer_a_terminal(run: RunDir) -> None:
    control.ask(run, "note", text="\x1b[2Jgone\x07", by="\x1b]0;me\x07")
    (found,) = Inbox(run).new()
    assert isinstance(found, Request)
    assert found.text == "\ufffd[2Jgone\ufffd"
    assert "\x1b" not in found.by


@settings(deadline=None)
@given(data=st.binary(max_size=2000), cuts=st.lists(st.integers(0, 2000), max_size=5))
def test_whatever_the_bytes_and_however_they_come_the_reader_says_the_same(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, cuts: list[int]
) -> None:
    run = RunDir(tmp_path_factory.mktemp("bytes"))
    piecewise, found, at = Inbox(run), [], 0
    for cut in [*sorted(cuts), len(data)]:
        _raw(run, data[at:cut])
        at = max(at, min(cut, len(data)))
        found += piecewise.new()
    assert sorted(map(str, found)) == sorted(map(str, Inbox(run).new()))
