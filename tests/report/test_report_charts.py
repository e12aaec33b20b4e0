from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from chaosmem import metrics
from chaosmem.evidence.model import Series
from chaosmem.metrics import Metric
from chaosmem.report.charts import charts, fault_window, rounding
from chaosmem.spec.base import Phase
from chaosmem.verify.model import Number
from tests.report import sample

EVIDENCE = sample.evidence("leak")
TRIAL = EVIDENCE.trials[0]


def series(metric: Metric, t: list[float], v: list[float]) -> dict[str, Series]:
    times = np.array(t)
    return {metric.name: Series(metric, times, np.zeros(len(t)), np.array(v), "x")}


def test_a_whole_run_gives_six_time_lines_in_one_order() -> None:
    made = charts(TRIAL, (), EVIDENCE.experiment.checks, 1000)
    assert [c.id for c in made] == ["goroutines", "heap", "layers", "gc-cpu", "load", "latency"]


def test_band_and_deadline_are_those_that_the_check_decided_by() -> None:
    findings = sample.verdict(EVIDENCE).findings
    chart = charts(TRIAL, findings, EVIDENCE.experiment.checks, 1000)[0]
    assert chart.band == (16, 20)
    assert chart.deadline == pytest.approx(25.02 + 5, abs=0.01)


def test_no_band_is_drawn_that_no_check_has_found() -> None:
    chart = charts(TRIAL, (), EVIDENCE.experiment.checks, 1000)[0]
    assert (chart.band, chart.deadline) == (None, None)


def test_a_check_of_another_trial_is_not_mistaken_for_this_one() -> None:
    other = replace(
        sample.verdict(EVIDENCE).findings[1], numbers={"baseline median": Number(1, "1", 1)}
    )
    chart = charts(TRIAL, (other,), EVIDENCE.experiment.checks, 1000)[0]
    assert chart.band is None


def test_gc_share_is_that_of_the_time_between_two_updates() -> None:
    t = [1.0, 2.0, 3.0, 4.0, 5.0]
    columns = series(metrics.GC_CPU, t, [0.0, 0.0, 0.1, 0.1, 0.4])
    columns |= series(metrics.GO_CPU, t, [0.0, 0.0, 2.0, 2.0, 4.0])
    (chart,) = charts(replace(TRIAL, series=columns), (), (), 1000)
    assert chart.columns[0].t.tolist() == [0.0, 2.0]
    assert chart.columns[0].v[0].tolist() == pytest.approx([5.0, 15.0])


def test_counters_of_load_become_rates() -> None:
    t = list(np.arange(1, 41, 0.1))
    columns = series(metrics.LOAD_OK, t, [x * 40 for x in t])
    (chart,) = charts(replace(TRIAL, series=columns), (), (), 1000)
    assert chart.unit == "1/s"
    assert chart.columns[0].v[0] == pytest.approx(40.0)


def test_series_of_different_clocks_stay_apart() -> None:
    columns = series(metrics.HEAP_LIVE, [1.0, 2.0], [1.0, 2.0])
    columns |= series(metrics.HEAP_GOAL, [1.5, 2.5], [3.0, 4.0])
    (chart,) = charts(replace(TRIAL, series=columns), (), (), 1000)
    assert [g.t.tolist() for g in chart.columns] == [[0.0, 1.0], [0.5, 1.5]]


def test_a_fault_that_this_trial_does_not_have_draws_no_line() -> None:
    columns = series(metrics.GOROUTINES, [1.0, 2.0], [9.0, 9.0])
    columns |= series(metrics.GOROUTINES_HELD, [1.0, 2.0], [0.0, 0.0])
    (chart,) = charts(replace(TRIAL, series=columns), (), (), 1000)
    assert [line.label for g in chart.columns for line in g.lines] == ["goroutines"]


def test_no_samples_give_no_time_lines() -> None:
    assert charts(replace(TRIAL, series={}), (), (), 1000) == ()


def test_the_shaded_interval_is_that_of_the_faults_that_end_before_recovery() -> None:
    found = fault_window(TRIAL)
    assert found is not None
    assert found.start == pytest.approx(TRIAL.phases[Phase.INJECT].start, abs=0.05)
    assert found.end == pytest.approx(TRIAL.phases[Phase.HOLD].end, abs=0.05)


def test_a_fault_that_was_never_undone_is_shaded_to_the_end() -> None:
    never = replace(TRIAL, faults=tuple(replace(f, undone=None) for f in TRIAL.faults))
    found = fault_window(never)
    assert found is not None
    assert found.end == pytest.approx(41.0, abs=0.2)


def test_bytes_are_written_whole_and_seconds_to_six_digits() -> None:
    values = np.array([1.5, 1234567.891])
    assert rounding("By")(values) == [2, 1234568]
    assert rounding("s")(values) == [1.5, 1234570.0]


def test_values_that_are_no_numbers_are_left_out() -> None:
    nan, inf = float("nan"), float("inf")
    columns = series(metrics.RSS, [1.0, 2.0, 3.0, 4.0], [5.0, nan, inf, 6.0])
    (chart,) = charts(replace(TRIAL, series=columns), (), (), 1000)
    assert chart.columns[0].t.tolist() == [0.0, 3.0]
    assert chart.columns[0].v[0].tolist() == [5.0, 6.0]
