"""The time lines of one trial, ready to be drawn: the numbers only, no look."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from chaosmem import metrics
from chaosmem.evidence.model import Floats, Series, Trial, Window
from chaosmem.metrics import Metric
from chaosmem.report.downsample import extremes, per_bucket
from chaosmem.report.layers import stacked
from chaosmem.spec.base import Phase
from chaosmem.spec.checks import Check, GoroutineRecovery
from chaosmem.verify.model import Finding

_MIN_RATE_STEP = 1.0  # seconds over which counters become rates: 10 samples at the default rate


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
    """

    id: str
    title: str
    unit: str
    source: str
    columns: tuple[Columns, ...]
    band: tuple[float, float] | None = None
    deadline: float | None = None


def window(trial: Trial) -> Window:
    """From the first phase's start to the last one's end, or to the last sample."""
    start = min((w.start for w in trial.phases.values()), default=0.0)
    end = max((w.end for w in trial.phases.values()), default=start)
    last = max((s.t[-1] for s in trial.series.values() if len(s)), default=end)
    return Window(start, max(end, float(last)))


def charts(
    trial: Trial, findings: Sequence[Finding], checks: Sequence[Check], limit: int
) -> tuple[Chart, ...]:
    """The time lines of `trial` for which there are samples, at most about `limit` rows each."""
    made = [
        _goroutines(trial, findings, checks, limit),
        _levels(trial, limit, "heap", "Heap", _HEAP),
        _layers(trial, limit) or _levels(trial, limit, "rss", "Memory of the process", _PROCESS),
        _gc_cpu(trial, limit),
        *_load(trial, limit),
    ]
    return tuple(c for c in made if c is not None and any(len(g.t) for g in c.columns))


_Lines = tuple[tuple[Metric, Line], ...]
_COUNTS: _Lines = (
    (metrics.GOROUTINES, Line("goroutines", "main")),
    (metrics.GOROUTINES_HELD, Line("held by the fault", "fault", step=True)),
)
_HEAP: _Lines = (
    (metrics.HEAP_ALLOC, Line("allocated", "soft")),
    (metrics.HEAP_LIVE, Line("live", "main", step=True)),
    (metrics.HEAP_GOAL, Line("goal (next_gc)", "second", step=True)),
    (metrics.HEAP_HELD, Line("held by the fault", "fault", step=True)),
)
_PROCESS: _Lines = (
    (metrics.RSS, Line("resident (RSS)", "main")),
    (metrics.GO_TOTAL, Line("mapped by Go", "second")),
)


def _goroutines(
    trial: Trial, findings: Sequence[Finding], checks: Sequence[Check], limit: int
) -> Chart | None:
    """Goroutines, with the band and the deadline of the first check on their recovery."""
    chart = _levels(trial, limit, "goroutines", "Goroutines", _COUNTS)
    check = next((c for c in checks if isinstance(c, GoroutineRecovery)), None)
    if chart is None or check is None:
        return chart
    numbers = next((f.numbers for f in findings if f.check == check.kind), {})
    middle, release = numbers.get("baseline median"), numbers.get("released at")
    band = deadline = None
    if middle is not None and middle.error is not None:
        band = (middle.value - middle.error, middle.value + middle.error)
    if release is not None:
        deadline = release.value + check.within - window(trial).start
    return replace(chart, band=band, deadline=deadline)


def _levels(trial: Trial, limit: int, id_: str, title: str, lines: _Lines) -> Chart | None:
    """Measured values as they are; lines that were sampled together stay together."""
    found = [(_of(trial, metric), line) for metric, line in lines]
    found = [(series, line) for series, line in found if _says_something(series)]
    if not found:
        return None
    groups: list[list[tuple[Series, Line]]] = []
    for series, line in found:
        home = next((g for g in groups if np.array_equal(g[0][0].t, series.t)), None)
        (groups.append([(series, line)]) if home is None else home.append((series, line)))
    start = window(trial).start
    columns = tuple(
        _thin(
            Columns(tuple(line for _, line in g), g[0][0].t - start, tuple(s.v for s, _ in g)),
            limit // len(groups),
        )
        for g in groups
    )
    source = ", ".join(dict.fromkeys(s.metric.source for s, _ in found))
    return Chart(id_, title, found[0][0].metric.unit, source, columns)


def _layers(trial: Trial, limit: int) -> Chart | None:
    """Memory by layer, stacked, with what none of them explains as a band of its own."""
    found = stacked(trial)
    if found is None:
        return None
    found = found.rows(limit)
    lines = [Line(name, f"band{i}", area=True) for i, (name, _) in enumerate(found.bands)]
    values = [v for _, v in found.bands]
    if found.rss is not None and found.rest is not None:
        lines += [Line("unexplained", "rest", area=True), Line("resident (RSS)", "edge")]
        values += [found.rest, found.rss]
    lines.append(Line("mapped by Go", "second"))
    values.append(found.mapped)
    columns = Columns(tuple(lines), found.t - window(trial).start, tuple(values))
    source = "/memory/classes/*:bytes, /gc/heap/live:bytes, /proc/PID/statm"
    return Chart("layers", "Memory layers", "By", source, (columns,))


def _of(trial: Trial, metric: Metric) -> Series:
    """A series without the values that no chart can show: a target may well answer NaN or +Inf."""
    series = trial.of(metric)
    finite = np.isfinite(series.v)
    if finite.all():
        return series
    return Series(metric, series.t[finite], series.u[finite], series.v[finite], series.file)


def _says_something(series: Series) -> bool:
    """Not empty, and not the unbroken zero of a fault that this trial does not have."""
    held = series.metric in {metrics.GOROUTINES_HELD, metrics.HEAP_HELD}
    return len(series) > 0 and not (held and not series.v.any())


def _thin(columns: Columns, limit: int) -> Columns:
    rows = extremes(columns.t, columns.v, limit)
    return Columns(columns.lines, columns.t[rows], tuple(v[rows] for v in columns.v))


def _gc_cpu(trial: Trial, limit: int) -> Chart | None:
    """Share of Go's CPU time in GC, from one update of the counters (a GC cycle) to the next."""
    gc, whole = _of(trial, metrics.GC_CPU), _of(trial, metrics.GO_CPU)
    if len(gc) < 2 or not np.array_equal(gc.t, whole.t):  # noqa: PLR2004 - a share needs two
        return None
    at = np.flatnonzero(np.diff(gc.v, prepend=np.nan) != 0)
    spent, had = np.diff(gc.v[at]), np.diff(whole.v[at])
    share = 100 * np.divide(spent, had, out=np.zeros_like(spent), where=had > 0)
    # A value holds for the time that it was measured over, which is the time before it.
    line = Line("GC share of CPU", "main", step=True)
    columns = Columns((line,), gc.t[at][:-1] - window(trial).start, (share,))
    source = f"{metrics.GC_CPU.source} / {metrics.GO_CPU.source}"
    return Chart("gc-cpu", "GC CPU", "%", source, (_thin(columns, limit),))


def _load(trial: Trial, limit: int) -> Iterable[Chart | None]:
    span = window(trial)
    width = max(_MIN_RATE_STEP, span.seconds / max(1, limit))
    named = (
        (metrics.LOAD_OK, Line("answered", "main")),
        (metrics.LOAD_FAILED, Line("failed", "fault")),
    )
    rates = [_rate(_of(trial, m), line, span, width) for m, line in named if len(_of(trial, m)) > 1]
    if rates:
        yield Chart("load", "Load", "1/s", "chaosmem load", tuple(rates))
    seen = _of(trial, metrics.LOAD_LATENCY)
    if len(seen):
        t, columns = per_bucket(seen.within(span), span, width, (0.5, 0.99))
        lines = (Line("p50", "main"), Line("p99", "second"))
        made = Columns(lines, t - span.start, columns)
        title = f"Latency, per {width:.3g} s"
        yield Chart("latency", title, "s", "chaosmem load, answered requests", (made,))


def _rate(series: Series, line: Line, span: Window, width: float) -> Columns:
    """A counter's rise per second, over steps of `width`."""
    t = np.arange(span.start, min(span.end, float(series.t[-1])), width)
    counted = np.interp(t, series.t, series.v)
    return Columns((line,), (t[1:] + t[:-1]) / 2 - span.start, (np.diff(counted) / width,))


def fault_window(trial: Trial) -> Window | None:
    """From the first fault's effect to the last one's undo, of the faults that end before recovery.

    A load that runs on through recovery is no interval worth shading.
    """
    end = window(trial).end
    pairs = [
        (f.applied, end if f.undone is None else f.undone)
        for f in trial.faults
        if f.applied is not None and f.planned.end is not Phase.RECOVER
    ]
    if not pairs:
        return None
    return Window(min(a for a, _ in pairs), max(b for _, b in pairs))


Round = Callable[[Floats], list[float | int]]


def rounding(unit: str) -> Round:
    """How values of `unit` are written: whole bytes and counts, else six significant digits."""
    if unit in {"By", "1"}:
        return lambda v: [int(x) for x in np.rint(v)]
    return lambda v: [float(f"{x:.6g}") for x in v]
