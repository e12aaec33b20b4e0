"""Trend charts as inline SVG: they need no script, print, and follow light and dark. Pure.

Runs stand in their order, evenly. Outcomes differ in shape as in colour: a ring passed, a square
failed, a triangle could not decide.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from markupsafe import Markup

from chaosmem.history.model import FAIL, INCONCLUSIVE, Point
from chaosmem.history.text import amount
from chaosmem.history.trend import Trend
from chaosmem.report.downsample import extremes

_WIDTH, _HEIGHT = 860.0, 240.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 84.0, 12.0, 14.0, 26.0
_SMALL_WIDTH, _SMALL_HEIGHT = 220.0, 36.0
_TICKS = 5
_DAY, _MINUTE = 10, 16
"""Characters of a time stamp."""
MOST_POINTS: Final = 400
"""Drawn; of more, those that hold an extreme."""


@dataclass(frozen=True, slots=True)
class _Picture:
    """What is drawn, and the places of runs (by number) and values."""

    found: Trend
    runs: tuple[Point, ...]
    low: float
    high: float
    starts: tuple[int, ...]
    """Numbers of the runs at which the level shifted."""

    def x(self, number: float) -> float:
        """Of a run; half a run to the left is its edge."""
        return _LEFT + (number + 0.5) / max(1, len(self.runs)) * (_WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        """Of a value."""
        span = self.high - self.low or 1.0
        return _TOP + (self.high - value) / span * (_HEIGHT - _TOP - _BOTTOM)


def chart(found: Trend) -> Markup:
    """The trend: points with their errors, the present band, and the levels between shifts."""
    runs = tuple(p for p in found.points if p.counts and p.unit == found.unit)
    if not runs:
        return Markup()
    it = _picture(found, runs)
    parts = [*_axis(it), *_band(it), *_levels(it), *_points(it), *_days(it)]
    words = f"{found.check} over {len(runs)} runs: {found.says}"
    return _svg("trend", _WIDTH, _HEIGHT, Markup().join(parts), role="img", aria_label=words)


def small(found: Trend) -> Markup:
    """The counted values as one line, for a table that says the rest."""
    values = np.array([p.value for p in found.points if p.counts and p.unit == found.unit])
    if not len(values):
        return Markup()
    low, span = float(values.min()), float(values.max() - values.min()) or 1.0
    kept = extremes(np.arange(len(values), dtype=np.float64), [values], MOST_POINTS)
    x = (kept + 0.5) / len(values) * _SMALL_WIDTH
    y = _SMALL_HEIGHT - 4 - (values[kept] - low) / span * (_SMALL_HEIGHT - 8)
    path = "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in zip(x, y, strict=True))
    line = _tag("path", class_="line", d=path)
    return _svg("small", _SMALL_WIDTH, _SMALL_HEIGHT, line, aria_hidden="true")


def _svg(name: str, width: float, height: float, inside: Markup, **more: str) -> Markup:
    return _tag("svg", inside, class_=name, viewBox=f"0 0 {width:.0f} {height:.0f}", **more)


def _tag(name: str, inside: str = "", **attributes: str | float) -> Markup:
    """An element; `inside` and values are escaped, numbers cut to a tenth of a pixel."""
    told = Markup().join(
        Markup(' {}="{}"').format(key.rstrip("_").replace("_", "-"), _written(value))
        for key, value in attributes.items()
    )
    return Markup("<{0}{1}>{2}</{0}>").format(name, told, inside)


def _written(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.1f}"


def _picture(found: Trend, runs: tuple[Point, ...]) -> _Picture:
    """Values from 0 where they come near it, with a little room."""
    known = [(p.value, p.error or 0.0) for p in runs if p.value is not None]
    ends = [v + sign * error for v, error in known for sign in (-1, 1)]
    ends += [found.band.lo, found.band.hi] if found.band else []
    low, high = min(ends), max(ends)
    room = (high - low or abs(high) or 1.0) * 0.06
    place = {p.run_id: i for i, p in enumerate(runs)}
    starts = tuple(place[m.run_id] for m in found.moved)
    return _Picture(found, runs, 0.0 if 0 <= low < room else low - room, high + room, starts)


def _axis(it: _Picture) -> Iterator[Markup]:
    for value in np.linspace(it.low, it.high, _TICKS).tolist():
        y = it.y(value)
        yield _tag("line", class_="grid", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=y, y2=y)
        words = amount(value, it.found.unit)
        yield _tag("text", words, class_="tick", x=_LEFT - 8, y=y + 4, text_anchor="end")


def _band(it: _Picture) -> Iterator[Markup]:
    band, since = it.found.band, max(it.starts, default=0)
    if band is None:
        return
    left, right = it.x(since - 0.5), it.x(len(it.runs) - 0.5)
    top, bottom = it.y(band.hi), it.y(band.lo)
    height = max(bottom - top, 1.0)
    yield _tag("rect", class_="band", x=left, y=top, width=right - left, height=height)
    yield _level(it, since, len(it.runs), band.median)


def _levels(it: _Picture) -> Iterator[Markup]:
    """An upright line at each shift, and the level before it."""
    before = 0
    for moved, at in zip(it.found.moved, it.starts, strict=True):
        yield _level(it, before, at, moved.before)
        tone, x = "worse" if moved.regression else "better", it.x(at - 0.5)
        yield _tag("line", class_=f"shift {tone}", x1=x, x2=x, y1=_TOP, y2=_HEIGHT - _BOTTOM)
        before = at


def _level(it: _Picture, start: int, end: int, value: float) -> Markup:
    y = it.y(value)
    return _tag("line", class_="level", x1=it.x(start - 0.5), x2=it.x(end - 0.5), y1=y, y2=y)


def _points(it: _Picture) -> Iterator[Markup]:
    values = np.array([p.value for p in it.runs], np.float64)
    for i in extremes(np.arange(len(values), dtype=np.float64), [values], MOST_POINTS).tolist():
        point, value, x = it.runs[i], float(values[i]), it.x(i)
        if point.error:
            low, high = it.y(value - point.error), it.y(value + point.error)
            yield _tag("line", class_="error", x1=x, x2=x, y1=low, y2=high)
        day = point.started[:_MINUTE].replace("T", " ")
        words = f"{day}  {point.run_id}  {point.outcome}  {amount(value, point.unit)}"
        yield _mark(point.outcome, x, it.y(value), _tag("title", words))


def _mark(outcome: str, x: float, y: float, title: Markup) -> Markup:
    if outcome == FAIL:
        return _tag("rect", title, class_="point fail", x=x - 4, y=y - 4, width="8", height="8")
    if outcome == INCONCLUSIVE:
        return _tag("path", title, class_="point inconclusive", d=f"M{x:.1f} {y - 5:.1f}l5 9h-10z")
    return _tag("circle", title, class_="point pass", cx=x, cy=y, r=3.5)


def _days(it: _Picture) -> Iterator[Markup]:
    """The first run's day and the last one's."""
    last = len(it.runs) - 1
    for i, anchor in ((0, "start"), (last, "end")) if last else ((0, "middle"),):
        day = it.runs[i].started[:_DAY]
        yield _tag("text", day, class_="tick", x=it.x(i), y=_HEIGHT - 8, text_anchor=anchor)
