"""Growth between two captures, its error, and the match with a declared injection point."""

from __future__ import annotations

import math
import random
import re
from pathlib import Path

import numpy as np
import pytest

from chaosmem.errors import UsageError
from chaosmem.profile import IGNORED, Profile, growth, read
from chaosmem.profile.graph import Weighted, frames
from chaosmem.profile.names import normalised
from chaosmem.profile.nodes import build_nodes
from chaosmem.profile.options import DEFAULT

from .builder import Builder

RATE = 524288
HEAP = ("inuse_objects", "count"), ("inuse_space", "bytes")


def heap(*stacks: tuple[tuple[str, ...], int, int], period: int = RATE) -> Profile:
    """Each stack is (names leaf first, objects, bytes)."""
    built = Builder(*HEAP, period=period)
    for names, objects, size in stacks:
        built.sample(built.stack(*names), objects, size)
    return read(built.bytes())


def test_stacks_are_ranked_by_growth_with_their_share() -> None:
    base = heap((("cache.Fill", "main.main"), 1, 100), (("log.Buf", "main.main"), 5, 500))
    after = heap((("cache.Fill", "main.main"), 9, 900), (("log.Buf", "main.main"), 7, 700))
    found = growth(base, after)
    ranked = [(s.rank, s.frames, s.bytes, s.objects, s.share) for s in found.stacks]
    assert ranked == [
        (1, ("cache.Fill", "main.main"), 800, 8, 0.8),
        (2, ("log.Buf", "main.main"), 200, 2, 0.2),
    ]
    assert (found.total, found.grown) == (1000, 1000)


def test_what_shrank_does_not_make_the_shares_of_what_grew_larger() -> None:
    base = heap((("a.Freed", "main.main"), 9, 900))
    after = heap((("b.Kept", "main.main"), 10, 1000))
    found = growth(base, after)
    assert [(s.bytes, s.share) for s in found.stacks] == [(1000, 1.0), (-900, 0.0)]
    assert (found.total, found.grown) == (100, 1000)
    assert [s.frames[0] for s in found.top(10)] == ["b.Kept"]


def test_the_error_is_that_of_poisson_sampling() -> None:
    # 64 objects of 1 MiB: p = 1 - exp(-2), sd = sqrt((1 - p) / (N p)) = 4.94 % of 64 MiB
    found = growth(heap(), heap((("agent.Retain",), 64, 64 << 20)))
    estimate = found.stacks[0].estimate
    assert estimate.sd / (64 << 20) == pytest.approx(
        math.sqrt(math.exp(-2) / (64 * (1 - math.exp(-2))))
    )
    assert estimate.high - estimate.value == pytest.approx(1.96 * estimate.sd, rel=1e-3)


def test_small_objects_have_the_relative_error_root_of_rate_over_bytes() -> None:
    found = growth(heap(), heap((("p.Small",), (10 << 20) // 16, 10 << 20)))
    relative = found.stacks[0].estimate.sd / (10 << 20)
    assert relative == pytest.approx(math.sqrt(RATE / (10 << 20)), rel=1e-3)


def test_a_heap_that_samples_everything_is_exact() -> None:
    found = growth(heap(period=1), heap((("p.F",), 3, 48), period=1))
    assert found.stacks[0].estimate.sd == 0
    assert found.match("p.F").estimate.low == found.match("p.F").estimate.high == 48


def test_nothing_sampled_does_not_mean_nothing_there() -> None:
    match = growth(heap(), heap((("p.Other",), 100, 100 << 20))).match("p.Injected")
    assert match.stacks == ()
    assert match.bytes == 0
    # -ln(0.05) rates: the most that hides from the sampler with a chance of 5 %
    assert match.estimate.high == pytest.approx(2.9957 * RATE, rel=1e-3)


@pytest.mark.parametrize(
    ("pattern", "ranks"),
    [
        ("inventory.(*Cache).Fill", (1,)),
        ("example.com/shop/inventory.(*Cache).Fill", (1,)),
        ("example.com/shop/v3/inventory.(*Cache).Fill", (1,)),
        ("inventory.(*Cache).Fill.func1", (1,)),
        (r"inventory\.\(\*Cache\)\.Fill", (1,)),
        (r"\.Fill$", (1, 2)),
        ("pool.Fill", (2,)),
        ("pool.Fill[...]", ()),
        ("main.main", (1, 2)),
        ("Fil", (1, 2)),
        ("^Fill$", ()),
        ("inventory.(*Cache).Fil", ()),
        ("pool.Fil", ()),
        (r"pool\.Fil", (2,)),
    ],
)
def test_an_injection_point_is_a_name_or_a_pattern(pattern: str, ranks: tuple[int, ...]) -> None:
    found = growth(
        heap(),
        heap(
            (("example.com/shop/v2/inventory.(*Cache).Fill.func2", "main.main"), 8, 800),
            (("example.com/shop/v2/pool.Fill", "main.main"), 2, 200),
        ),
    )
    assert found.match(pattern).ranks == ranks


def test_a_match_adds_up_the_stacks_and_their_errors() -> None:
    stacks = [((f"p.F{i}", "p.Inject", "main.main"), 10, 10 << 20) for i in range(3)]
    other = (("p.Other", "main.main"), 10, 10 << 20)
    match = growth(heap(), heap(*stacks, other)).match("p.Inject")
    assert match.bytes == 30 << 20
    assert match.share == 0.75
    one = growth(heap(), heap(other)).stacks[0].estimate.sd
    assert match.estimate.sd == pytest.approx(one * math.sqrt(3))
    assert match.share_low < 0.75 < match.share_high <= 1


@pytest.mark.parametrize("pattern", ["", "a(b", "(?=x)y z", "[z-a]"])
def test_an_injection_point_that_is_neither_is_refused(pattern: str) -> None:
    with pytest.raises(UsageError):
        growth(heap(), heap((("p.F",), 1, 16))).match(pattern)


@pytest.mark.parametrize(
    ("frames", "ignored"),
    [
        (("bytes.growSlice", "net/http/pprof.Index", "net/http.(*conn).serve"), True),
        (("compress/flate.NewWriter", "runtime/pprof.(*Profile).WriteTo", "main.main"), True),
        (("x.F", "runtime/pprof.StartCPUProfile", "main.main"), True),
        (("cart.Fill", "runtime/pprof.Do", "main.serve"), False),
        (("cart.Fill", "runtime/pprof.SetGoroutineLabels", "main.serve"), False),
    ],
)
def test_the_observers_own_stacks_are_left_out_and_that_is_said(
    frames: tuple[str, ...], ignored: bool
) -> None:
    found = growth(heap(), heap((frames, 1, 64)))
    assert found.ignored == IGNORED
    assert (found.ignored_bytes, len(found.stacks)) == ((64, 0) if ignored else (0, 1))
    assert len(growth(heap(), heap((frames, 1, 64)), ignore=()).stacks) == 1


def test_focus_keeps_the_stacks_with_a_matching_frame() -> None:
    after = heap((("p.A", "main.main"), 1, 16), (("p.B", "main.main"), 1, 16))
    assert [s.frames[0] for s in growth(heap(), after, focus="B$").stacks] == ["p.B"]


def test_captures_that_count_different_things_are_refused() -> None:
    built = Builder(("goroutine", "count"))
    with pytest.raises(UsageError, match="inuse_space"):
        growth(read(built.bytes()), heap())


def test_a_real_injection_is_found_first_and_whole(captures: Path) -> None:
    base, after = (read((captures / f"{w}.heap.pb.gz").read_bytes()) for w in ("base", "after"))
    match = growth(base, after).match("main.Retain")
    assert match.ranks == (1,)
    # 96 blocks of 64 KiB and the slice that holds them, which the rate of 4 KiB hardly misses
    assert 6 << 20 <= match.bytes < (6 << 20) + (64 << 10)
    assert match.estimate.sd < 64 << 10
    assert match.share_low < match.share < match.share_high


def test_goroutine_growth_is_exact(captures: Path) -> None:
    base, after = (
        read((captures / f"{w}.goroutine.pb.gz").read_bytes()) for w in ("base", "after")
    )
    assert growth(base, after, sample_index=None).rate == 0


@pytest.mark.parametrize(
    ("name", "same"),
    [
        ("main.F", "main.F"),
        ("example.com/m/v2/p.F", "example.com/m/p.F"),
        ("gopkg.in/yaml.v3.(*Decoder).Decode", "gopkg.in/yaml.(*Decoder).Decode"),
        ("example.com/m@v1.2.3/p.F", "example.com/m/p.F"),
        ("p.F[go.shape.int]", "p.F[...]"),
        ("p.F[go.shape.map[string][]int]", "p.F[...]"),
        ("p.(*T[go.shape.string]).M", "p.(*T[...]).M"),
        ("p.F.func1", "p.F"),
        ("p.F.func1.2.3", "p.F"),
        ("p.F.gowrap1", "p.F"),
        ("p.F.func2.deferwrap1", "p.F"),
        ("p.F-range1", "p.F"),
        ("p.(*T).M-fm", "p.(*T).M"),
        ("p.func1Handler", "p.func1Handler"),
        ("", ""),
    ],
)
def test_names_are_the_same_from_build_to_build(name: str, same: str) -> None:
    assert normalised(name) == same


def plain(base: Profile, after: Profile) -> list[tuple[int, int, tuple[str, ...]]]:
    """(bytes, objects, names) of each stack, counted one by one."""
    sums: dict[tuple[str, ...], list[int]] = {}
    for profile, sign in ((base, -1), (after, 1)):
        for line in folded_stacks(profile):
            held = sums.setdefault(line[0], [0, 0])
            held[0] += sign * line[2]
            held[1] += sign * line[1]
    rows = [(size, count, names) for names, (size, count) in sums.items() if size or count]
    return sorted(rows, key=lambda row: (-row[0], row[2]))


def folded_stacks(profile: Profile) -> list[tuple[tuple[str, ...], int, int]]:
    """(normalised names leaf first, objects, bytes) of each sample, the observer's left out."""
    nodes = build_nodes(profile, DEFAULT)
    values = profile.samples.values
    names = [normalised(name) for name in nodes.name]
    rows = np.flatnonzero(values[1] != 0).tolist()
    stacks = [
        tuple(names[i] for i in batch.node[batch.owner == owner].tolist())
        for batch in frames(Weighted.of(profile.samples, values[1], None), nodes)
        for owner in range(batch.count)
    ]
    ours = [re.compile(pattern) for pattern in IGNORED]
    counted = values[:2, rows].T.tolist()
    found = [(stack, *both) for stack, both in zip(stacks, counted, strict=True)]
    return [f for f in found if not any(p.search(name) for p in ours for name in f[0])]


def test_the_columns_count_what_counting_stack_by_stack_does() -> None:
    rng = random.Random(7)  # noqa: S311 - a sample of stacks
    names = ["m.F", "m.F.func1", "m.F.func2", "m.G[go.shape.int]", "m.G[go.shape.string]", "all"]
    names += ["net/http/pprof.Index", "v.mod/v2/p.H", "v.mod/p.H", "runtime.mallocgc"]

    def some() -> Profile:
        stacks = {tuple(rng.choices(names, k=rng.randint(1, 5))) for _ in range(80)}
        sizes = [(stack, rng.randint(0, 9)) for stack in sorted(stacks)]
        return heap(*((stack, n, n * 512) for stack, n in sizes))

    for _ in range(5):
        base, after = some(), some()
        found = growth(base, after)
        assert [(s.bytes, s.objects, s.frames) for s in found.stacks] == plain(base, after)
        assert [s.rank for s in found.stacks] == list(range(1, len(found) + 1))
        assert found.first(7) == found.stacks[:7]
        assert found.total == sum(s.bytes for s in found.stacks)


def test_the_first_of_no_stacks_are_none() -> None:
    found = growth(heap(), heap())
    assert (found.stacks, found.first(3), len(found), found.top()) == ((), (), 0, ())
