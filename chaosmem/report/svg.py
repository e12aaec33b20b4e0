"""Small static pictures, for readers without scripts and for many beside each other: inline SVG.

Colours come from the page's classes, so that they follow light, dark and print.
"""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from chaosmem.evidence.model import Floats
from chaosmem.report.chart import Chart, Columns
from chaosmem.report.downsample import extremes
from chaosmem.report.words import amount


@dataclass(frozen=True, slots=True)
class _Size:
    width: float
    height: float
    points: int
    """Of a line, at most about so many."""
    style: str


_LARGE = _Size(720.0, 120.0, 240, "spark")
_SMALL = _Size(240.0, 48.0, 100, "spark small")


def highest(chart: Chart) -> float:
    """The largest value of a chart; 1 where there is none above 0."""
    return max((float(v.max()) for c in chart.columns for v in c.v if len(v)), default=1.0) or 1.0


def sparkline(chart: Chart, seconds: float, fault: tuple[float, float] | None) -> Markup:
    """All lines of a chart, with the fault's interval shaded; times in seconds of the trial."""
    return _picture(chart, seconds, fault, highest(chart), _LARGE)


def small(chart: Chart, seconds: float, fault: tuple[float, float] | None, most: float) -> Markup:
    """The same, small, up to `most`: for one of many that are compared."""
    return _picture(chart, seconds, fault, most, _SMALL)


def _picture(
    chart: Chart, seconds: float, fault: tuple[float, float] | None, most: float, size: _Size
) -> Markup:
    length = max(seconds, 1e-9)
    shade = Markup()
    if fault is not None:
        left, right = (x / length * size.width for x in fault)
        shade = Markup(
            '<rect class="fault" x="{:.1f}" y="0" width="{:.1f}" height="{:.0f}"/>'
        ).format(left, max(right - left, 1), size.height)
    paths = Markup().join(
        Markup('<path class="line {}" d="{}"/>').format(line.role, _path(c, v, length, most, size))
        for c in chart.columns
        for line, v in zip(c.lines, c.v, strict=True)
    )
    words = f"{chart.title}, 0 to {amount(highest(chart), chart.unit)} over {length:.0f} s"
    return Markup(
        '<svg class="{}" viewBox="0 0 {:.0f} {:.0f}" role="img" aria-label="{}">{}{}</svg>'
    ).format(size.style, size.width, size.height, words, shade, paths)


def _path(columns: Columns, values: Floats, length: float, most: float, size: _Size) -> str:
    rows = extremes(columns.t, [values], size.points)
    xs, ys = columns.t[rows], values[rows]
    points = [
        f"{x / length * size.width:.1f} {size.height - y / most * (size.height - 4):.1f}"
        for x, y in zip(xs, ys, strict=True)
    ]
    return "M" + "L".join(points) if points else ""
