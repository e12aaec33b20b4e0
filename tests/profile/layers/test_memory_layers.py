from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaosmem.errors import FormatError
from chaosmem.profile.layers import (
    TABLE,
    Amount,
    HeapSample,
    Kind,
    Layers,
    Statm,
    by_kind,
    fragmentation,
    from_memstats,
    from_runtime_metrics,
    parse_cgroup,
    parse_smaps,
    parse_smaps_rollup,
    parse_statm,
    reconcile,
    returned,
    scavenge_totals,
)
from chaosmem.profile.trace import Scavenge, parse_lines
from tests import golang

MIB = 1 << 20
SMAPS = b"""00400000-004d1000 r-xp 00000000 fe:00 11771927        /srv/my app/cart
Rss:                 400 kB
Pss:                 400 kB
Private_Clean:       300 kB
Anonymous:             0 kB
VmFlags: rd ex mr
c000000000-c004000000 rw-p 00000000 00:00 0               [anon: Go: heap]
Rss:               20000 kB
Private_Dirty:     20000 kB
Anonymous:         20000 kB
LazyFree:            512 kB
7f0000000000-7f0000100000 rw-p 00000000 00:00 0
Rss:                 100 kB
Anonymous:           100 kB
7f0000200000-7f0000300000 r-xp 00000000 fe:00 9           /lib/libc.so.6 (deleted)
Rss:                  50 kB
7f0000400000-7f0000500000 r--s 00000000 fe:00 9           /data/index
Rss:                  30 kB
7f0000600000-7f0000700000 rw-p 00000000 00:00 0           [heap]
Rss:                   4 kB
7f0000800000-7f0000900000 rw-p 00000000 00:00 0           [stack]
Rss:                   8 kB
7f0000a00000-7f0000b00000 r-xp 00000000 00:00 0           [vdso]
Rss:                   4 kB
7f0000c00000-7f0000d00000 rw-p 00000000 00:00 0           [anon:mine]
Rss:                   4 kB
"""


def metrics(**changed: int) -> dict[str, float]:
    parts = {
        "heap/objects": 10, "heap/unused": 2, "heap/free": 3, "heap/released": 5,
        "heap/stacks": 1, "os-stacks": 0, "metadata/mspan/inuse": 1, "metadata/mspan/free": 0,
        "metadata/mcache/inuse": 0, "metadata/mcache/free": 0, "metadata/other": 1,
        "profiling/buckets": 1, "other": 1, "total": 25,
    }  # fmt: skip
    return {f"/memory/classes/{k}:bytes": v * MIB for k, v in (parts | changed).items()}


def test_both_runtime_sources_give_the_same_classes(account: dict[str, Any]) -> None:
    stats = {k: v for k, v in account["memstats"].items() if isinstance(v, int)}
    old, new = from_memstats(stats), from_runtime_metrics(account["metrics"])
    assert old.total == sum(a.value for a in old.classes())
    assert new.total == sum(a.value for a in new.classes())
    assert new.heap_stacks == old.heap_stacks
    assert abs(new.heap_objects - old.heap_objects) < 256 * 1024  # the reading itself allocates


def test_the_names_of_client_golang_are_understood() -> None:
    renamed = {
        "go" + re.sub(r"[/-]", "_", name).replace(":", "_"): v for name, v in metrics().items()
    }
    assert from_runtime_metrics(renamed) == from_runtime_metrics(metrics())


@pytest.mark.parametrize("value", [-1, 1.5, float("nan"), float("inf"), 1 << 63])
def test_what_is_no_number_of_bytes_is_refused(value: float) -> None:
    with pytest.raises(FormatError, match="no number of bytes"):
        from_runtime_metrics({**metrics(), "/memory/classes/total:bytes": value})


def test_a_missing_class_is_named() -> None:
    values = metrics()
    del values["/memory/classes/heap/free:bytes"]
    with pytest.raises(FormatError, match="heap/free:bytes is missing"):
        from_runtime_metrics(values)


def test_statm_is_in_bytes_of_the_given_page_size() -> None:
    found = parse_statm(b"765 407 378 5 0 123 0\n", page_bytes=16384)
    assert found == Statm(765 << 14, 407 << 14, 378 << 14, 5 << 14, 123 << 14)
    with pytest.raises(FormatError, match="seven numbers"):
        parse_statm(b"1 2 3")


def test_every_kind_of_mapping_is_told_apart() -> None:
    found = parse_smaps(SMAPS)
    assert [m.kind for m in found] == [
        Kind.BINARY, Kind.GO, Kind.ANONYMOUS, Kind.LIBRARY, Kind.FILE, Kind.BRK, Kind.STACK,
        Kind.KERNEL, Kind.NAMED,
    ]  # fmt: skip
    assert (found[0].name, found[0].permissions) == ("/srv/my app/cart", "r-xp")
    assert (found[0].memory.private, found[0].memory.lazy_free) == (300 * 1024, None)
    assert found[1].memory.lazy_free == 512 * 1024
    heap, *_ = by_kind(found)
    assert (heap.kind, heap.name, heap.rss) == (Kind.GO, "[anon: Go: heap]", 20000 * 1024)
    assert heap.virtual == 64 * MIB


def test_the_binary_may_be_given_by_its_path() -> None:
    found = parse_smaps(SMAPS, binary="/data/index")
    assert [m.kind for m in found if m.name.startswith("/")] == [
        Kind.FILE, Kind.LIBRARY, Kind.BINARY
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"Rss: 4 kB\n", "neither .* at byte 0"),
        (SMAPS + b"garbage\n", f"neither .* at byte {len(SMAPS)}"),
        (b"0-1 rw-p 0 00:00 0\nPss: 1 kB\n", "without Rss at byte 0"),
    ],
)
def test_damaged_smaps_name_the_offset(text: bytes, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        parse_smaps(text)


def test_smaps_and_its_rollup_agree_on_a_live_process(account: dict[str, Any]) -> None:
    maps = parse_smaps(account["smaps"].encode())
    rollup = parse_smaps_rollup(account["smaps_rollup"].encode())
    assert abs(sum(m.memory.rss for m in maps) - rollup.rss) < 2 * MIB  # read one after another
    binary = {m.name for m in maps if m.kind is Kind.BINARY}
    assert {Path(name).name for name in binary} == {Path(account["exe"]).name}
    statm = parse_statm(account["statm"].encode(), page_bytes=account["page_bytes"])
    assert abs(statm.resident - rollup.rss) < 4 * MIB


V2 = {
    "memory.current": b"104857600\n",
    "memory.max": b"max\n",
    "memory.stat": b"anon 60000000\nfile 30000000\nkernel 9000000\nshmem 1\nfile_mapped 2\n"
    b"inactive_file 20000000\nactive_file 10000000\n",
    "memory.events": b"low 0\nhigh 0\nmax 3\noom 1\noom_kill 1\n",
}
V1 = {
    "memory.usage_in_bytes": b"104857600\n",
    "memory.limit_in_bytes": b"9223372036854771712\n",
    "memory.kmem.usage_in_bytes": b"9000000\n",
    "memory.stat": b"cache 1\nrss 1\ninactive_file 1\ntotal_cache 30000000\ntotal_rss 60000000\n"
    b"total_inactive_file 20000000\ntotal_shmem 1\ntotal_mapped_file 2\n",
    "memory.oom_control": b"oom_kill_disable 0\nunder_oom 0\noom_kill 1\n",
}


@pytest.mark.parametrize(("files", "version"), [(V1, 1), (V2, 2)])
def test_both_cgroup_versions_tell_the_same(files: dict[str, bytes], version: int) -> None:
    found = parse_cgroup(files)
    assert (found.version, found.usage, found.limit) == (version, 104857600, None)
    assert (found.rss, found.cache, found.kernel) == (60000000, 30000000, 9000000)
    assert (found.working_set, found.oom_kills) == (84857600, 1)
    assert (found.shmem, found.mapped_file, found.peak) == (1, 2, None)


def test_a_limit_and_a_working_set_below_zero() -> None:
    found = parse_cgroup({**V2, "memory.max": b"1000\n", "memory.current": b"5\n"})
    assert (found.limit, found.working_set) == (1000, 0)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "neither memory.current"),
        ({"memory.current": b"1"}, "memory.stat is missing"),
        ({**V2, "memory.stat": b"anon 1\n"}, "no inactive_file"),
        ({**V2, "memory.stat": b"anon 1 2\n"}, "not a key and a number at byte 0"),
        ({**V2, "memory.current": b"much"}, "memory.current holds no number"),
    ],
)
def test_damaged_cgroup_files_are_refused(files: dict[str, bytes], message: str) -> None:
    with pytest.raises(FormatError, match=message):
        parse_cgroup(files)


def test_every_balance_states_whole_parts_and_rest_with_their_sources() -> None:
    layers = Layers(
        runtime=from_runtime_metrics(metrics()),
        mappings=parse_smaps(SMAPS),
        cgroup=parse_cgroup(V2),
        app=(Amount("cache", 6 * MIB, "app_cache_bytes"),),
    )
    found = {b.name: b for b in reconcile(layers)}
    assert list(found) == [
        "heap objects", "runtime total", "Go mappings", "rss", "cgroup rss", "cgroup usage"
    ]  # fmt: skip
    assert found["heap objects"].rest == 4 * MIB
    assert (found["runtime total"].rest, found["runtime total"].exact) == (0, True)
    assert found["Go mappings"].rest == 20000 * 1024 - 20 * MIB
    assert found["cgroup usage"].rest == 104857600 - 99000000
    assert found["cgroup rss"].rest == 60000000 - 20100 * 1024
    assert found["rss"].rest == 20100 * 1024 - 20 * MIB
    assert found["rss"].rest_share == pytest.approx(found["rss"].rest / (20600 * 1024))
    assert {p.source for p in found["cgroup usage"].parts} == {
        "memory.stat anon", "memory.stat file", "memory.stat kernel"
    }  # fmt: skip


def test_without_a_layer_there_is_no_balance_of_it() -> None:
    assert reconcile(Layers()) == ()
    only = reconcile(Layers(statm=Statm(9, 5, 2, 1, 1), cgroup=parse_cgroup(V1)))
    assert [b.name for b in only] == ["cgroup rss", "cgroup usage"]
    assert only[0].parts[0].source == "statm resident - shared"


def test_a_live_process_is_explained_to_a_few_mebibytes(account: dict[str, Any]) -> None:
    layers = Layers(
        runtime=from_runtime_metrics(account["metrics"]),
        rollup=parse_smaps_rollup(account["smaps_rollup"].encode()),
    )
    total, rss = reconcile(layers)
    assert total.rest == 0
    assert rss.whole.value > 40 * MIB
    assert abs(rss.rest) < 0.15 * rss.whole.value


def test_the_size_class_table_is_that_of_the_go_toolchain() -> None:
    go = golang.toolchain().program
    done = subprocess.run([go, "env", "GOROOT"], capture_output=True, check=True, timeout=60)
    source = Path(done.stdout.decode().strip()) / "src"
    places = ("internal/runtime/gc/sizeclasses.go", "runtime/sizeclasses.go")
    text = next(p for place in places if (p := source / place).exists()).read_text()
    rows = re.findall(r"^// +(\d+) +(\d+) +(\d+) +(\d+) +(\d+) +[\d.]+% ", text, re.MULTILINE)
    printed = [tuple(map(int, row)) for row in rows]
    ours = [(i, c.size, c.span_bytes, c.objects, c.tail) for i, c in enumerate(TABLE, 1)]
    assert ours == printed
    for pattern, numbers in (
        (r"(?:class_to_size|SizeClassToSize) = .*?\{0, (.*?)\}", [c.size for c in TABLE]),
        (r"(?:class_to_allocnpages|SizeClassToNPages) = .*?\{0, (.*?)\}",
         [c.span_bytes // 8192 for c in TABLE]),
    ):  # fmt: skip
        (found,) = re.findall(pattern, text)
        assert [int(n) for n in found.split(", ")] == numbers


def test_waste_inside_and_between_of_a_process_with_known_holes(account: dict[str, Any]) -> None:
    stats = account["memstats"]
    unused = stats["HeapInuse"] - stats["HeapAlloc"]
    found = fragmentation(stats["BySize"], heap_objects=stats["HeapAlloc"], heap_unused=unused)
    top = found.classes[0]
    assert top.size_class.size == 1024
    assert 10_000 <= top.live <= 10_100
    # 40 000 slots of which 10 000 are live: three quarters of their spans are holes
    assert found.between > 0.95 * 30_000 * 1024
    assert found.ratio is not None
    assert 0.70 < found.ratio < 0.76
    assert found.inside_max >= 10_000 * 24
    assert found.small_bytes + found.large_bytes == stats["HeapAlloc"]
    assert found.between + found.unavoidable == found.unused_bytes


def test_the_tail_of_a_span_and_its_last_slots_are_unavoidable() -> None:
    entry = {"size": 48, "mallocs": 200, "frees": 29}
    found = fragmentation([entry], heap_objects=171 * 48 + 100_000, heap_unused=16_384 - 171 * 48)
    (use,) = found.classes
    assert (use.live, use.least_spans, use.tails, use.last_free) == (171, 2, 64, 169 * 48)
    assert use.inside_max == 171 * 15
    assert (found.between, found.large_bytes) == (0, 100_000)


@pytest.mark.parametrize(
    "entry", [{"size": 47, "mallocs": 1, "frees": 0}, {"size": 48, "mallocs": 1, "frees": 2}, {}]
)
def test_a_by_size_entry_of_no_release_is_refused(entry: dict[str, int]) -> None:
    with pytest.raises(FormatError, match="BySize entry"):
        fragmentation([entry], heap_objects=0, heap_unused=0)


def test_the_scavenger_account_of_a_series() -> None:
    rows = [(0, 0, 10), (1, 80, 10), (2, 60, 30), (4, 30, 60), (5, 38, 55), (6, 10, 80)]
    found = returned([HeapSample(t, free * MIB, rel * MIB) for t, free, rel in rows])
    assert found is not None
    assert (found.returned_bytes, found.reused_bytes) == (75 * MIB, 5 * MIB)
    assert found.rate == pytest.approx(75 * MIB / 4)
    assert (found.retained_first, found.retained_peak, found.retained_last) == (
        0,
        80 * MIB,
        10 * MIB,
    )
    assert (found.half_seconds, found.longest_gap_seconds) == (3, 2)


def test_a_scavenger_that_does_nothing_has_no_rate_and_no_half_time() -> None:
    found = returned([HeapSample(t, 10, 5) for t in range(3)])
    assert found is not None
    assert (found.returned_bytes, found.rate, found.half_seconds) == (0, None, None)
    assert returned([HeapSample(0, 1, 1)]) is None
    with pytest.raises(ValueError, match="order of time"):
        returned([HeapSample(1, 1, 1), HeapSample(1, 1, 1)])


def test_scavtrace_lines_add_up() -> None:
    text = (
        b"scav 8 KiB work (bg), 2 KiB work (eager), 90 KiB now, 82% util\n"
        b"scav 1 KiB work (bg), 64 KiB work (eager), 120 KiB now, 99% util (forced)\n"
    )
    found = scavenge_totals(parse_lines(text).of(Scavenge))
    assert (found.background_bytes, found.eager_bytes) == (9 * 1024, 66 * 1024)
    assert (found.released_bytes, found.in_use_percent, found.forced) == (120 * 1024, 99, 1)
    assert scavenge_totals([]).released_bytes is None


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200), st.integers(0, len(SMAPS)))
def test_any_bytes_are_layers_or_a_format_error(noise: bytes, at: int) -> None:
    text = SMAPS[:at] + noise + SMAPS[at : at + 300]
    for parse in (parse_smaps, parse_smaps_rollup, parse_statm):
        try:
            parse(text)
        except FormatError:
            continue
    try:
        parse_cgroup({"memory.current": b"1", "memory.stat": noise})
    except FormatError:
        return
