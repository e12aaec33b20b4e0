"""The journal: what was written is read, whatever a crash left behind it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaosmem.errors import RunDirError
from chaosmem.rundir.events import Noted, PhaseBegun, StopMarked, UndoPlanned
from chaosmem.rundir.journal import JournalWriter, decode, encode

FIRST, SECOND = Noted(t=0.5, text="one"), PhaseBegun(t=1.0, trial="t01", phase="hold")


def test_what_is_written_is_read_back_with_its_line_numbers() -> None:
    journal = decode(encode(FIRST) + encode(SECOND))
    assert [(n.number, n.entry) for n in journal.lines] == [(1, FIRST), (2, SECOND)]
    assert journal.damage == ()


@pytest.mark.parametrize("cut", range(1, len(encode(SECOND))))
def test_a_line_torn_anywhere_is_left_out_and_reported(cut: int) -> None:
    journal = decode(encode(FIRST) + encode(SECOND)[:cut])
    assert [n.entry for n in journal.lines] == [FIRST]
    assert journal.damage == ("journal line 2: torn in mid-write; it is left out",)


@pytest.mark.parametrize("place", range(len(encode(FIRST)) - 1))
def test_a_flipped_bit_anywhere_is_noticed_and_the_other_lines_are_kept(place: int) -> None:
    line = bytearray(encode(FIRST))
    line[place] ^= 1
    journal = decode(bytes(line) + encode(SECOND))
    assert [n.entry for n in journal.lines][-1] == SECOND
    assert FIRST not in [n.entry for n in journal.lines]
    assert journal.damage


def test_an_entry_of_a_newer_chaosmem_is_reported_not_fatal() -> None:
    import zlib

    body = b'{"t": 1.0, "event": "from.the.future"}'
    journal = decode(b"%08x %s\n" % (zlib.crc32(body), body) + encode(FIRST))
    assert [n.entry for n in journal.lines] == [FIRST]
    assert "not a known entry" in journal.damage[0]


@given(st.binary(max_size=400))
def test_no_bytes_make_the_reader_fail(data: bytes) -> None:
    journal = decode(data)
    assert len(journal.lines) + len(journal.damage) >= data.count(b"\n")


def test_a_second_writer_ends_the_torn_line_of_a_killed_one(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_bytes(encode(FIRST) + encode(SECOND)[:20])
    writer = JournalWriter(path)
    writer.write(SECOND)
    writer.close()
    journal = decode(path.read_bytes())
    assert [n.entry for n in journal.lines] == [FIRST, SECOND]
    assert len(journal.damage) == 1


def test_a_full_disk_is_an_error_that_says_what_to_do() -> None:
    writer = JournalWriter(Path("/dev/full"))
    with pytest.raises(RunDirError, match="No space left on device") as caught:
        writer.write(FIRST)
    assert "--runs-dir" in caught.value.hint
    writer.close()


def test_an_undo_says_what_it_is_for_without_any_secret() -> None:
    entry = UndoPlanned(t=1, id="x", what="stop", undo=StopMarked(run_id="r"))
    assert encode(entry).partition(b" ")[2] == (
        b'{"t":1.0,"trial":"","event":"undo.planned","id":"x","what":"stop",'
        b'"undo":{"act":"stop-marked","run_id":"r"}}\n'
    )
