"""The time lines of memory by layer: what Go has mapped, and what its container is charged."""

from __future__ import annotations

import numpy as np

from chaosmem import metrics
from chaosmem.evidence.model import Floats, Trial
from chaosmem.report.chart import Chart, Columns, Line, finite, window
from chaosmem.report.downsample import extremes
from chaosmem.report.layers import CLASSES, stacked


def layers(trial: Trial, limit: int) -> Chart | None:
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
    source = ", ".join(
        filter(None, ("/memory/classes/*:bytes", "/gc/heap/live:bytes", found.source))
    )
    shows = tuple(m.name for m in (*CLASSES, metrics.RSS, metrics.TARGET_RSS))
    return Chart("layers", "Memory layers", "By", source, (columns,), shows=shows)


_CHARGED = (metrics.CGROUP_USAGE, metrics.CGROUP_ANON, metrics.CGROUP_CACHE)


def container(trial: Trial, limit: int) -> Chart | None:
    """What the container's cgroup is charged, by what took it, under its limit.

    The bands together are the cgroup's usage. What the helper holds is its own count; its share of
    the anonymous pages is taken to be that, so where the cgroup's statistics lag behind, the
    service's band is a little small.
    """
    usage, anon, cache = (finite(trial, m) for m in _CHARGED)
    if not len(usage) or not all(np.array_equal(s.t, usage.t) for s in (anon, cache)):
        return None
    held = np.minimum(_beside(trial, usage.t, metrics.STRESS_HELD), anon.v)
    other = np.maximum(usage.v - anon.v - cache.v, 0.0)
    named = [
        (Line("the service (anonymous)", "band0", area=True), anon.v - held),
        (Line("held by chaosmem's helper", "held", area=True), held),
        (Line("page cache", "band2", area=True), cache.v),
        (Line("kernel and other", "band5", area=True), other),
        *_over(trial, usage.t),
    ]
    rows = extremes(usage.t, [usage.v, held], limit)
    columns = Columns(
        tuple(line for line, _ in named),
        usage.t[rows] - window(trial).start,
        tuple(v[rows] for _, v in named),
    )
    shown = (*_CHARGED, metrics.STRESS_HELD, metrics.STRESS_LEVEL, *(m for m, _ in _OVER))
    names = tuple(m.name for m in shown)
    source = "the cgroup's files, read by the helper; what it holds, by its own count"
    return Chart("container", "Container (cgroup)", "By", source, (columns,), shows=names)


_OVER = (
    (metrics.CGROUP_WORKING_SET, Line("working set", "edge")),
    (metrics.CGROUP_LIMIT, Line("limit", "limit", step=True)),
)


def _over(trial: Trial, t: Floats) -> list[tuple[Line, Floats]]:
    """The lines over the bands, of those that were measured; a cgroup may have no limit."""
    found = [(finite(trial, metric), line) for metric, line in _OVER]
    return [(line, s.v) for s, line in found if np.array_equal(s.t, t) and s.v.any()]


def _beside(trial: Trial, t: Floats, metric: metrics.Metric) -> Floats:
    """A metric at the times of others; 0 where it was not measured with them."""
    found = finite(trial, metric)
    return found.v if np.array_equal(found.t, t) else np.zeros_like(t)
