"""Lines that come again are told from lines that only look the same."""

from __future__ import annotations

import random

import pytest

from chaosmem.drivers.kube.loglines import WINDOW, LogLine, Seen, parse, since_time

SECOND = 10**9


@pytest.mark.parametrize(
    ("raw", "ns", "text"),
    [
        (b"1970-01-01T00:00:01Z one", SECOND, b"one"),
        (b"1970-01-01T00:00:01.5Z one", 1_500_000_000, b"one"),
        (b"1970-01-01T00:00:01.123456789Z a b", 1_123_456_789, b"a b"),
        (b"1970-01-01T02:00:01.000000001+02:00 x", 1_000_000_001, b"x"),
        (b"1970-01-01T00:00:01Z ", SECOND, b""),
    ],
)
def test_a_line_is_parted_from_its_time(raw: bytes, ns: int, text: bytes) -> None:
    assert parse(raw) == LogLine(ns, text)


@pytest.mark.parametrize("raw", [b"", b"failed to watch file", b"1970-01-01T00:00:01Z", b"\xff x"])
def test_the_kubelets_own_words_are_no_lines(raw: bytes) -> None:
    assert parse(raw) is None


def test_what_comes_again_is_left_out_as_often_as_it_was_taken() -> None:
    seen, twice, new = Seen(), LogLine(5, b"gc"), LogLine(5, b"gc")
    first = seen.overlap()
    assert seen.take(twice, first)
    assert seen.take(twice, first)
    again = seen.overlap()
    assert [seen.take(new, again) for _ in range(3)] == [False, False, True]
    assert seen.taken == 3


def test_a_line_that_is_older_than_the_newest_is_not_lost() -> None:
    seen = Seen()
    overlap = seen.overlap()
    assert seen.take(LogLine(2 * SECOND, b"stdout"), overlap)
    assert seen.take(LogLine(1 * SECOND, b"stderr, written later"), overlap)
    assert seen.newest == 2 * SECOND


def test_what_is_remembered_does_not_grow_with_the_log() -> None:
    seen = Seen()
    overlap = seen.overlap()
    for second in range(1000):
        seen.take(LogLine(second * SECOND, b"gc"), overlap)
    assert sum(seen.overlap().again.values()) == WINDOW + 1


def test_a_log_is_asked_for_from_a_whole_second_before() -> None:
    assert since_time(10 * SECOND + 999) == "1970-01-01T00:00:09Z"
    assert since_time(60 * SECOND, before=WINDOW) == "1970-01-01T00:00:30Z"


@pytest.mark.parametrize("seed", range(20))
def test_any_cuts_leave_each_line_once_in_order(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - a case, not a secret
    whole = [LogLine(chance.randrange(3 * SECOND), b"%d" % (i // 3)) for i in range(300)]
    whole.sort(key=lambda line: line.ns)
    seen, end = Seen(), 0
    got: list[LogLine] = []
    while len(got) < len(whole):
        begin = (seen.newest // SECOND - 1) * SECOND if got else 0
        end = min(len(whole), end + chance.randrange(1, 60))
        overlap = seen.overlap()
        got += [x for x in whole[:end] if x.ns >= begin and seen.take(x, overlap)]
    assert got == whole
