from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from chaosmem.evidence.model import Series, Window
from chaosmem.metrics import LOAD_LATENCY
from chaosmem.report.downsample import extremes, per_bucket

VALUES = arrays(np.float64, st.integers(0, 400), elements=st.floats(-1e9, 1e9))


def test_few_points_are_all_kept() -> None:
    t = np.arange(10.0)
    assert extremes(t, [t], 10).tolist() == list(range(10))


def test_a_spike_of_one_sample_survives() -> None:
    t = np.arange(10_000) / 10
    v = np.zeros(10_000)
    v[4321] = 1.0
    kept = extremes(t, [v], 200)
    assert 4321 in kept
    assert len(kept) <= 202


@given(VALUES, VALUES, st.integers(4, 100))
@settings(max_examples=60, deadline=None)
def test_extremes_and_ends_of_every_column_are_kept(
    a: np.ndarray, b: np.ndarray, limit: int
) -> None:
    many = min(len(a), len(b))
    a, b, t = a[:many], b[:many], np.cumsum(np.ones(many))
    kept = extremes(t, [a, b], limit)
    assert len(kept) <= max(limit, 4) + 4
    assert (np.diff(kept) > 0).all()
    if many:
        assert {0, many - 1} <= set(kept.tolist())
        for column in (a, b):
            assert column[kept].max() == column.max()
            assert column[kept].min() == column.min()


def test_quantiles_stand_in_the_middle_of_their_step_and_empty_steps_are_left_out() -> None:
    t = np.array([10.1, 10.2, 10.3, 13.5])
    v = np.array([1.0, 2.0, 3.0, 7.0])
    series = Series(LOAD_LATENCY, t, np.zeros(4), v, "x")
    middles, (median, top) = per_bucket(series, Window(10.0, 14.0), 1.0, (0.5, 1.0))
    assert middles.tolist() == [10.5, 13.5]
    assert median.tolist() == [2.0, 7.0]
    assert top.tolist() == [3.0, 7.0]


def test_quantiles_of_nothing_are_nothing() -> None:
    none = np.empty(0)
    middles, columns = per_bucket(
        Series(LOAD_LATENCY, none, none, none, ""), Window(0.0, 1.0), 1.0, (0.5, 0.99)
    )
    assert len(middles) == 0
    assert [len(c) for c in columns] == [0, 0]


@pytest.mark.parametrize("t", [[5.0, 5.0, 5.0, 5.0, 5.0], [0.0, 1e-300, 1.0, 2.0, 3.0]])
def test_times_that_hardly_move_do_no_harm(t: list[float]) -> None:
    kept = extremes(np.array(t), [np.arange(5.0)], 4)
    assert {0, 4} <= set(kept.tolist())
