"""Units, patterns, labels, folded stacks and speedscope."""

from __future__ import annotations

import importlib
import json
import pkgutil
from pathlib import Path

import pytest

from chaosmem.errors import UsageError
from chaosmem.profile import Options, by_label, folded, merge, read, scaled, speedscope, top
from chaosmem.profile.measurement import label, percentage, scale
from chaosmem.profile.pattern import compile_pattern

from .builder import Builder, simple


@pytest.mark.parametrize(
    ("value", "unit", "target", "text"),
    [
        (0, "bytes", "auto", "0"),
        (1023, "bytes", "auto", "1023B"),
        (1536, "bytes", "auto", "1.50kB"),
        (-1536, "bytes", "auto", "-1.50kB"),
        (1 << 20, "bytes", "kb", "1024kB"),
        (1, "bytes", "MB", "0"),
        (1_500_000, "nanoseconds", "auto", "1.50ms"),
        (7, "count", "minimum", "7"),
        (7, "goroutine", "minimum", "7"),
        (7, "widgets", "gadgets", "7gadgets"),
        (90, "seconds", "auto", "90s"),
        (7200, "s", "auto", "2hrs"),
        (5, "bytes", "nanoseconds", "5B"),
    ],
)
def test_values_are_written_as_the_tool_writes_them(
    value: int, unit: str, target: str, text: str
) -> None:
    assert label(value, unit, target) == text


def test_the_largest_value_has_a_unit() -> None:
    assert scale((1 << 63) - 1, "bytes", "auto") == (8192.0, "PB")


@pytest.mark.parametrize(
    ("value", "total", "text"),
    [
        (1, 1, "  100%"),
        (1, 3, "33.33%"),
        (1, 0, "    0%"),
        (1, 100_000, "0.001%"),
        (0, 5, "    0%"),
    ],
)
def test_percentages_keep_two_digits(value: int, total: int, text: str) -> None:
    assert percentage(value, total) == text


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        (r"^main\.main$", "main.main", "main.main\n"),
        ("(?i)FILL", "cache.Fill", "cache.Fil"),
        (r"[[:upper:]][[:digit:]]", "p.F1", "p.f1"),
        (r"\Qa.(b\E", "a.(b)", "aX(b)"),
        (r"\d", "p.F1", "p.F\u0661"),
        (r"a\z", "ba", "ab"),
        (r"[]x]", "]", "y"),
        (r"[^]x]", "y", "]"),
        (r"[^][:digit:]]", "y", "1"),
        (r"[a&&b]", "&", "c"),
        (r"[[]", "[", "]"),
        ("(?P<n>F)", "F", "G"),
        ("(?<n>F)", "F", "G"),
        (r"\x{46}", "F", "x"),
        ("a|", "anything", None),
    ],
)
def test_patterns_have_the_meaning_of_go(pattern: str, matching: str, other: str | None) -> None:
    compiled = compile_pattern(pattern)
    assert compiled.search(matching)
    assert other is None or not compiled.search(other)


@pytest.mark.parametrize(
    "pattern",
    ["(?=a)b", "(?<!a)b", r"(a)\1", "(?>a)", "a*+", "a{2}+", "(", "[z-a]", r"\p{Greek}", "(?P=n)"],
)
def test_patterns_that_go_does_not_have_are_refused(pattern: str) -> None:
    with pytest.raises(UsageError):
        compile_pattern(pattern)


def test_cpu_time_is_summed_by_label(captures: Path) -> None:
    profile = read((captures / "cpu.pb.gz").read_bytes())
    found = by_label(profile, "tenant")
    assert {row.value for row in found.rows} == {"acme", "globex"}
    assert sum(row.sum for row in found.rows) + found.unlabelled == found.total


def test_a_sample_without_the_label_is_counted_apart() -> None:
    built = Builder(("goroutine", "count"))
    place = built.stack("main.main")
    built.sample(place, 3, tenant="acme")
    built.sample(place, 2)
    found = by_label(read(built.bytes()), "tenant")
    assert [(row.value, row.sum, row.percent) for row in found.rows] == [("acme", 3, 60.0)]
    assert (found.unlabelled, found.total) == (2, 5)


@pytest.mark.parametrize("kind", ["heap", "allocs", "mutex", "block", "threadcreate"])
def test_kinds_that_never_have_labels_say_so(captures: Path, kind: str) -> None:
    with pytest.raises(UsageError, match="Go does not put labels on"):
        by_label(read((captures / f"after.{kind}.pb.gz").read_bytes()), "tenant")


def test_an_unknown_label_names_those_that_are_there(captures: Path) -> None:
    with pytest.raises(UsageError) as caught:
        by_label(read((captures / "cpu.pb.gz").read_bytes()), "region")
    assert caught.value.hint == "there are endpoint, tenant"


def test_folded_lines_add_up_to_the_total() -> None:
    assert folded(read(simple().bytes())) == "main.main 16\nmain.main;main.leaf 64\n"


def test_folded_names_cannot_break_the_format() -> None:
    built = Builder(("space", "bytes"))
    built.sample(built.stack("a;b\nc"), 1)
    assert folded(read(built.bytes())) == "a:b c 1\n"


def test_speedscope_has_every_type_and_every_inlined_frame() -> None:
    built = Builder(("objects", "count"), ("space", "bytes"))
    inner, outer = built.function("p.inner", "/p.go"), built.function("p.outer", "/p.go")
    built.sample([built.location((inner, 3), (outer, 7))], 2, 64)
    document = json.loads(speedscope(read(built.bytes()), name="heap"))
    names = [frame["name"] for frame in document["shared"]["frames"]]
    first, second = document["profiles"]
    assert [names[i] for i in first["samples"][0]] == ["p.outer", "p.inner"]
    assert (first["name"], first["unit"], first["weights"]) == ("space", "bytes", [64])
    assert (second["name"], second["unit"], second["weights"]) == ("objects", "none", [2])


def test_scaling_rounds_half_away_from_zero() -> None:
    built = Builder(("space", "bytes"))
    for value in (1, -1, 3, 0):
        built.sample(built.stack(f"f{value}"), value)
    assert scaled(read(built.bytes()), 0.5).samples.values.tolist() == [[1, -1, 2]]


def test_profiles_of_different_units_are_added_in_the_finer() -> None:
    parts = []
    for unit, value in (("milliseconds", 3), ("microseconds", 5)):
        built = Builder(("cpu", unit))
        built.sample(built.stack("main.main"), value)
        parts.append(read(built.bytes()))
    whole = merge(parts)
    assert whole.sample_types[0].unit == "microseconds"
    assert whole.samples.values.sum() == 3005


def test_sums_beyond_the_exact_floats_are_exact() -> None:
    built = Builder(("space", "bytes"))
    place = built.stack("main.main")
    for value in ((1 << 53) + 1, 1, 1):
        built.sample(place, value)
    assert top(read(built.bytes())).rows[0].flat == (1 << 53) + 3


def test_recursion_counts_once() -> None:
    built = Builder(("space", "bytes"))
    f, g = built.stack("f", "g")
    built.sample([f, g, f, g, f], 10)
    assert [(r.name, r.flat, r.cum) for r in top(read(built.bytes())).rows] == [
        ("f", 10, 10),
        ("g", 0, 10),
    ]


def test_an_unknown_sample_type_names_those_that_are_there() -> None:
    with pytest.raises(UsageError) as caught:
        top(read(simple().bytes()), sample_index="delay")
    assert caught.value.hint == "one of 0 (objects), 1 (space)"


@pytest.mark.parametrize("changes", [{"granularity": "miles"}, {"divide_by": 0.0}], ids=str)
def test_impossible_options_are_refused(changes: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        Options(**changes)  # type: ignore[arg-type]


def test_every_exported_name_is_there_and_no_module_hides_it() -> None:
    package = importlib.import_module("chaosmem.profile")
    for name in package.__all__:
        assert getattr(package, name).__class__ is not type(package), name
    for module in pkgutil.iter_modules(package.__path__):
        assert module.name not in package.__all__
