"""`top` gives the rows, values and order of `go tool pprof -top`."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from pathlib import Path

import pytest

from chaosmem.profile import GRANULARITIES, Granularity, Options, read, top

KINDS = [
    "cpu",
    *(
        f"{when}.{kind}"
        for when in ("base", "after")
        for kind in ("heap", "allocs", "goroutine", "block", "mutex", "threadcreate")
    ),
]


def canonical(text: str) -> list[str]:
    """Lines, with rows that the tool puts in random order sorted and without their running sum.

    The tool has no order for rows of equal flat and name (one file, several start lines).
    """
    lines = text.splitlines()
    out: list[str] = []
    for _, run in groupby(lines, _order):
        equal = list(run)
        out += equal if len(equal) == 1 else sorted(map(_without_sum, equal))
    return out


def _order(line: str) -> tuple[str, ...]:
    words = line.split()
    is_row = len(words) > 5 and words[1].endswith("%")
    return (words[0], words[5]) if is_row else (line,)


def _without_sum(line: str) -> str:
    words = line.split()
    return " ".join([*words[:2], *words[3:]])


EVERY_DAY = ("functions", "lines")


@pytest.mark.parametrize(
    "granularity",
    [pytest.param(g, marks=[] if g in EVERY_DAY else pytest.mark.slow) for g in GRANULARITIES],
)
@pytest.mark.parametrize("kind", KINDS)
def test_top_of_every_kind_is_that_of_the_tool(
    captures: Path, pprof: Callable[..., str], kind: str, granularity: Granularity
) -> None:
    path = captures / f"{kind}.pb.gz"
    profile = read(path.read_bytes())
    for index in range(len(profile.sample_types)):
        ours = top(profile, n=0, sample_index=index, granularity=granularity).text()
        theirs = pprof("-top", f"-{granularity}", f"-sample_index={index}", path)
        assert canonical(ours) == canonical(theirs)


@pytest.mark.parametrize("n", [1, 3, 10])
@pytest.mark.parametrize("cum", [False, True], ids=["flat", "cum"])
def test_the_first_rows_are_those_of_the_tool(
    captures: Path, pprof: Callable[..., str], n: int, cum: bool
) -> None:
    path = captures / "after.heap.pb.gz"
    order = ["-cum"] if cum else []
    ours = top(read(path.read_bytes()), n=n, options=Options(cum=cum)).text()
    assert ours == pprof("-top", f"-nodecount={n}", *order, path)
