"""The live view, as text."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from chaosmem import metrics
from chaosmem.cli.live import LiveView, sparkline
from chaosmem.drivers.sources import Reading
from chaosmem.rundir import events
from tests.plan.test_plan import _plan


@pytest.mark.parametrize(
    ("values", "bars"),
    [
        ([], ""),
        ([0.0, 0.0], "  "),
        ([0.0, 1.0, 2.0], " ▄█"),
        ([5.0], "█"),
        ([-1.0, 8.0], " █"),
    ],
    ids=["nothing", "zeros", "a ramp", "one value", "below zero"],
)
def test_a_sparkline_is_scaled_from_zero_to_its_maximum(values: list[float], bars: str) -> None:
    assert sparkline(values) == bars


def test_a_long_series_is_squeezed_without_losing_its_peak() -> None:
    values = [1.0] * 1000
    values[777] = 8.0
    squeezed = sparkline(values, width=48)
    assert len(squeezed) <= 48
    assert squeezed.count("█") == 1


def test_the_view_shows_the_phase_the_series_and_what_happened() -> None:
    console = Console(file=io.StringIO(), width=100)
    view = LiveView(_plan(), "run-1", console)
    view.entry(events.TrialStarted(t=0, trial="t01-default", arm="default", number=1, target="p"))
    view.entry(events.PhaseBegun(t=1, trial="t01-default", phase="hold"))
    view.entry(events.FaultApplied(t=2, trial="t01-default", fault="f1-goroutines", at=2, u=0.001))
    view.reading(Reading(2.0, 0.001, {metrics.GOROUTINES.name: 1234.0}))
    console.print(view.render())
    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue()
    for words in ("trial 1 of 1", "hold", "goroutines", "1234", "f1-goroutines applied"):
        assert words in shown
