from __future__ import annotations

from dataclasses import replace

import pytest

from chaosmem.profile import read
from chaosmem.report.stacks import (
    SAMPLES,
    Flame,
    Weighed,
    captured,
    flames,
    grown,
    in_use,
    table,
    weigh,
)
from tests.report import sample
from tests.report.sample_profiles import Kind, pprof


def capture(moment: str, stacks: dict[tuple[str, ...], int], kind: Kind = "heap") -> Weighed:
    profile = read(pprof(stacks, kind))
    return Weighed(moment, profile, weigh(profile, SAMPLES[kind]))


KIB = 1024
BEFORE = capture("baseline.end", {("main", "a"): 100 * KIB, ("main", "b"): 50 * KIB})
AFTER = capture(
    "hold.end", {("main", "a"): 100 * KIB, ("main", "c"): 300 * KIB, ("main", "b"): 20 * KIB}
)


def tree(flame: Flame) -> list[tuple[str, str, int]]:
    """(parent, name, value in KiB) of every frame."""
    names = [flame.names[i] for i in flame.name]
    return [
        (names[p] if p >= 0 else "", name, value // KIB)
        for p, name, value in zip(flame.parent, names, flame.value, strict=True)
    ]


def test_a_stack_is_root_first_and_equal_stacks_are_summed() -> None:
    stacks = {("main.main", "a.B", "c.D"): 2048, ("main.main",): 1024}
    assert capture("x", stacks).stacks == stacks


def test_the_table_has_what_grew_most_first_and_leaves_out_what_did_not_change() -> None:
    found = table((BEFORE, AFTER), "heap", "By")
    assert found is not None
    assert [(r.stack[-1], r.growth, r.values) for r in found.rows] == [
        ("c", 300 * KIB, (0, 300 * KIB)),
        ("b", -30 * KIB, (50 * KIB, 20 * KIB)),
    ]
    assert found.rows[0].share == 1.0
    assert found.left == 0
    assert found.totals == (150 * KIB, 420 * KIB)


def test_the_sampling_error_of_growth_is_the_root_of_rate_times_bytes() -> None:
    found = table((BEFORE, AFTER), "heap", "By")
    assert found is not None
    assert found.rows[0].error == pytest.approx((512 * KIB * 300 * KIB) ** 0.5, rel=0.01)


def test_counts_of_goroutines_are_exact_and_shown_without_the_runtime() -> None:
    parked = ("main.main", "cart.(*Queue).Wait", "runtime.chanrecv1", "runtime.gopark")
    captures = [
        capture("baseline.end", {parked: 1}, "goroutine"),
        capture("hold.end", {parked: 501, ("runtime.goexit",): 1}, "goroutine"),
    ]
    found = table(captures, "goroutine", "1")
    assert found is not None
    assert [(r.shown[0], r.growth, r.error) for r in found.rows] == [
        ("cart.(*Queue).Wait", 500, 0),
        ("runtime.goexit", 1, 0),
    ]


def test_builds_are_compared_by_names_that_stay_the_same() -> None:
    captures = [
        capture("baseline.end", {("m", "cart.Fill.func1"): KIB}),
        capture("hold.end", {("m", "cart.Fill.func2"): 3 * KIB}),
    ]
    found = table(captures, "heap", "By")
    assert found is not None
    assert [(r.stack, r.values) for r in found.rows] == [(("m", "cart.Fill"), (KIB, 3 * KIB))]


def test_growth_needs_two_captures() -> None:
    assert table((AFTER,), "heap", "By") is None
    assert [f.title for f in flames((AFTER,))] == ["In use at hold.end"]


def test_a_flame_graph_is_in_preorder_with_the_heaviest_child_first() -> None:
    assert tree(in_use(AFTER)) == [
        ("", "all", 420),
        ("all", "main", 420),
        ("main", "c", 300),
        ("main", "a", 100),
        ("main", "b", 20),
    ]


def test_growth_has_no_width_for_what_shrank_but_counts_it() -> None:
    flame = grown(BEFORE, AFTER)
    assert tree(flame) == [("", "all", 300), ("all", "main", 300), ("main", "c", 300)]
    assert flame.before[1] == 150 * KIB
    assert flame.after[1] == 420 * KIB


def test_frames_too_narrow_to_see_are_left_out() -> None:
    wide = capture("x", {("m", "big"): 10**9, ("m", "dust"): 1024})
    assert [name for _, name, _ in tree(in_use(wide))] == ["all", "m", "big"]


def test_a_capture_that_cannot_be_read_is_named() -> None:
    trial = sample.evidence().trials[0]
    broken = replace(trial, read=lambda _: b"\x1f\x8bgarbage")
    good, bad = captured(broken, "heap")
    assert good == ()
    assert [b.split(":")[0] for b in bad] == [
        "heap at baseline.end",
        "heap at hold.end",
        "heap at recover.end",
    ]
