from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from chaosmem import metrics
from chaosmem.evidence.model import Log, Series, Trial
from chaosmem.profile.layers import Amount, Balance
from chaosmem.report.gctrace import trace_rows
from chaosmem.report.layers import balance_bars, stacked
from tests.report import sample

TRIAL = sample.evidence().trials[0]
CLASSES = {
    metrics.HEAP_ALLOC: 50.0,
    metrics.HEAP_UNUSED: 5.0,
    metrics.HEAP_FREE: 20.0,
    metrics.HEAP_RELEASED: 12.0,
    metrics.STACKS: 3.0,
    metrics.GO_TOTAL: 100.0,
}


def measured(rss: list[float], **left_out: bool) -> Trial:
    t = np.array([1.0, 2.0, 3.0])
    u = np.zeros(3)
    columns = {m.name: Series(m, t, u, np.full(3, v), "x") for m, v in CLASSES.items()}
    columns[metrics.HEAP_LIVE.name] = Series(
        metrics.HEAP_LIVE, t, u, np.array([30.0, 30.0, 60.0]), "x"
    )
    times = np.linspace(1.0, 3.0, len(rss))
    columns[metrics.RSS.name] = Series(metrics.RSS, times, times * 0, np.array(rss), "x")
    return replace(TRIAL, series={k: v for k, v in columns.items() if k not in left_out})


def test_bands_add_up_to_what_go_has_mapped_and_not_returned() -> None:
    found = stacked(measured([95.0, 95.0]))
    assert found is not None
    assert {name: v[0] for name, v in found.bands} == {
        "heap: live": 30,
        "heap: new or unswept": 20,
        "heap: unused in spans": 5,
        "heap: free": 20,
        "stacks": 3,
        "Go: other": 10,
    }
    assert found.ready.tolist() == [88, 88, 88]
    assert np.sum([v for _, v in found.bands], axis=0).tolist() == found.ready.tolist()


def test_the_rest_is_rss_less_that_with_its_sign_and_between_readings_on_the_line() -> None:
    found = stacked(measured([98.0, 68.0]))
    assert found is not None
    assert found.rest is not None
    assert found.rest.tolist() == [10, -5, -20]


def test_live_heap_is_never_drawn_above_the_objects_that_there_are() -> None:
    found = stacked(measured([90.0, 90.0]))
    assert found is not None
    assert found.bands[0][1].tolist() == [30, 30, 50]


@pytest.mark.parametrize("missing", [metrics.HEAP_FREE, metrics.GO_TOTAL], ids=lambda m: m.name)
def test_layers_are_not_drawn_from_half_of_the_classes(missing: metrics.Metric) -> None:
    assert stacked(measured([90.0, 90.0], **{missing.name: True})) is None


def test_without_rss_the_runtimes_own_layers_are_drawn() -> None:
    found = stacked(measured([1.0], **{metrics.RSS.name: True}))
    assert found is not None
    assert found.rss is None
    assert len(found.t) == 3


def test_a_balance_is_drawn_with_its_unexplained_rest() -> None:
    parts = (Amount("heap_objects", 60, "a"), Amount("stacks", 20, "b"), Amount("none", 0, "c"))
    (bar,) = balance_bars([Balance("rss", Amount("rss", 100, "statm"), parts, "why")])
    assert [p.name for p in bar.parts] == ["heap objects", "stacks"]
    assert bar.rest == 20
    assert 'class="rest" x="800.0" width="200.0"' in bar.bar


def test_gctrace_lines_are_rows_on_the_trials_clock() -> None:
    found = trace_rows(TRIAL, TRIAL.log.started if TRIAL.log else 0.0, 100)
    assert found is not None
    assert [dict(zip(found.header, row, strict=True))["t"] for row in found.rows] == [
        "1.20 s",
        "3.50 s",
    ]
    assert found.rows[1][8:] == ("44 MiB", "1 MiB", "0 MiB", "2", "forced", "3")
    assert "1 cycles between them have no line." in found.notes


def test_times_of_a_second_process_are_its_own_and_that_is_said() -> None:
    twice = replace(TRIAL, log=Log("x", sample.GCTRACE * 2, 0.0))
    found = trace_rows(twice, 0.0, 100)
    assert found is not None
    assert found.rows[2][1] == "@1.20 s"
    assert "2 processes wrote to this log" in found.notes[0]


def test_a_log_without_gctrace_has_no_table() -> None:
    assert trace_rows(replace(TRIAL, log=Log("x", b"hello\n", 0.0)), 0.0, 10) is None
    assert trace_rows(replace(TRIAL, log=None), 0.0, 10) is None
