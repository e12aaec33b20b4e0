from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from chaosmem.verify.stats import ranks
from chaosmem.verify.stats.median import median_interval

few = st.lists(st.integers(0, 6).map(float), min_size=1, max_size=6)
distinct = st.lists(st.integers(-(10**6), 10**6), min_size=2, max_size=16, unique=True)


@given(few)
def test_midranks_are_scipys(values: list[float]) -> None:
    assert ranks.midranks(np.array(values)).tolist() == stats.rankdata(values).tolist()


@given(distinct, st.data())
def test_without_ties_the_exact_p_is_scipys(values: list[int], data: st.DataObject) -> None:
    n = data.draw(st.integers(1, len(values) - 1))
    a, b = [float(v) for v in values[:n]], [float(v) for v in values[n:]]
    test = ranks.mann_whitney(a, b)
    expected = stats.mannwhitneyu(a, b, method="exact").pvalue
    assert test.method == "exact"
    assert test.p == pytest.approx(expected)


@given(few, few)
def test_with_ties_the_exact_p_is_that_of_all_arrangements(a: list[float], b: list[float]) -> None:
    pooled = stats.rankdata([*a, *b])
    mean = len(a) * pooled.mean()
    seen = abs(pooled[: len(a)].sum() - mean)
    sums = [abs(sum(chosen) - mean) for chosen in combinations(pooled, len(a))]
    expected = sum(s >= seen - 1e-9 for s in sums) / len(sums)
    assert ranks.mann_whitney(a, b).p == pytest.approx(expected)


@pytest.mark.parametrize("ties", [False, True], ids=["distinct", "tied"])
def test_with_many_values_the_normal_p_is_scipys(ties: bool) -> None:
    random = np.random.default_rng(7)
    a, b = random.normal(0, 1, 60), random.normal(0.4, 1, 70)
    if ties:
        a, b = a.round(1), b.round(1)
    test = ranks.mann_whitney(a.tolist(), b.tolist())
    expected = stats.mannwhitneyu(a, b, method="asymptotic").pvalue
    assert test.method == "normal"
    assert test.p == pytest.approx(expected)


def test_values_that_are_all_the_same_show_nothing() -> None:
    assert ranks.mann_whitney([5.0] * 3, [5.0] * 4).p == 1.0
    assert ranks.mann_whitney([5.0] * 60, [5.0] * 70).p == 1.0


@pytest.mark.parametrize(
    ("n", "p"), [(3, 0.1), (4, 0.02857142857142857), (5, 0.007936507936507936)]
)
def test_how_little_p_a_few_trials_can_reach(n: int, p: float) -> None:
    low, high = [float(i) for i in range(n)], [float(i + 100) for i in range(n)]
    assert ranks.least_p(n, n) == p
    assert ranks.mann_whitney(low, high).p == p


@pytest.mark.parametrize(("n", "m"), [(1, 1), (3, 3), (4, 3), (5, 5), (2, 7)])
def test_the_intervals_coverage_is_that_of_all_arrangements(n: int, m: int) -> None:
    covered = 0
    places = range(n + m)
    for base in combinations(places, n):
        a = [float(i) for i in base]
        b = [float(i) for i in places if i not in base]
        found = ranks.shift_interval(a, b)
        covered += found.lo < 0 < found.hi  # no shift, and no two values are the same
    assert found.coverage == pytest.approx(covered / math.comb(n + m, n))


@pytest.mark.parametrize(("n", "coverage"), [(3, 0.9), (4, 0.9714), (6, 0.9589)])
def test_the_interval_is_the_narrowest_that_reaches_95_percent(n: int, coverage: float) -> None:
    low, high = [float(i) for i in range(n)], [i + 100.5 for i in range(n)]
    assert ranks.shift_interval(low, high).coverage == pytest.approx(coverage, abs=5e-5)


@given(few, few)
def test_the_interval_encloses_the_shift_and_turns_round_with_the_arms(
    a: list[float], b: list[float]
) -> None:
    one, other = ranks.shift_interval(a, b), ranks.shift_interval(b, a)
    assert one.lo <= ranks.hodges_lehmann(a, b) <= one.hi
    assert (one.lo, one.hi) == (-other.hi, -other.lo)


def test_with_many_values_the_interval_is_the_normal_one_and_close_to_the_exact() -> None:
    random = np.random.default_rng(7)
    a, b = random.normal(0, 1, 60).tolist(), random.normal(0.4, 1, 70).tolist()
    found = ranks.shift_interval(a, b)
    assert 0.95 <= found.coverage < 0.952
    assert found.lo < ranks.hodges_lehmann(a, b) < found.hi
    exact, sd = ranks._tail(16, 16), math.sqrt(16 * 16 * 33 / 12)
    normal = [math.erfc((127.5 - d) / (sd * math.sqrt(2))) / 2 for d in range(128)]
    assert np.abs(exact - normal).max() < 0.003


@given(few, few)
def test_cliffs_delta_is_the_difference_of_the_two_chances(a: list[float], b: list[float]) -> None:
    pairs = [(x, y) for x in a for y in b]
    expected = (sum(y > x for x, y in pairs) - sum(y < x for x, y in pairs)) / len(pairs)
    assert ranks.cliffs_delta(a, b) == pytest.approx(expected)


@given(few, few, st.integers(-5, 5))
def test_hodges_lehmann_follows_a_shift(a: list[float], b: list[float], by: int) -> None:
    moved = [v + by for v in b]
    before, after = ranks.hodges_lehmann(a, b), ranks.hodges_lehmann(a, moved)
    assert after - before == pytest.approx(by)


@given(distinct)
def test_spearman_is_scipys(values: list[int]) -> None:
    x, y = np.arange(len(values), dtype=float), np.array(values, dtype=float)
    assert ranks.spearman(x, y) == pytest.approx(stats.spearmanr(x, y).statistic)


def test_spearman_of_a_constant_is_nothing() -> None:
    assert ranks.spearman(np.arange(5.0), np.ones(5)) == 0.0


@pytest.mark.parametrize(
    ("n", "interval", "coverage"),
    [
        pytest.param(2, (0, 1), 0.5, id="two"),
        pytest.param(5, (0, 4), 0.9375, id="five-are-too-few"),
        pytest.param(6, (0, 5), 0.96875, id="six-are-the-fewest"),
        pytest.param(8, (0, 7), 0.9921875, id="eight-need-all"),
        pytest.param(9, (1, 7), 0.9609375, id="nine-leave-out-the-extremes"),
        pytest.param(20, (5, 14), 1 - 2 * 21700 / 2**20, id="twenty"),
    ],
)
def test_the_medians_interval_is_that_of_order_statistics(
    n: int, interval: tuple[int, int], coverage: float
) -> None:
    found = median_interval([float(i) for i in reversed(range(n))])
    assert found is not None
    assert (found.lo, found.hi) == interval
    assert found.coverage == pytest.approx(coverage)


def test_one_value_has_no_interval() -> None:
    assert median_interval([1.0]) is None


@given(st.integers(2, 60))
def test_the_interval_is_the_narrowest_that_covers(n: int) -> None:
    found = median_interval([float(i) for i in range(n)])
    assert found is not None
    d = round(found.lo) + 1
    assert found.coverage == pytest.approx(1 - 2 * stats.binom.cdf(d - 1, n, 0.5))
    narrower = 1 - 2 * stats.binom.cdf(d, n, 0.5)
    assert narrower < 0.95 or 2 * (d + 1) > n
    assert not math.isnan(found.hi)
