from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from chaosmem.profile import Options, growth, read
from chaosmem.profile.stack_tree import plant
from chaosmem.report.captures import Captures, captured, captures
from chaosmem.report.flames import Flame, Told, diff_flame, flames, growth_flame, value_flame
from chaosmem.report.stacks import Table, table
from tests.report import sample
from tests.report.sample_profiles import Kind, many_stacks, pprof

KIB = 1024
Stacks = Mapping[tuple[str, ...], int]
TOLD = Told("title", "note", "bytes")


def taken(*found: tuple[str, Any], kind: Kind = "heap") -> Captures:
    return captures(kind, [(moment, read(pprof(stacks, kind))) for moment, stacks in found])


BEFORE = ("baseline.end", {("main", "a"): 100 * KIB, ("main", "b"): 50 * KIB})
AFTER = (
    "hold.end",
    {("main", "a"): 100 * KIB, ("main", "c"): 300 * KIB, ("main", "b"): 20 * KIB},
)


def rows(flame: Flame) -> list[tuple[str, str, int]]:
    """(parent, name, value in KiB) of every frame."""
    names = [flame.names[i] for i in flame.name]
    return [
        (names[p] if p >= 0 else "", name, value // KIB)
        for p, name, value in zip(flame.parent, names, flame.value, strict=True)
    ]


def of(found: Captures, unit: str = "By") -> Table:
    made = table(found, unit)
    assert made is not None
    return made


def test_stacks_of_all_captures_are_one_tree_and_equal_ones_are_summed() -> None:
    first = {("main.main", "a.B", "c.D"): 2048, ("main.main",): 1024}
    second = {("main.main", "a.B", "c.D"): 512, ("main.main", "x.Y"): 7}
    tree = plant(
        [read(pprof(s, "heap")) for s in (first, second)], Options(sample_index="inuse_space")
    )
    stacks = {tree.stack(i): tuple(tree.own[:, i].tolist()) for i in range(len(tree))}
    assert stacks == {
        (): (0, 0),
        ("main.main",): (1024, 0),
        ("main.main", "a.B"): (0, 0),
        ("main.main", "x.Y"): (0, 7),
        ("main.main", "a.B", "c.D"): (2048, 512),
    }
    assert tree.sums(tree.own[0])[0] == 3072


def test_the_table_has_what_grew_most_first_and_leaves_out_what_did_not_change() -> None:
    found = of(taken(BEFORE, AFTER))
    assert [(r.stack[-1], r.growth, r.values) for r in found.rows] == [
        ("c", 300 * KIB, (0, 300 * KIB)),
        ("b", -30 * KIB, (50 * KIB, 20 * KIB)),
    ]
    assert found.rows[0].share == 1.0
    assert found.left == 0
    assert found.totals == (150 * KIB, 420 * KIB)


def test_the_sampling_error_of_growth_is_the_root_of_rate_times_bytes() -> None:
    found = of(taken(BEFORE, AFTER))
    assert found.rows[0].error == pytest.approx((512 * KIB * 300 * KIB) ** 0.5, rel=0.01)


def test_counts_of_goroutines_are_exact_and_shown_without_the_runtime() -> None:
    parked = ("main.main", "cart.(*Queue).Wait", "runtime.chanrecv1", "runtime.gopark")
    before, after = {parked: 1}, {parked: 501, ("runtime.goexit",): 1}
    found = of(taken(("baseline.end", before), ("hold.end", after), kind="goroutine"), "1")
    assert [(r.shown[0], r.growth, r.error) for r in found.rows] == [
        ("cart.(*Queue).Wait", 500, 0),
        ("runtime.goexit", 1, 0),
    ]


def test_builds_are_compared_by_names_that_stay_the_same() -> None:
    before: Stacks = {("m", "cart.Fill.func1"): KIB}
    after: Stacks = {("m", "cart.Fill.func2"): 3 * KIB}
    found = of(taken(("baseline.end", before), ("hold.end", after)))
    assert [(r.stack, r.values) for r in found.rows] == [(("m", "cart.Fill"), (KIB, 3 * KIB))]


def test_growth_needs_two_captures() -> None:
    assert table(taken(AFTER), "By") is None
    assert [f.title for f in flames(taken(AFTER))] == ["In use at hold.end"]


def test_a_flame_graph_is_in_preorder_with_the_heaviest_child_first() -> None:
    assert rows(value_flame(taken(AFTER).tree, 0, TOLD)) == [
        ("", "all", 420),
        ("all", "main", 420),
        ("main", "c", 300),
        ("main", "a", 100),
        ("main", "b", 20),
    ]


def test_growth_has_no_width_for_what_shrank_but_counts_it() -> None:
    flame = growth_flame(taken(BEFORE, AFTER).tree, 0, 1, TOLD)
    assert rows(flame) == [("", "all", 300), ("all", "main", 300), ("main", "c", 300)]
    assert flame.before[1] == 150 * KIB
    assert flame.after[1] == 420 * KIB


def test_a_difference_has_the_width_of_all_that_changed_either_way() -> None:
    flame = diff_flame(taken(BEFORE, AFTER).tree, 0, 1, TOLD)
    assert rows(flame) == [
        ("", "all", 330),
        ("all", "main", 330),
        ("main", "c", 300),
        ("main", "b", 30),
    ]
    assert (flame.before[3], flame.after[3]) == (50 * KIB, 20 * KIB)


def test_the_functions_beside_a_flame_graph_are_those_of_top() -> None:
    (flame,) = flames(taken(AFTER))
    assert [(f.name, f.flat // KIB, f.cum // KIB) for f in flame.functions] == [
        ("c", 300, 300),
        ("a", 100, 100),
        ("b", 20, 20),
        ("main", 0, 420),
    ]
    assert flame.total == 420 * KIB


def test_frames_too_narrow_to_see_are_left_out() -> None:
    wide: Stacks = {("m", "big"): 10**9, ("m", "dust"): 1024}
    flame = value_flame(taken(("x", wide)).tree, 0, TOLD)
    assert [name for _, name, _ in rows(flame)] == ["all", "m", "big"]


def test_a_capture_that_cannot_be_read_is_named() -> None:
    trial = sample.evidence().trials[0]
    broken = replace(trial, read=lambda _: b"\x1f\x8bgarbage")
    good, bad = captured(broken, "heap")
    assert good is None
    assert [b.split(":")[0] for b in bad] == [
        "heap at baseline.end",
        "heap at hold.end",
        "heap at recover.end",
    ]


def test_the_table_has_the_numbers_of_the_check_row_by_row() -> None:
    """Against `profile.growth`, which the top-allocations check decides by, of the two alone."""
    found = taken(
        ("baseline.end", {("m.F",): 9 * KIB, ("m.G",): KIB, ("m.H",): 4 * KIB}),
        ("inject.end", {("m.F",): 7 * KIB, ("m.new",): KIB}),
        ("hold.end", {("m.F",): 30 * KIB, ("m.H",): 2 * KIB}),
    )
    wanted = growth(found.profiles[0], found.profiles[2])
    shown = of(found).rows
    assert [(r.stack[::-1], r.growth, r.share) for r in shown] == [
        (s.frames, s.bytes, s.share) for s in wanted.stacks
    ]
    assert [r.error for r in shown] == pytest.approx([s.estimate.sd for s in wanted.stacks])
    assert [r.values for r in shown] == [
        (9 * KIB, 7 * KIB, 30 * KIB),
        (KIB, 0, 0),
        (4 * KIB, 0, 2 * KIB),
    ]


def test_big_captures_are_quick() -> None:
    profiles = [
        (m, read(pprof(many_stacks(g), "heap"))) for m, g in (("baseline.end", 1), ("hold.end", 3))
    ]
    begin = time.process_time()
    found = captures("heap", profiles)
    assert of(found).left == 20_000 - 15
    assert len(flames(found)) == 2
    assert time.process_time() - begin < 6  # CPU; measured: 0.3 s, the rest is for a slow machine
