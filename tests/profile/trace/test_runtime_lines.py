from __future__ import annotations

import math
import subprocess
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaosmem.profile.trace import (
    DamageKind,
    Init,
    LinesParser,
    PacerEnd,
    PacerStart,
    Scan,
    Scavenge,
    Sched,
    SchedDetail,
    SchedEntity,
    SweepDone,
    parse_gctrace,
    parse_lines,
)

Run = Callable[..., subprocess.CompletedProcess[bytes]]
Sample = Callable[[str], bytes]
RELEASES = ["go1.21.13", "go1.24.11", "go1.25.0", "go1.26.8", "go1.27.3"]
GC = b"gc 4 @0.036s 6%: 0.1+0.8+0.08 ms clock, 0.2+0/0.2/0.2+0.1 ms cpu, 3->3->1 MB, 4 MB goal, 2 P"
PACER_END = (
    "pacer: 25% CPU (25 exp.) for 94784+5400+204618 B work (305698 B exp.) "
    "in 9582408 B -> 10638792 B (∆goal 990848, cons/mark {})"
)


def one(text: str) -> object:
    (record,) = parse_lines(f"app\n{text}\n".encode()).records
    assert (record.line, record.offset) == (2, 4)
    return record


@pytest.mark.parametrize(
    ("ratio", "fraction", "expected"),
    [
        ("+3.042877e+000", "+2.500000e-001", (3.042877, 0.25)),
        ("3.122222900390625", "0.25", (3.122222900390625, 0.25)),
        ("+Inf", "0", (math.inf, 0.0)),
    ],
    ids=["to-1.25", "since-1.26", "infinite"],
)
def test_both_float_forms_of_the_pacer_are_read(
    ratio: str, fraction: str, expected: tuple[float, float]
) -> None:
    record = one(f"pacer: assist ratio={ratio} (scan 7 MB in 4->5 MB) workers=1+{fraction}")
    assert isinstance(record, PacerStart)
    assert (record.assist_ratio, record.fractional_workers) == expected
    assert (record.scan_mib, record.live_mib, record.goal_mib) == (7, 4, 5)
    assert record.dedicated_workers == 1


def test_the_end_of_a_mark_gives_the_exact_goal_in_bytes() -> None:
    record = one(PACER_END.format("+1.5e-001"))
    assert isinstance(record, PacerEnd)
    assert record.goal_bytes == 10638792 - 990848
    assert (record.cpu_percent, record.cons_mark) == (25, 0.15)
    assert (record.trigger_bytes, record.end_bytes) == (9582408, 10638792)
    work = (record.heap_work_bytes, record.stack_work_bytes, record.globals_work_bytes)
    assert work == (94784, 5400, 204618)
    assert record.expected_work_bytes == 305698


def test_sweep_done_line() -> None:
    record = one(
        "pacer: sweep done at heap size 12MB; allocated 2MB during sweep; "
        "swept 1360 pages at 0.000164 pages/byte"
    )
    assert record == SweepDone(
        line=2, offset=4, heap_mib=12, allocated_mib=2, swept_pages=1360, pages_per_byte=0.000164
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("scav 8 KiB work, 90 KiB total, 82% util", (None, False, False)),
        ("scav 8 KiB work (bg), 7 KiB work (eager), 90 KiB now, 82% util", (7, False, False)),
        (
            "scav 8 KiB work (bg), 7 KiB work (eager), 90 KiB now, 82% util (forced)",
            (7, True, False),
        ),
        (
            "scav 8 KiB work (bg), 7 KiB work (eager), 90 KiB now, 82% util [controller reset]",
            (7, False, True),
        ),
    ],
    ids=["1.20", "1.21", "forced", "reset"],
)
def test_every_form_of_the_scavenger_line(
    text: str, expected: tuple[int | None, bool, bool]
) -> None:
    record = one(text)
    assert isinstance(record, Scavenge)
    assert (record.background_kib, record.released_kib, record.in_use_percent) == (8, 90, 82)
    assert (record.eager_kib, record.forced, record.controller_reset) == expected


SCHED = (
    "SCHED 10ms: gomaxprocs=2 idleprocs=1 threads=5 spinningthreads=0 needspinning=1 "
    "idlethreads=2 runqueue=7"
)


def test_schedtrace_before_and_after_the_format_change() -> None:
    old, new = one(SCHED + " [3 0]"), one(SCHED + " [ 3 0 ] schedticks=[ 5 10 ]")
    assert isinstance(old, Sched)
    assert isinstance(new, Sched)
    assert (old.local_queues, old.sched_ticks, old.detail) == ((3, 0), (), None)
    assert (new.local_queues, new.sched_ticks) == ((3, 0), (5, 10))
    assert (new.milliseconds, new.idle_threads, new.run_queue) == (10, 2, 7)


def test_scheddetail_lists_processors_threads_and_goroutines() -> None:
    detail = " gcwaiting=true nmidlelocked=-1 stopwait=0 sysmonwait=false"
    text = (
        SCHED + detail + "\n  P0: status=1 m=nil runqsize=0\n"
        "  M3: p=0 curg=nil preemptoff= locks=1\n  G1: status=4(GC worker (idle)) m=nil lockedm=0\n"
    )
    sched, *entities = parse_lines(text.encode()).records
    assert isinstance(sched, Sched)
    assert sched.detail == SchedDetail(
        gc_waiting=True, idle_locked_threads=-1, stop_wait=0, sysmon_wait=False
    )
    assert [(e.kind, e.id) for e in entities if isinstance(e, SchedEntity)] == [
        ("P", 0), ("M", 3), ("G", 1)
    ]  # fmt: skip
    fields = [dict(e.fields) for e in entities if isinstance(e, SchedEntity)]
    assert fields[1] == {"p": "0", "curg": "nil", "preemptoff": "", "locks": "1"}
    assert fields[2]["status"] == "4(GC worker (idle))"


def test_inittrace_line_in_seconds_and_bytes() -> None:
    assert one("init internal/bytealg @0.36 ms, 0.012 ms clock, 80 bytes, 2 allocs") == Init(
        line=2, offset=4, package="internal/bytealg", at_seconds=0.00036, clock_seconds=0.000012,
        heap_bytes=80, allocs=2,
    )  # fmt: skip


def test_scan_lines_carry_the_cycle_that_they_stand_behind() -> None:
    text = GC + (
        b"\nscan: total 66+419+0=485 objs, 34+0=34 spans"
        b"\nscan: class 16B 0+96+0=96 objs, 5+0=5 spans"
        b"\nscan: class L 3 objs\napp\nscan: total 9 objs\n"
    )
    scans = parse_lines(text).of(Scan)
    assert [(s.cycle, s.size_class, s.objects) for s in scans] == [
        (4, None, 485), (4, 16, 96), (4, 0, 3), (None, None, 9)
    ]  # fmt: skip
    assert (scans[0].by_kind, scans[0].spans) == ((66, 419, 0), (34, 0))
    assert (scans[3].by_kind, scans[3].spans) == (None, None)


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("kind", ["gctrace2", "pacertrace", "scavtrace", "schedtrace", "inittrace"])
def test_every_line_that_a_release_printed_is_read(kind: str, release: str, sample: Sample) -> None:
    text = sample(f"{kind}-{release}")
    lines, gc = parse_lines(text), parse_gctrace(text)
    assert len(lines.records) + len(gc.cycles) == text.count(b"\n")
    assert (lines.damaged_lines, gc.damaged_lines) == (0, 0)


@pytest.mark.parametrize("release", ["go1.26.8", "go1.27.3"])
def test_scheddetail_of_a_release_is_read_to_the_last_line(release: str, sample: Sample) -> None:
    text = sample(f"scheddetail-{release}")
    assert len(parse_lines(text).records) == text.count(b"\n")


def test_the_program_that_frees_its_memory_says_so(gcload: Run) -> None:
    done = gcload("scavtrace=1", "-mib", "32", "-free")
    last = parse_lines(done.stderr).of(Scavenge)[-1]
    assert (last.forced, last.eager_kib is not None) == (True, True)
    assert last.released_kib >= 4 * 1024  # four retained MiB were given back


def test_pacer_and_gctrace_of_a_live_process_agree(gcload: Run) -> None:
    text = gcload("gctrace=1,gcpacertrace=1", "-mib", "200", "-retain", "32", "-force", "0").stderr
    ends = parse_lines(text).of(PacerEnd)
    after = {e.line: e for e in ends}
    cycles = {c.line: c for c in parse_gctrace(text).cycles}
    pairs = [(after[line - 1], c) for line, c in cycles.items() if line - 1 in after]
    assert pairs
    for end, cycle in pairs:
        assert cycle.goal_mib == end.goal_bytes >> 20
        assert cycle.heap_end_mib == end.end_bytes >> 20


@pytest.mark.parametrize(
    "text",
    [
        "pacer: assist ratio=1.5 (scan 0 MB in 4-",
        "scav 8 KiB work (bg), 7 KiB",
        SCHED,
        "init main @0.1 ms, 0",
        "scan: class 16B 0+96",
        PACER_END.format("1.5")[:-1],
        "  P0: status=",
    ],
)
def test_a_torn_line_is_damage_with_its_place(text: str) -> None:
    lines = parse_lines(b"app\n" + text.encode() + b"\n")
    assert lines.records == ()
    assert [(d.kind, d.line, d.offset) for d in lines.damage] == [(DamageKind.TORN, 2, 4)]


@pytest.mark.parametrize(
    "text",
    [
        "pacer: set to 5",
        "scan: done",
        "init failed",
        "SCHED: task",
        "  Go: run",
        "x scav 1 KiB work",
    ],
)
def test_application_lines_with_the_same_words_are_passed_over(text: str) -> None:
    lines = parse_lines(text.encode())
    assert (lines.records, lines.damaged_lines) == ((), 0)


def test_prefixes_of_log_drivers_are_taken_off_here_too() -> None:
    prefix = b"[pod/cart/app] 2026-01-02T03:04:05Z "
    (scav,) = parse_lines(prefix + b"scav 8 KiB work, 90 KiB total, 82% util\r\n").records
    assert (scav.source, scav.offset) == ("cart/app", len(prefix))
    text = b'{"log":"init main @1 ms, 0 ms clock, 0 bytes, 0 allocs\\n","stream":"stderr"}'
    assert [type(r) for r in parse_lines(text).records] == [Init]


HEADS = [b"pacer: ", b"scav 1 KiB work", b"scan: class ", b"init a @1", b"  G1: status=", b"SCHED "]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from([*b"0123456789 []+-=.:%()", *b"pacerSCHEDscavinitKB"]), max_size=200),
    st.sampled_from(HEADS),
    st.integers(1, 50),
)
def test_any_text_in_any_chunks_gives_the_same_records(
    noise: list[int], head: bytes, size: int
) -> None:
    text = head + bytes(noise) + b"\n" + PACER_END.format("1").encode() + b"\n" + head
    whole, parser = parse_lines(text), LinesParser()
    fed = [r for i in range(0, len(text), size) for r in parser.feed(text[i : i + size])]
    last = parser.close()
    assert (*fed, *last.records) == whole.records
    assert last.damage == whole.damage


def test_a_list_without_its_end_costs_no_time() -> None:
    hostile = SCHED + " [" + "1" * 60_000
    assert Counter(d.kind for d in parse_lines(hostile.encode()).damage) == {DamageKind.TORN: 1}
    hostile = SCHED + " [" + "1 " * 30_000
    assert parse_lines(hostile.encode()).damaged_lines == 1
