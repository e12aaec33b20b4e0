"""What older versions wrote is read as the metrics of now; what cannot be is told."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaosmem.metrics import REGISTRY, Metric
from chaosmem.metrics.conversions import Column, computed, modernise, renamed, scaled

USED = Metric("memory.used@v3", "By", "x", "Used.")
USED_2 = Metric("memory.used@v2", "By", "x", "Used.")
NOW = {USED.name: USED}
CHAIN = (
    scaled("memory.used@v1", USED_2, 1024, why="kibibytes"),
    computed(
        "memory.used@v2",
        USED,
        lambda total, returned: total - returned,
        "memory.used@v2",
        "memory.returned@v1",
        how="less what was returned",
        why="returned memory is not used",
    ),
    renamed("memory.returned@v1", Metric("memory.back@v1", "By", "x", "Back."), why="shorter"),
)


def column(*values: float) -> Column:
    return np.array(values)


def test_a_name_of_the_first_version_walks_through_every_later_one() -> None:
    made = modernise(
        {"memory.used@v1": column(3, np.nan), "memory.returned@v1": column(1024, 0)}, NOW, CHAIN
    )
    np.testing.assert_array_equal(made.columns["memory.used@v3"], [2048, np.nan])
    assert made.written == {"memory.used@v3": "memory.used@v1"}
    assert made.problems == ()


def test_what_lacks_an_operand_is_told() -> None:
    made = modernise({"memory.used@v1": column(3)}, NOW, CHAIN)
    assert made.columns == {}
    assert made.problems == (
        "memory.used@v2 cannot be read as memory.used@v3 without memory.returned@v1",
    )


def test_what_was_written_under_the_new_name_stands() -> None:
    made = modernise({"memory.used@v3": column(7), "memory.used@v2": column(9)}, NOW, CHAIN)
    assert list(made.columns["memory.used@v3"]) == [7]
    assert made.written == {}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("memory.used@v4", "made by a newer chaosmem; this one knows memory.used@v3"),
        ("tea.cups@v1", "made by a newer chaosmem, which this one does not know"),
        ("nonsense", "made by a newer chaosmem, which this one does not know"),
    ],
)
def test_what_a_newer_chaosmem_made_is_told_by_name(name: str, said: str) -> None:
    made = modernise({name: column(1)}, NOW, CHAIN)
    assert made.columns == {}
    assert made.problems == (f"{name} was {said}",)


def test_no_limit_is_minus_one_and_a_limit_stays() -> None:
    written = {"gc.gomemlimit@v1": column(2.0**63, 2.0**29, np.nan)}
    made = modernise(written, REGISTRY)
    np.testing.assert_array_equal(made.columns["gc.gomemlimit@v2"], [-1, 2.0**29, np.nan])


@given(st.lists(st.integers(0, 2**62).map(float), max_size=5))
def test_every_real_limit_stays_what_it_was(limits: list[float]) -> None:
    made = modernise({"gc.gomemlimit@v1": np.array(limits)}, REGISTRY)
    assert list(made.columns["gc.gomemlimit@v2"]) == limits


def test_anonymous_memory_has_its_own_name_now() -> None:
    made = modernise({"memory.cgroup.rss@v1": column(5)}, REGISTRY)
    assert {n: list(v) for n, v in made.columns.items()} == {"memory.cgroup.anon@v1": [5]}
