from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaosmem.profile.trace import GcTraceParser, parse_gctrace
from chaosmem.profile.trace.cycles import CycleRows, GcCycles
from chaosmem.profile.trace.gctrace import GcTrace

LINE = (
    "gc {0} @{1}s {2}%{3}: {4}+{5}+{6} ms clock, {7}+{8}/{9}/{10}+{11} ms cpu, "
    "{12}->{13}->{14} MB, {15} MB goal{16}, {17} P{18}"
)


def one_by_one(text: bytes) -> GcTrace:
    """The peer: a parser fed one line at a time, which never reaches the column reader."""
    parser = GcTraceParser()
    rows = [parser.feed_rows(piece) for piece in re.findall(rb"[^\n]*\n|[^\n]+$", text)]
    rest = parser.close_rows()
    return parser.trace(CycleRows.concat([*rows, rest]))


def same(a: GcCycles, b: GcCycles) -> bool:
    return list(a) == list(b)


whole = st.integers(0, 10**16).map(str) | st.integers(0, 500).map(str)
time = st.one_of(
    st.integers(0, 99_999).map(str),
    st.integers(0, 99_999).map(lambda n: f"{n / 1000:.3f}"),
    st.integers(0, 9_999).map(lambda n: f"{n / 100:.2f}"),
    st.integers(0, 9_999).map(lambda n: f"{n / 10:.1f}"),
    st.sampled_from(
        [".5", "5.", "1.2.3", "", ".", "1.2345", "123456789012.345", "12345678901234.567"]
    ),
)
good_time = time.filter(lambda t: re.fullmatch(r"\d{1,13}(\.\d{1,3})?", t) is not None)


@st.composite
def lines(draw: st.DrawFn) -> str:
    some_time = draw(st.sampled_from([good_time, time]))
    sizes = draw(st.sampled_from([", {} MB stacks, {} MB globals", ""]))
    values = [draw(whole)]
    values += [
        draw(some_time),
        draw(whole),
        draw(st.sampled_from(["", " (checking for goroutine leaks)"])),
    ]
    values += [draw(some_time) for _ in range(8)] + [draw(whole) for _ in range(4)]
    values += [sizes.format(draw(whole), draw(whole)), draw(whole)]
    values += [draw(st.sampled_from(["", " (forced)", "\r", " (forced)\r", " "]))]
    text = LINE.format(*values)
    cut = draw(st.integers(0, len(text)) | st.none())
    extra = draw(st.sampled_from(["", "", "", "7", "x", ".", " ", "gc 5 @1"]))
    return text if cut is None else text[:cut] + extra + text[cut:] if extra else text[:cut]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(lines(), min_size=1, max_size=14),
    st.sampled_from(["\n", "\napp log\n", "\nGC forced\n", "\nweb-1 | ", "\nx gc 1 @1 "]),
)
def test_columns_and_regular_expression_agree_on_every_line(parts: list[str], glue: str) -> None:
    text = (glue.join(parts) + "\n" + "app\n" * 16).encode()
    fast, slow = parse_gctrace(text), one_by_one(text)
    assert same(fast.cycles, slow.cycles)
    assert fast.damage == slow.damage
    assert (fast.lines, fast.size_bytes) == (slow.lines, slow.size_bytes)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=140), st.lists(st.integers(1, 60), min_size=1))
def test_any_bytes_in_any_chunks_give_the_same_account(noise: bytes, sizes: list[int]) -> None:
    line = LINE.format(*range(3), "", *range(3, 15), ", 0 MB stacks, 0 MB globals", 2, "").encode()
    text = noise[:100] + b"\n" + line + b"\n" + noise[100:] + line[:70] + noise[:9]
    parser, at, rows = GcTraceParser(), 0, []
    for size in sizes * (len(text) // sum(sizes) + 1):
        rows.append(parser.feed_rows(text[at : at + size]))
        at += size
    whole_text = parse_gctrace(text)
    rest = parser.close_rows()
    account = parser.trace(CycleRows.concat([*rows, rest]))
    assert same(account.cycles, whole_text.cycles)
    assert account.damage == whole_text.damage
    assert account.size_bytes == len(text)


@pytest.mark.parametrize("size", [65_535, 65_536, 65_537, 70_000, 300_000])
def test_a_line_longer_than_any_trace_line_is_skipped_alike_in_chunks_and_whole(size: int) -> None:
    line = LINE.format(*range(3), "", *range(3, 15), ", 0 MB stacks, 0 MB globals", 2, "").encode()
    text = b"gc 1 @0.1s 3%" + b"x" * size + b"\n" + line + b"\n"
    whole_text, chunked = (
        parse_gctrace(text),
        parse_gctrace([text[i : i + 999] for i in range(0, len(text), 999)]),
    )
    live = one_by_one(text)
    assert whole_text.damage == chunked.damage == live.damage
    assert [c.offset for c in whole_text.cycles] == [size + 14]
    assert same(whole_text.cycles, live.cycles)
