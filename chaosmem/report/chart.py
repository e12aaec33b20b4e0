"""A time line as numbers: what `charts` makes, and what is drawn by scripts and as pictures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chaosmem.evidence.model import Floats, Series, Trial, Window
from chaosmem.metrics import Metric


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a chart.

    Attributes:
        role: picks its colour and dash.
        step: a value holds to the next.
        area: a band, drawn on top of the bands before it; one below zero has no height.
    """

    label: str
    role: str
    step: bool = False
    area: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Lines that share their times: `t` in seconds of the trial, `v[i]` of line `lines[i]`."""

    lines: tuple[Line, ...]
    t: Floats
    v: tuple[Floats, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Chart:
    """One time line.

    Attributes:
        unit: of all its values; `By`, `s`, `%`, `1`, `1/s`.
        source: where the numbers were read, for people.
        band: steady-state band (low, high), where a check used one.
        deadline: by when the check demands recovery, in seconds of the trial.
        shows: names of the metrics that are drawn or that the lines are computed from.
        file: the one that it was read from, of an answer to a query.
    """

    id: str
    title: str
    unit: str
    source: str
    columns: tuple[Columns, ...]
    band: tuple[float, float] | None = None
    deadline: float | None = None
    shows: tuple[str, ...] = ()
    file: str = ""


def window(trial: Trial) -> Window:
    """From the first phase's start to the last one's end, or to the last sample."""
    start = min((w.start for w in trial.phases.values()), default=0.0)
    end = max((w.end for w in trial.phases.values()), default=start)
    last = max((s.t[-1] for s in trial.series.values() if len(s)), default=end)
    return Window(start, max(end, float(last)))


def finite(trial: Trial, metric: Metric) -> Series:
    """A series without the values that no chart can show: a target may well answer NaN or +Inf."""
    series = trial.of(metric)
    kept = np.isfinite(series.v)
    if kept.all():
        return series
    return Series(metric, series.t[kept], series.u[kept], series.v[kept], series.file)
