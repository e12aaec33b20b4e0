"""The time lines of one trial, ready to be drawn: the numbers only, no look."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np

from chaosmem import metrics
from chaosmem.evidence.model import Floats, Series, Trial, Window
from chaosmem.metrics import Metric
from chaosmem.report.chart import Chart, Columns, Line, finite, window
from chaosmem.report.downsample import extremes, per_bucket
from chaosmem.report.memory import container, layers
from chaosmem.report.queried import queried
from chaosmem.spec.base import Phase
from chaosmem.spec.checks import Check, GoroutineRecovery
from chaosmem.verify.model import Finding

_MIN_RATE_STEP = 1.0  # seconds over which counters become rates: 10 samples at the default rate


def charts(
    trial: Trial, findings: Sequence[Finding], checks: Sequence[Check], limit: int
) -> tuple[Chart, ...]:
    """The time lines of `trial` for which there are samples, at most about `limit` rows each."""
    made = [
        _goroutines(trial, findings, checks, limit),
        _levels(trial, limit, "heap", "Heap", _HEAP),
        layers(trial, limit) or _levels(trial, limit, "rss", "Memory of the process", _PROCESS),
        container(trial, limit),
        _gc_cpu(trial, limit),
        *_load(trial, limit),
        *queried(trial, findings, limit),
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
    found = [(finite(trial, metric), line) for metric, line in lines]
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
    shows = tuple(s.metric.name for s, _ in found)
    return Chart(id_, title, found[0][0].metric.unit, source, columns, shows=shows)


def _says_something(series: Series) -> bool:
    """Not empty, and not the unbroken zero of a fault that this trial does not have."""
    held = series.metric in {metrics.GOROUTINES_HELD, metrics.HEAP_HELD}
    return len(series) > 0 and not (held and not series.v.any())


def _thin(columns: Columns, limit: int) -> Columns:
    rows = extremes(columns.t, columns.v, limit)
    return Columns(columns.lines, columns.t[rows], tuple(v[rows] for v in columns.v))


_GC_CPU_FROM = (metrics.GC_CPU, metrics.GC_CPU_IDLE, metrics.GO_CPU, metrics.GO_CPU_IDLE)


def _gc_cpu(trial: Trial, limit: int) -> Chart | None:
    """Share of Go's CPU time in GC, from one update of the counters (a GC cycle) to the next."""
    gc, whole = finite(trial, metrics.GC_CPU), finite(trial, metrics.GO_CPU)
    if len(gc) < 2 or not np.array_equal(gc.t, whole.t):  # noqa: PLR2004 - a share needs two
        return None
    at = np.flatnonzero(np.diff(gc.v, prepend=np.nan) != 0)
    spent, had = np.diff(gc.v[at]), np.diff(whole.v[at])
    share = 100 * np.divide(spent, had, out=np.zeros_like(spent), where=had > 0)
    # A value holds for the time that it was measured over, which is the time before it.
    line = Line("GC share of CPU", "main", step=True)
    columns = Columns((line,), gc.t[at][:-1] - window(trial).start, (share,))
    source = f"{metrics.GC_CPU.source} / {metrics.GO_CPU.source}"
    made = (_thin(columns, limit),)
    return Chart("gc-cpu", "GC CPU", "%", source, made, shows=_names(_GC_CPU_FROM))


def _load(trial: Trial, limit: int) -> Iterable[Chart | None]:
    span = window(trial)
    width = max(_MIN_RATE_STEP, span.seconds / max(1, limit))
    named = (
        (metrics.LOAD_OK, Line("answered", "main")),
        (metrics.LOAD_FAILED, Line("failed", "fault")),
    )
    rates = [
        _rate(finite(trial, m), line, span, width) for m, line in named if len(finite(trial, m)) > 1
    ]
    if rates:
        shows = _names((metrics.LOAD_SENT, metrics.LOAD_OK, metrics.LOAD_FAILED))
        yield Chart("load", "Load", "1/s", "chaosmem load", tuple(rates), shows=shows)
    seen = finite(trial, metrics.LOAD_LATENCY)
    if len(seen):
        t, columns = per_bucket(seen.within(span), span, width, (0.5, 0.99))
        lines = (Line("p50", "main"), Line("p99", "second"))
        made = Columns(lines, t - span.start, columns)
        title = f"Latency, per {width:.3g} s"
        source = "chaosmem load, answered requests"
        yield Chart("latency", title, "s", source, (made,), shows=_names((metrics.LOAD_LATENCY,)))


def _names(found: Iterable[Metric]) -> tuple[str, ...]:
    return tuple(metric.name for metric in found)


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
