from __future__ import annotations

import subprocess
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaosmem.errors import FormatError
from chaosmem.profile.dumps import (
    Form,
    Frame,
    Goroutines,
    LabelCount,
    Sign,
    State,
    blocked_for,
    group_stacks,
    growth,
    leak_candidates,
    parse_goroutines,
    parse_header,
    read_goroutines,
)

Run = Callable[..., subprocess.CompletedProcess[bytes]]
Sample = Callable[[str], bytes]
RELEASES = ["go1.21.13", "go1.24.11", "go1.26.8", "go1.27.3"]
REASONS = {
    "chan send": 4, "chan receive": 6, "chan receive (nil chan)": 1, "chan send (nil chan)": 1,
    "select": 1, "select (no cases)": 1, "sleep": 1, "sync.Mutex.Lock": 1, "sync.RWMutex.RLock": 1,
    "sync.Cond.Wait": 1, "IO wait": 1,
}  # fmt: skip
"""What the program parks; WaitGroup.Wait has a reason of its own since Go 1.25, see below."""
LABELS = (
    LabelCount("endpoint", "/v1/cart", 1),
    LabelCount("tenant", 'acme "corp", é\n', 1),
    LabelCount("trace", "a b]: {", 1),
)


def by_reason(found: Goroutines) -> Counter[str]:
    return Counter({g.reason: 0 for g in found.groups}) + Counter(
        reason for g in found.groups for reason in [g.reason] * g.count
    )


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("running", State("running")),
        ("runnable (scan)", State("runnable", scan=True)),
        ("chan receive", State("waiting", "chan receive")),
        ("select (no cases), 3 minutes", State("waiting", "select (no cases)", minutes=3)),
        ("syscall, 7 minutes, locked to thread", State("syscall", minutes=7, locked=True)),
        (
            "chan receive (nil chan) (leaked)",
            State("leaked", "chan receive (nil chan)", leaked=True),
        ),
        ("select (durable), synctest bubble 4", State("waiting", "select", durable=True, bubble=4)),
        ("sleep (durable), synctest group 9", State("waiting", "sleep", durable=True, bubble=9)),
        ("force gc (idle), 2 minutes", State("waiting", "force gc (idle)", minutes=2)),
        ("waiting for cgo callback", State("waiting for cgo callback")),
        ("leaked (leaked)", State("leaked", leaked=True)),
    ],
    ids=lambda value: value.replace(" ", "-") if isinstance(value, str) else "",
)
def test_the_whole_grammar_of_the_brackets(text: str, state: State) -> None:
    for extra in ("", " gp=0xc000 m=nil", " gp=0xc000 m=3 mp=0xc001"):
        header = parse_header(f"goroutine 17{extra} [{text}]:".encode())
        assert header is not None
        assert (header.id, header.state, header.labels) == (17, state, ())


@pytest.mark.parametrize(
    "labels",
    [
        ' labels:{"a": "x, y", "b]": "\\"q\\" \\u00e9\\n\\x80"}]:',
        '] {a: "x, y", "b]": "\\"q\\" \\u00e9\\n\\x80"}:',
    ],
    ids=["1.26", "1.27"],
)  # fmt: skip
def test_labels_in_and_behind_the_brackets_are_unquoted(labels: str) -> None:
    header = parse_header(b"goroutine 1 [sleep" + labels.encode())
    assert header is not None
    assert header.labels == (("a", "x, y"), ("b]", '"q" é\n�'))


@pytest.mark.parametrize(
    "line",
    [
        b"goroutine 1 [sleep]",
        b"goroutine x [sleep]:",
        b"goroutine 1 [sleep, 3 hours]:",
        b"goroutine 1 []:",
        b'goroutine 1 [sleep] {a: "x}:',
        b"goroutine 1 [sleep] {a: b, }:",
        b"goroutine 1 [sleep] {a b}:",
    ],
)
def test_a_header_outside_the_grammar_is_none(line: bytes) -> None:
    assert parse_header(line) is None


@pytest.mark.parametrize("release", RELEASES)
def test_states_of_every_release(release: str, dump: Sample) -> None:
    found = parse_goroutines(dump(f"debug2-{release}"))
    reasons = by_reason(found)
    waitgroup = reasons.pop("semacquire", 0) + reasons.pop("sync.WaitGroup.Wait", 0)
    assert (found.form, found.total, found.damaged, found.truncated) == (Form.DEBUG2, 21, 0, False)
    assert reasons.pop("") == 1  # the one that takes the dump
    assert dict(reasons) | {"waitgroup": waitgroup} == REASONS | {"waitgroup": 1}
    assert sum(g.locked for g in found.groups) == 1


def test_one_goroutine_with_all_its_parts(dump: Sample) -> None:
    text = dump("debug2-go1.26.8")
    parked = [g for g in read_goroutines(text) if g.stack[0].function == "main.(*cache).fill"]
    first = parked[0]
    assert [g.state.reason for g in parked] == ["chan send"] * 3
    assert first.stack == (Frame("main.(*cache).fill", "parked/main.go", first.stack[0].line),)
    assert first.creator is not None
    assert (first.creator.function, first.parent) == ("main.park", 1)
    assert text[first.offset :].startswith(b"goroutine %d [" % first.id)
    assert text[: first.offset].count(b"\n") == first.line - 1


@pytest.mark.parametrize("release", RELEASES)
def test_debug_1_and_debug_2_see_the_same_stacks(release: str, dump: Sample) -> None:
    one, two = (parse_goroutines(dump(f"{form}-{release}")) for form in ("debug1", "debug2"))
    assert (one.form, one.declared, one.total) == (Form.DEBUG1, 21, 21)
    changed = {g.stack[0].function for g in growth(one, two).stacks}
    # the goroutine that takes the dump stands elsewhere in the code that takes it, and debug=2
    # abbreviates what the runtime hides
    assert all(name.startswith(("runtime", "main.main", "main.park")) for name in changed)
    fill = [g.count for g in one.groups if g.stack[0].function == "main.(*cache).fill"]
    assert fill == [3]


@pytest.mark.parametrize(
    "name", ["debug1-go1.21.13", "debug1-go1.27.3", "debug2-go1.26.8", "debug2-go1.27.3"]
)
def test_labels_are_counted_in_both_forms(name: str, dump: Sample) -> None:
    found = parse_goroutines(dump(name))
    assert [g.labels for g in found.groups if g.labels] == [LABELS, LABELS]


@pytest.mark.parametrize("release", RELEASES)
def test_a_crash_with_its_system_goroutines_is_read_around_its_message(
    release: str, dump: Sample
) -> None:
    text = dump(f"crash-{release}")
    found = parse_goroutines(b"2026/01/02 some log\n" + text + b"exit status 2\n")
    assert found.damaged == 0
    assert found.total == text.count(b"\ngoroutine ")
    assert found.groups[0].status == "running" or found.total > 15


def test_the_leak_profile_proves_its_leaks_in_both_forms(dump: Sample) -> None:
    one = parse_goroutines(dump("leak-debug1-go1.27.3"))
    two = parse_goroutines(dump("leak-debug2-go1.27.3"))
    proven = [c for c in leak_candidates(two) if Sign.PROVEN in c.signs]
    assert sum(c.count for c in proven) == one.total == one.declared
    assert "main.forget.func1" in {c.stack[0].function for c in proven}
    assert {g.status for g in two.groups if g.leaked} == {"leaked"}


def test_minutes_waited_are_a_lower_bound_read_from_a_real_wait(dump: Sample) -> None:
    found = parse_goroutines(dump("minutes-go1.26.8"))
    old = blocked_for(found, 2)
    assert sum(b.count for b in old) >= 19
    assert {b.minutes for b in old} == {2}
    assert blocked_for(found, 3) == ()


def test_a_live_process_is_counted_as_the_runtime_counts(parked: Run) -> None:
    for debug in ("1", "2"):
        done = parked("-debug", debug, "-count", "500")
        assert parse_goroutines(done.stdout).total == int(done.stderr)
        fill = next(iter(parse_goroutines(done.stdout).groups))
        assert (fill.stack[0].function, fill.count) == ("main.(*cache).fill", 500)


def test_growth_between_two_live_dumps_names_the_stack(parked: Run) -> None:
    before, after = (parse_goroutines(parked("-count", n).stdout) for n in ("5", "105"))
    report = growth(before, after)
    assert report.exact
    assert [(g.stack[0].function, g.delta) for g in report.stacks] == [("main.(*cache).fill", 100)]
    (candidate,) = leak_candidates(after, before)
    assert (candidate.signs, candidate.delta, candidate.expected) == ((Sign.GROWING,), 100, False)


BODY = (
    b"main.f(0x%x)\n\t/src/main.go:%d +0x1d\n"
    b"created by main.main in goroutine %d\n\t/src/main.go:9 +0x5\n\n"
)


def test_arguments_offsets_and_parents_do_not_split_a_group() -> None:
    text = b"".join(b"goroutine %d [sleep]:\n" % i + BODY % (i, 7, i % 3) for i in range(1, 10))
    (group,) = parse_goroutines(text).groups
    assert (group.count, group.ids, group.parents) == (9, tuple(range(1, 9)), (1, 2, 0))


def test_names_that_look_like_numbers_do_not_merge_groups() -> None:
    text = b"".join(
        b"goroutine 1 [sleep]:\nmain.f0x%x(...)\n\t/src/a+0x%x/(0x1)/main.go:7\n\n" % (i, j)
        for i in (1, 2)
        for j in (3, 4)
    )
    assert len(parse_goroutines(text).groups) == 4


def test_lines_and_reasons_do_split_a_group() -> None:
    text = b"".join(
        b"goroutine 1 [%s]:\n" % reason + BODY % (1, line, 1)
        for reason in (b"sleep", b"select")
        for line in (7, 8)
    )
    assert len(parse_goroutines(text).groups) == 4


def test_elided_frames_and_frames_without_source_are_kept_in_mind() -> None:
    text = (
        b"goroutine 1 [sleep]:\nmain.f(...)\n\t/src/main.go:7\n...12 frames elided...\n"
        b"non-Go function\n\tpc=0x12\nmain.g(0x1?, {0x2, 0x3}, ...)\n\t/src/my main.go:8 +0x1d "
        b"fp=0xc0 sp=0xc1 pc=0xc2\n[originating from goroutine 7]:\nmain.h(...)\n\t/src/h.go:1\n"
    )
    (goroutine,) = read_goroutines(text)
    assert [f.function for f in goroutine.stack] == ["main.f", "main.g"]
    assert (goroutine.stack[1].file, goroutine.elided) == ("/src/my main.go", 12)


def test_a_dump_that_ends_within_a_line_is_truncated_and_counts_are_lower_bounds() -> None:
    text = b"".join(b"goroutine %d [sleep]:\n" % i + BODY % (1, 7, 1) for i in range(5))
    found = parse_goroutines(text[:-30])
    assert (found.total, found.truncated, found.damaged) == (4, True, 1)
    assert found.first_damage == text.rindex(b"goroutine 4")
    assert not growth(found, found).exact


def test_a_profile_with_fewer_stacks_than_it_declares_is_truncated() -> None:
    found = parse_goroutines(
        b"goroutine profile: total 9\n3 @ 0x1\n#\t0x1\tmain.f+0x1\t/a.go:3\n\n"
    )
    assert (found.total, found.declared, found.truncated) == (3, 9, True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "no goroutine in the text at byte 0"),
        (b"<html>404</html>", "no goroutine in the text at byte 0"),
        (b"goroutine profile: total 2\nx @ 0x1\n", "no count and stack .* at byte 27"),
        (b"goroutine profile: total 1\n1 @ 0x1\nmain.f\n", "that is no frame at byte 27"),
        (b"goroutine profile: total 1\n1 @ 0x1\n# labels: {x}\n", "are no labels at byte 35"),
    ],
)
def test_what_is_no_dump_is_a_format_error_with_its_offset(text: bytes, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        parse_goroutines(text)


def test_a_goroutine_profile_is_grouped_like_its_text() -> None:
    frames = [Frame(name, "/a.go", 1) for name in ("runtime.gopark", "main.f", "runtime.goexit")]
    found = group_stacks([(tuple(frames), (("k", "v"),), 3), (tuple(frames[:1]), (), 1)])
    assert [(g.stack, g.count) for g in found.groups] == [((frames[1],), 3), ((frames[0],), 1)]
    assert found.groups[0].labels == (LabelCount("k", "v", 3),)


def test_expected_waiters_are_marked() -> None:
    text = b"".join(
        b"goroutine %d [IO wait, 30 minutes]:\n"
        b"net/http.(*persistConn).readLoop(0x%x)\n\t/t.go:7\n\n" % (i, i)
        for i in range(20)
    )
    (candidate,) = leak_candidates(parse_goroutines(text))
    assert (candidate.signs, candidate.expected) == ((Sign.OLD,), True)


def big(count: int) -> Iterator[bytes]:
    for i in range(count):
        label = b'] {trace: "%d x"}:\n' % i
        yield b"goroutine %d [chan send, %d minutes" % (i, i % 999 + 1) + label
        yield BODY % (i, i % 50, i)


def test_a_large_dump_streams_in_bounded_memory() -> None:
    parse_goroutines(b"".join(big(10)))
    tracemalloc.start()
    found = parse_goroutines(big(6_000))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (found.total, len(found.groups)) == (6_000, 50)
    assert found.groups[0].labels_more == 120 - 64
    assert found.size_bytes > 800_000
    assert peak < 6_000_000


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(1, 400), min_size=1, max_size=30),
    st.integers(0, 900),
    st.binary(max_size=4),
)
def test_streaming_and_whole_give_the_same_answer(sizes: list[int], at: int, noise: bytes) -> None:
    text = b"panic: x\n\n" + b"".join(big(6)) + b"\n\nexit\n"
    text = text[:at] + noise + text[at:]
    parts, begin = [], 0
    for size in sizes * (len(text) // sum(sizes) + 1):
        parts.append(text[begin : begin + size])
        begin += size
    assert parse_goroutines(iter(parts)) == parse_goroutines(text)


@settings(max_examples=150, deadline=None)
@given(
    st.binary(max_size=300),
    st.sampled_from([b"", b"goroutine profile: total 3\n", b"goroutine 1 ["]),
)
def test_any_bytes_are_goroutines_or_a_format_error(noise: bytes, head: bytes) -> None:
    try:
        found = parse_goroutines(head + noise)
    except FormatError:
        return
    assert found.total == sum(g.count for g in found.groups)
