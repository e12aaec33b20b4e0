"""Every flag gives the output of `go tool pprof` with that flag, in every report."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from chaosmem.errors import UsageError
from chaosmem.profile import Options, Profile, diff, listing, merge, peek, read, top, traces, tree

FLAGS: dict[str, list[str | float | bool]] = {
    "focus": ["put", "main.go", "Fill|Retain", "goprofiles", "^main\\.main$", "[[:upper:]]etain"],
    "ignore": ["Fill", "up$", "nothing at all"],
    "hide": ["newItem", "runtime", "main.go"],
    "show": ["main", "Store"],
    "show_from": ["main", "put", "down"],
    "prune_from": ["Fill", "up"],
    "tagfocus": ["512:", "bytes=1kb:2kb", "2kb", ":1kb", "foo", "bytes=1"],
    "tagignore": ["bytes=:1kb", "foo"],
    "tagshow": ["bytes", "foo"],
    "taghide": ["bytes"],
    "tagroot": ["bytes", "foo"],
    "tagleaf": ["bytes,foo"],
    "nodecount": [3, 12],
    "nodefraction": [0.0, 0.1],
    "edgefraction": [0.2],
    "unit": ["kb", "auto", "MB", "bytes"],
    "divide_by": [2.0, 1000.0],
    "sample_index": ["alloc_space", "alloc_objects", "2"],
    "granularity": ["lines", "addresses", "filefunctions"],
    "mean": [True],
    "noinlines": [True],
    "showcolumns": [True],
    "relative_percentages": [True],
    "compact_labels": [True],
    "drop_negative": [True],
    "cum": [True],
    "trim": [False],
}
MODULE = "example.com/goprofiles/v2"
REPORTS = [
    "-top",
    *(
        pytest.param(r, marks=pytest.mark.slow)
        for r in ("-tree", "-traces", "-peek=put", "-list=put")
    ),
]
SINGLE = [{name: value} for name, values in FLAGS.items() for value in values]


def combinations(count: int, seed: int = 1) -> list[dict[str, str | float | bool]]:
    """Flags together, as different from each other as chance makes them."""
    chance = random.Random(seed)  # noqa: S311 repeatable
    return [
        {name: chance.choice(FLAGS[name]) for name in chance.sample(sorted(FLAGS), 4)}
        for _ in range(count)
    ]


def arguments(flags: dict[str, str | float | bool]) -> list[str]:
    """The flags as pprof takes them."""
    out = []
    for name, value in flags.items():
        if name == "granularity":
            out.append(f"-{value}")
        elif name == "cum":
            out.append("-cum")
        else:
            out.append(f"-{name}={str(value).lower() if isinstance(value, bool) else value}")
    return out


def source(name: str) -> list[str] | None:
    path = Path(__file__).parent / "goprofiles" / Path(name).name
    return path.read_text().splitlines() if path.is_file() else None


def rows(profile: Profile, report: str, options: Options) -> str:
    """Our output; empty where the tool prints none (an error)."""
    reports: dict[str, Callable[[], str]] = {
        "-top": lambda: top(profile, n=max(options.nodecount, 0), options=options).text(),
        "-tree": lambda: tree(profile, options).text(),
        "-traces": lambda: traces(profile, options),
        "-peek=put": lambda: peek(profile, "put", options).text(),
        "-list=put": lambda: listing(profile, "put", source=source, options=options).text(),
    }
    try:
        return reports[report]()
    except UsageError:
        return ""


@pytest.fixture(scope="module")
def heap(captures: Path) -> Profile:
    return read((captures / "after.heap.pb.gz").read_bytes())


@pytest.mark.parametrize("report", REPORTS)
@pytest.mark.parametrize("flags", SINGLE, ids=str)
def test_a_flag_does_what_it_does_in_the_tool(
    heap: Profile,
    captures: Path,
    pprof: Callable[..., str],
    flags: dict[str, str | float | bool],
    report: str,
) -> None:
    sources = Path(__file__).parent / "goprofiles"
    here = ["-source_path", sources, f"-trim_path={MODULE}"]
    theirs = pprof(report, *arguments(flags), *here, captures / "after.heap.pb.gz")
    options = Options(**flags, trim_path=MODULE)  # type: ignore[arg-type]
    assert rows(heap, report, options) == theirs


@pytest.mark.parametrize("report", REPORTS[:-1])
@pytest.mark.parametrize("flags", combinations(10), ids=str)
def test_flags_together_do_what_they_do_in_the_tool(
    heap: Profile,
    captures: Path,
    pprof: Callable[..., str],
    flags: dict[str, str | float | bool],
    report: str,
) -> None:
    theirs = pprof(report, *arguments(flags), captures / "after.heap.pb.gz")
    assert rows(heap, report, Options(**flags)) == theirs  # type: ignore[arg-type]


@pytest.mark.parametrize("normalize", [False, True], ids=["", "normalize"])
@pytest.mark.parametrize("relative", [False, True], ids=["base", "diff_base"])
@pytest.mark.parametrize("kind", ["heap", "allocs", "goroutine", "block", "mutex", "threadcreate"])
def test_a_difference_is_that_of_the_tool(
    captures: Path, pprof: Callable[..., str], kind: str, relative: bool, normalize: bool
) -> None:
    base, after = (captures / f"{when}.{kind}.pb.gz" for when in ("base", "after"))
    difference = diff(
        read(after.read_bytes()),
        read(base.read_bytes()),
        relative_to_base=relative,
        normalize=normalize,
    )
    how = f"-{'diff_' if relative else ''}base={base}"
    theirs = pprof("-top", how, f"-normalize={str(normalize).lower()}", after)
    assert top(difference, n=0).text() == theirs


@pytest.mark.parametrize("kind", ["heap", "goroutine", "mutex"])
def test_a_sum_of_profiles_is_that_of_the_tool(
    captures: Path, pprof: Callable[..., str], kind: str
) -> None:
    base, after = (captures / f"{when}.{kind}.pb.gz" for when in ("base", "after"))
    whole = merge([read(path.read_bytes()) for path in (base, after, base)])
    assert top(whole, n=0).text() == pprof("-top", base, after, base)


@pytest.mark.parametrize(
    "flags",
    [
        {"tagfocus": "tenant=acme"},
        {"tagfocus": "glob.x"},
        {"tagignore": "endpoint:/v1/cart"},
        {"tagroot": "tenant"},
        {"tagroot": "tenant,endpoint"},
        {"tagleaf": "endpoint,tenant"},
        {"tagshow": "tenant"},
        {"taghide": "ten"},
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", ["cpu", "after.goroutine"])
def test_label_flags_work_on_labelled_kinds(
    captures: Path, pprof: Callable[..., str], kind: str, flags: dict[str, str]
) -> None:
    path = captures / f"{kind}.pb.gz"
    profile, options = read(path.read_bytes()), Options(**flags)  # type: ignore[arg-type]
    assert top(profile, n=0, options=options).text() == pprof("-top", *arguments({**flags}), path)
    assert traces(profile, options) == pprof("-traces", *arguments({**flags}), path)
