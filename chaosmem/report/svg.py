"""Small static pictures, for readers without scripts and for distributions: inline SVG.

Colours come from the page's classes, so that they follow light, dark and print.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from chaosmem.evidence.model import Floats
from chaosmem.report.chart import Chart, Columns
from chaosmem.report.downsample import extremes
from chaosmem.report.words import amount
from chaosmem.verify.model import Finding, Summary

_WIDTH, _HEIGHT = 720.0, 120.0
_POINTS = 240


def sparkline(chart: Chart, start: float, end: float, fault: tuple[float, float] | None) -> Markup:
    """All lines of a chart, with the fault's interval shaded; times in seconds of the trial."""
    top = max((float(v.max()) for c in chart.columns for v in c.v if len(v)), default=1.0) or 1.0
    length = max(end - start, 1e-9)
    shade = Markup()
    if fault is not None:
        left, right = ((x - start) / length * _WIDTH for x in fault)
        shade = Markup(
            '<rect class="fault" x="{:.1f}" y="0" width="{:.1f}" height="{:.0f}"/>'
        ).format(left, max(right - left, 1), _HEIGHT)
    paths = Markup().join(
        Markup('<path class="line {}" d="{}"/>').format(line.role, _path(c, v, start, length, top))
        for c in chart.columns
        for line, v in zip(c.lines, c.v, strict=True)
    )
    words = f"{chart.title}, 0 to {amount(top, chart.unit)} over {length:.0f} s"
    return Markup(
        '<svg class="spark" viewBox="0 0 {:.0f} {:.0f}" role="img" aria-label="{}">{}{}</svg>'
    ).format(_WIDTH, _HEIGHT, words, shade, paths)


def _path(columns: Columns, values: Floats, start: float, length: float, top: float) -> str:
    rows = extremes(columns.t, [values], _POINTS)
    xs, ys = columns.t[rows], values[rows]
    points = [
        f"{(x - start) / length * _WIDTH:.1f} {_HEIGHT - y / top * (_HEIGHT - 4):.1f}"
        for x, y in zip(xs, ys, strict=True)
    ]
    return "M" + "L".join(points) if points else ""


@dataclass(frozen=True, slots=True)
class Strip:
    """The headline numbers of one check: a row of dots for each arm, drawn to one scale."""

    name: str
    unit: str
    low: str
    high: str
    rows: tuple[tuple[str, Summary | None, Markup], ...]


def strips(findings: Sequence[Finding], summaries: Sequence[Summary]) -> tuple[Strip, ...]:
    """One strip for each check that has at least two headline numbers."""
    names = dict.fromkeys(f.name for f in findings if f.headline)
    made = [_strip(name, [f for f in findings if f.name == name], summaries) for name in names]
    return tuple(s for s in made if s is not None)


def _strip(name: str, findings: Sequence[Finding], summaries: Sequence[Summary]) -> Strip | None:
    values = [f.headline.value for f in findings if f.headline]
    unit = next(f.headline.unit for f in findings if f.headline)
    if len(values) < 2:  # noqa: PLR2004 - one is no distribution
        return None
    low, high = min(values), max(values)
    rows = []
    for arm in dict.fromkeys(f.arm for f in findings):
        own = [f for f in findings if f.arm == arm and f.headline]
        summary = next((s for s in summaries if s.name == name and s.arm == arm), None)
        rows.append((arm, summary, _dots(own, summary, low, high)))
    return Strip(name, unit, amount(low, unit), amount(high, unit), tuple(rows))


def _dots(own: Sequence[Finding], summary: Summary | None, low: float, high: float) -> Markup:
    def place(value: float) -> float:
        return 10 + (value - low) / (high - low) * 300 if high > low else 160.0

    bar = Markup()
    if summary and summary.interval and summary.median is not None:
        left, right = (place(x) for x in summary.interval)
        bar = Markup('<line class="interval" x1="{:.1f}" x2="{:.1f}" y1="12" y2="12"/>').format(
            left, right
        ) + Markup('<line class="median" x1="{0:.1f}" x2="{0:.1f}" y1="3" y2="21"/>').format(
            place(summary.median)
        )
    dots = Markup().join(
        Markup('<circle class="{}" cx="{:.1f}" cy="12" r="4"><title>{}</title></circle>').format(
            f.outcome.lower(),
            place(f.headline.value),
            f"trial {f.trial}: {amount(f.headline.value, f.headline.unit)}",
        )
        for f in own
        if f.headline
    )
    words = ", ".join(amount(f.headline.value, f.headline.unit) for f in own if f.headline)
    return Markup(
        '<svg class="strip" viewBox="0 0 320 24" role="img" aria-label="{}">{}{}</svg>'
    ).format(words, bar, dots)
