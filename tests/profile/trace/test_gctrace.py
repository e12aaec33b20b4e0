from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Callable

import pytest

from chaosmem.profile.trace import (
    ClockPhases,
    CpuPhases,
    DamageKind,
    GcCycle,
    GcTraceParser,
    parse_gctrace,
)

Run = Callable[..., subprocess.CompletedProcess[bytes]]
Sample = Callable[[str], bytes]
CYCLE = (
    b"gc 4 @0.036s 6%: 0.10+0.89+0.087 ms clock, 0.20+0/0.23/0.26+0.17 ms cpu, "
    b"36->37->12 MB, 38 MB goal, 1 MB stacks, 2 MB globals, 8 P"
)
RELEASES = ["go1.21.13", "go1.24.11", "go1.25.0", "go1.26.8", "go1.27.3"]


def test_every_field_of_a_line_has_its_name_and_unit() -> None:
    (cycle,) = parse_gctrace(b"app starts\n" + CYCLE + b" (forced)\n").cycles
    assert cycle == GcCycle(
        number=4,
        start_seconds=0.036,
        cpu_percent=6,
        clock=ClockPhases(sweep_termination=0.0001, mark=0.00089, mark_termination=0.000087),
        cpu=CpuPhases(0.0002, 0.0, 0.00023, 0.00026, 0.00017),
        heap_start_mib=36,
        heap_end_mib=37,
        heap_marked_mib=12,
        goal_mib=38,
        stacks_mib=1,
        globals_mib=2,
        procs=8,
        forced=True,
        periodic=False,
        leak_check=False,
        line=2,
        offset=11,
    )


def test_go_1_17_has_no_stacks_and_globals_and_they_are_absent_not_zero() -> None:
    old = CYCLE.replace(b", 1 MB stacks, 2 MB globals", b"")
    (cycle,) = parse_gctrace(old + b"\n").cycles
    assert (cycle.stacks_mib, cycle.globals_mib, cycle.procs) == (None, None, 8)
    many = parse_gctrace((old + b"\n" + CYCLE + b"\n") * 20).cycles
    assert [c.globals_mib for c in many] == [None, 2] * 20


def test_a_leak_detecting_cycle_is_told_apart() -> None:
    line = CYCLE.replace(b"6%:", b"6% (checking for goroutine leaks):")
    assert [c.leak_check for c in parse_gctrace(line + b"\n" + CYCLE).cycles] == [True, False]


def test_the_goal_of_a_disabled_collector_is_kept_whole() -> None:
    (cycle,) = parse_gctrace(CYCLE.replace(b"38 MB goal", b"17592186044415 MB goal")).cycles
    assert cycle.goal_mib == 17592186044415


@pytest.mark.parametrize("release", RELEASES)
def test_what_each_release_printed_is_read_to_the_last_line(release: str, sample: Sample) -> None:
    trace = parse_gctrace(sample(f"gctrace-{release}"))
    assert [c.number for c in trace.cycles] == list(range(1, 13))
    assert sum(c.forced for c in trace.cycles) == 3
    assert {c.procs for c in trace.cycles} == {2}
    assert (trace.damaged_lines, trace.missing_cycles, trace.lines) == (0, 0, 12)


@pytest.mark.parametrize("release", RELEASES)
def test_other_trace_lines_beside_it_are_neither_cycles_nor_damage(
    release: str, sample: Sample
) -> None:
    for kind in ("gctrace2", "pacertrace"):
        trace = parse_gctrace(sample(f"{kind}-{release}"))
        assert [c.number for c in trace.cycles] == list(range(1, len(trace.cycles) + 1))
        assert trace.damaged_lines == 0


def test_the_cycles_agree_with_what_the_runtime_counted(gcload: Run) -> None:
    done = gcload("gctrace=1", "-mib", "80")
    counted = json.loads(done.stdout)
    trace = parse_gctrace(done.stderr)
    assert len(trace.cycles) == counted["num_gc"]
    assert int(trace.cycles.forced.sum()) == counted["num_forced"]
    assert trace.missing_cycles == 0


def test_lines_torn_by_a_logging_program_are_reported_and_never_guessed(gcload: Run) -> None:
    done = gcload("gctrace=1", "-mib", "120", "-noise", "-force", "0")
    counted = json.loads(done.stdout)["num_gc"]
    trace = parse_gctrace(done.stderr)
    numbers = [c.number for c in trace.cycles]
    assert numbers == sorted(set(numbers))
    assert len(numbers) <= counted
    assert len(numbers) == counted or trace.damaged_lines > 0
    assert all(c.procs == 2 and c.stacks_mib == 0 for c in trace.cycles)


def test_a_real_torn_cycle_leaves_fragments_with_their_places(sample: Sample) -> None:
    text = sample("torn-by-app-logs-go1.26.8")
    trace = parse_gctrace(text)
    assert [c.number for c in trace.cycles] == [6]
    assert Counter(d.kind for d in trace.damage) == {DamageKind.FRAGMENT: 4}
    assert [text[d.offset :].startswith(d.excerpt.encode()) for d in trace.damage] == [True] * 4


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        pytest.param(CYCLE[:60], DamageKind.TORN, id="cut"),
        pytest.param(CYCLE[:13] + b"GET /cart 200\n", DamageKind.TORN, id="app text came between"),
        pytest.param(CYCLE + b"2026/01/02 app", DamageKind.TORN, id="app text behind"),
        pytest.param(b"no newline " + CYCLE, DamageKind.GLUED, id="app text before"),
        pytest.param(CYCLE[40:], DamageKind.FRAGMENT, id="tail"),
        pytest.param(CYCLE.replace(b"0.89", b"0.8.9"), DamageKind.TORN, id="two dots"),
        pytest.param(CYCLE.replace(b"36->", b"3.6->"), DamageKind.TORN, id="dot in MB"),
        pytest.param(CYCLE.replace(b"0.89", b""), DamageKind.TORN, id="number missing"),
        pytest.param(b"GC forced", DamageKind.ORPHAN_NOTICE, id="notice without a cycle"),
    ],
)
@pytest.mark.parametrize("around", [0, 30])
def test_damage_is_named_with_line_and_offset(line: bytes, kind: DamageKind, around: int) -> None:
    before = (CYCLE + b"\n") * around
    trace = parse_gctrace(before + line)
    assert len(trace.cycles) == around
    (damage,) = trace.damage
    assert (damage.kind, damage.line, damage.offset) == (kind, around + 1, len(before))
    assert line.decode().startswith(damage.excerpt)


@pytest.mark.parametrize(
    "line",
    [
        b"2026/01/02 03:04:05 the cache wrote 36 MB",
        b"gc 4 @ home",
        b"gc: done",
        b'level=info msg="gc 12 @ 3" goal=4',
        b"GC forced by the operator",
        b"\xff\xfe\x00 gc",
        b"",
    ],
)
def test_lines_of_the_application_are_passed_over_in_silence(line: bytes) -> None:
    trace = parse_gctrace(line + b"\n" + CYCLE + b"\n" + line)
    assert (len(trace.cycles), trace.damaged_lines) == (1, 0)


@pytest.mark.parametrize(
    ("prefix", "suffix", "source"),
    [
        (b"", b"\r", ""),
        (b"2026-01-02T03:04:05.123456789Z ", b"", ""),
        (b"2026-01-02T03:04:05.123456789+02:00 stderr F ", b"", ""),
        (b"[pod/cart-5d9f/app] ", b"", "cart-5d9f/app"),
        (b"[pod/cart-5d9f/app] 2026-01-02T03:04:05Z ", b"", "cart-5d9f/app"),
        (b"web-1  | ", b"", "web-1"),
        (b"Jan  2 03:04:05 node7 cart[123]: ", b"", "node7 cart[123]"),
        (b'{"log":"', b'\\n","stream":"stderr","time":"2026-01-02T03:04:05Z"}', ""),
    ],
    ids=[
        "tty",
        "kubectl-timestamps",
        "cri",
        "kubectl-prefix",
        "both",
        "compose",
        "journal",
        "docker",
    ],
)
def test_prefixes_of_log_drivers_are_taken_off(prefix: bytes, suffix: bytes, source: str) -> None:
    body = CYCLE.replace(b">", rb"\u003e") if prefix.startswith(b"{") else CYCLE
    for count in (1, 40):
        trace = parse_gctrace((prefix + body + suffix + b"\n") * count)
        assert len(trace.cycles) == count
        assert (trace.cycles[-1].source, trace.damaged_lines) == (source, 0)
        assert trace.cycles[0].offset == len(prefix)


@pytest.mark.parametrize("count", [1, 40])
def test_a_json_line_with_a_line_break_inside_is_no_line_of_a_trace(count: int) -> None:
    cycle = CYCLE.replace(b">", rb"\u003e")
    inside = b'{"log":"' + cycle + rb"\n" + cycle + rb'\n"}' + b"\n"
    tty = b'{"log":"' + cycle + rb'\r\n"}' + b"\n"
    trace = parse_gctrace((inside + tty) * count)
    assert [c.line for c in trace.cycles] == list(range(2, 2 * count + 1, 2))


def test_a_part_of_a_line_that_the_log_driver_split_is_torn() -> None:
    trace = parse_gctrace(b"2026-01-02T03:04:05Z stderr P " + CYCLE)
    assert (len(trace.cycles), trace.damage[0].kind) == (0, DamageKind.GLUED)


def test_a_periodic_cycle_is_the_unforced_one_after_the_notice() -> None:
    text = b"GC forced\n" + CYCLE + b"\n" + CYCLE + b"\nGC forced\nGC forced\n" + CYCLE
    trace = parse_gctrace(text)
    assert [c.periodic for c in trace.cycles] == [True, False, True]
    assert [(d.kind, d.line) for d in trace.damage] == [(DamageKind.ORPHAN_NOTICE, 4)]


def test_a_notice_before_a_forced_cycle_belongs_to_none() -> None:
    trace = parse_gctrace(b"GC forced\n" + CYCLE + b" (forced)\n" + CYCLE)
    assert [c.periodic for c in trace.cycles] == [False, False]
    assert trace.damaged_lines == 1


def test_pods_in_one_log_are_told_apart() -> None:
    order = [(b"a", 1), (b"b", 7), (b"a", 2), (b"b", 9), (b"a", 3)]
    heads = [b"[pod/%s/app] gc %d @0.036s" % pair for pair in order]
    trace = parse_gctrace(b"".join(head + CYCLE[12:] + b"\n" for head in heads))
    runs = trace.cycles.runs()
    assert [[c.number for c in run] for run in runs] == [[1, 2, 3], [7, 9]]
    assert trace.missing_cycles == 1


def test_a_restarted_process_begins_a_new_run() -> None:
    lines = [b"gc %d @0.036s" % n + CYCLE[12:] + b"\n" for n in (5, 6, 1, 2, 2)]
    runs = parse_gctrace(b"".join(lines)).cycles.runs()
    assert [[c.number for c in run] for run in runs] == [[5, 6], [1, 2], [2]]


def test_cycles_come_out_of_a_live_feed_as_soon_as_their_line_is_whole() -> None:
    parser = GcTraceParser()
    assert len(parser.feed(CYCLE[:50])) == 0
    assert [c.number for c in parser.feed(CYCLE[50:] + b"\n" + CYCLE)] == [4]
    account = parser.close()
    assert [(c.line, c.offset) for c in account.cycles] == [(2, len(CYCLE) + 1)]
    assert account.lines == 2


def test_a_file_object_is_read_as_it_is(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("trace") / "stderr.txt"
    path.write_bytes((CYCLE + b"\n") * 9000)
    with path.open("rb") as file:
        trace = parse_gctrace(file)
    assert (len(trace.cycles), trace.size_bytes) == (9000, path.stat().st_size)


def test_cycles_are_a_sequence() -> None:
    cycles = parse_gctrace((CYCLE + b"\n") * 3).cycles
    assert cycles[-1].line == 3
    assert [c.line for c in cycles[1:]] == [2, 3]
    with pytest.raises(IndexError):
        cycles[3]
    assert cycles[0].end_seconds == pytest.approx(0.036 + 0.0001 + 0.00089 + 0.000087)
    assert cycles[0].pause_seconds == pytest.approx(0.000187)
