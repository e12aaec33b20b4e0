from __future__ import annotations

from dataclasses import replace

import pytest

from chaosmem.profile.proto import parse
from chaosmem.profile.unpack import unpack
from chaosmem.report.stacks import Flame, Weighed, captured, flames, grown, in_use, table, weigh
from tests.report import sample
from tests.report.sample_profiles import pprof

BEFORE = Weighed("baseline.end", "a", {("main", "a"): 100, ("main", "b"): 50}, 0)
AFTER = Weighed("hold.end", "b", {("main", "a"): 100, ("main", "c"): 300, ("main", "b"): 20}, 0)


def tree(flame: Flame) -> list[tuple[str, str, int]]:
    """(parent, name, value) of every frame."""
    names = [flame.names[i] for i in flame.name]
    return [
        (names[p] if p >= 0 else "", name, value)
        for p, name, value in zip(flame.parent, names, flame.value, strict=True)
    ]


def test_a_stack_is_root_first_and_equal_stacks_are_summed() -> None:
    stacks = {("main.main", "a.B", "c.D"): 2048, ("main.main",): 1024}
    profile = parse(unpack(pprof(stacks, "heap")))
    assert weigh(profile, "inuse_space") == stacks


def test_the_table_has_what_grew_most_first_and_leaves_out_what_did_not_change() -> None:
    found = table((BEFORE, AFTER), "heap", "By")
    assert found is not None
    assert [(r.stack[-1], r.growth, r.values) for r in found.rows] == [
        ("c", 300, (0, 300)),
        ("b", -30, (50, 20)),
    ]
    assert found.rows[0].share == 1.0
    assert found.left == 1
    assert found.totals == (150, 420)


def test_the_sampling_error_of_growth_is_the_root_of_rate_times_bytes() -> None:
    sampled = [replace(c, rate=512 * 1024) for c in (BEFORE, AFTER)]
    found = table(sampled, "heap", "By")
    assert found is not None
    assert found.rows[0].error == pytest.approx((512 * 1024 * 300) ** 0.5)


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
    assert flame.before[1] == 150
    assert flame.after[1] == 420


def test_frames_too_narrow_to_see_are_left_out() -> None:
    wide = Weighed("x", "x", {("m", "big"): 1_000_000, ("m", "dust"): 1}, 0)
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
