"""The arithmetic of few runs: bands, exact chances, shifts of the level."""

from __future__ import annotations

from fractions import Fraction
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from chaosmem.history.stats import bands, shifts


def test_a_band_is_the_median_and_its_factor_of_scaled_mad() -> None:
    band = bands.band([10.0, 11.0, 12.0, 13.0, 14.0, 95.0], share=0.0)
    assert (band.median, band.mad, band.k) == (12.5, 1.5, 8.05)
    assert band.half == pytest.approx(8.05 * 1.4826 * 1.5)
    assert (band.least, band.most) == (10.0, 95.0)


def test_values_that_do_not_scatter_have_the_floor_as_their_band() -> None:
    band = bands.band([40.0] * 8)
    assert (band.mad, band.lo, band.hi) == (0.0, 38.0, 42.0)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30))
def test_median_and_mad_are_numpys_and_scipys(values: list[float]) -> None:
    band = bands.band(values)
    assert band.median == pytest.approx(float(np.median(values)))
    assert band.mad == pytest.approx(float(stats.median_abs_deviation(values)), abs=1e-9)


@pytest.mark.parametrize("n", [6, 7, 12, 30])
def test_a_normal_value_lies_outside_the_band_in_one_case_of_a_hundred(n: int) -> None:
    rng = np.random.default_rng(n)
    before, after = rng.standard_normal((400_000, n)), rng.standard_normal(400_000)
    middle = np.median(before, axis=1)
    mad = np.median(np.abs(before - middle[:, None]), axis=1)
    outside = np.abs(after - middle) > bands.factor(n) * bands.TO_SIGMA * mad
    assert 0.0094 < outside.mean() < 0.0106


@pytest.mark.parametrize("n", range(6, 120))
def test_between_the_tabled_sizes_the_wider_factor_holds(n: int) -> None:
    assert bands.factor(n) >= bands.factor(n + 1)


@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_the_next_value_is_outermost_in_exactly_two_of_n_plus_one_orders(n: int) -> None:
    orders = list(permutations(range(n + 1)))
    outside = sum(o[-1] > max(o[:-1]) or o[-1] < min(o[:-1]) for o in orders)
    assert Fraction(outside, len(orders)) == bands.chance_outside(n)
    above = sum(o[-1] > max(o[:-1]) for o in orders)
    assert Fraction(above, len(orders)) == bands.chance_outside(n, sides=1)
    assert bands.coverage(n) == 1 - bands.chance_outside(n)


@pytest.mark.parametrize(("wanted", "n"), [("1/2", 3), ("4/5", 9), ("9/10", 19), ("19/20", 39)])
def test_the_fewest_runs_whose_range_covers_the_next(wanted: str, n: int) -> None:
    assert bands.fewest_for(Fraction(wanted)) == n
    assert bands.coverage(n) >= Fraction(wanted) > bands.coverage(n - 1)


@pytest.mark.parametrize("values", [[1, 2, 3, 4, 5], [1, 1, 2, 2, 2], [3, 1, 2, 2, 9, 7]])
def test_the_exact_p_is_the_share_of_all_orders(values: list[int]) -> None:
    def most(order: tuple[float, ...]) -> float:
        ranks = stats.rankdata(order)
        sums = 2 * np.cumsum(ranks)[:-1] - np.arange(1, len(order)) * (len(order) + 1)
        return float(np.abs(sums).max())

    seen = tuple(float(v) for v in values)
    orders = list(permutations(seen))
    expected = sum(most(o) >= most(seen) - 1e-9 for o in orders) / len(orders)
    assert shifts._tested(seen, 0, len(seen)).p == pytest.approx(expected)


def test_four_against_four_is_the_least_that_shows_a_shift() -> None:
    (found,) = shifts.shifts([1.0, 1.1, 1.2, 1.3, 2.0, 2.1, 2.2, 2.3])
    assert (found.at, found.method) == (4, "exact")
    assert found.p == pytest.approx(2 / 70)
    assert shifts.shifts([1.0, 1.1, 1.2, 2.0, 2.1, 2.2, 2.3]) == ()


def test_values_that_are_all_alike_have_no_shift() -> None:
    assert shifts.shifts([5.0] * 40) == ()
    assert shifts.shifts([]) == ()


def test_several_shifts_are_found_where_they_are() -> None:
    rng = np.random.default_rng(5)
    values = [float(rng.normal(mean, 0.1)) for mean in (1.0, 3.0, 2.0) for _ in range(20)]
    assert [s.at for s in shifts.shifts(values)] == [20, 40]


@pytest.mark.parametrize("n", [8, 12, 13, 25])
def test_without_a_shift_one_is_found_in_at_most_five_of_a_hundred(n: int) -> None:
    rng = np.random.default_rng(n)
    false = sum(bool(shifts.shifts(rng.normal(size=n).tolist())) for _ in range(1500))
    assert 0.01 < false / 1500 < 0.065  # three standard errors above 5 %
