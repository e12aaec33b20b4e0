"""The targets of one round side by side: small pictures on one scale a column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from markupsafe import Markup

from chaosmem.report import svg
from chaosmem.report.chart import Chart
from chaosmem.report.words import amount
from chaosmem.verify.model import Outcome

# Of each chart, the lines that tell one target from another at this size.
_SMALL = (
    ("goroutines", "Goroutines", ("main",)),
    ("heap", "Heap, live", ("main",)),
    ("container", "Working set and limit", ("edge", "limit")),
    ("layers", "Resident (RSS)", ("edge",)),
    ("rss", "Resident (RSS)", ("main",)),
    ("latency", "Latency, p99", ("second",)),
)
_MOST = 4  # columns


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """What is drawn of one trial: its charts over `seconds`, and when faults acted."""

    id: str
    target: str
    outcome: Outcome
    charts: tuple[Chart, ...]
    seconds: float
    fault: tuple[float, float] | None


@dataclass(frozen=True, slots=True, eq=False)
class Multiples:
    """One row a target; `most` is the upper end of each column's scale, in words."""

    titles: tuple[str, ...]
    most: tuple[str, ...]
    rows: tuple[tuple[Drawn, tuple[Markup | None, ...]], ...]


def multiples(drawn: Sequence[Drawn]) -> Multiples | None:
    """The pictures; None for fewer than two targets, or where nothing was measured."""
    if len(drawn) < 2:  # noqa: PLR2004 - one is compared with nothing
        return None
    columns = [_column(drawn, *small) for small in _SMALL]
    kept = [c for c in columns if c is not None][:_MOST]
    if not kept:
        return None
    rows = tuple((d, tuple(column[2][i] for column in kept)) for i, d in enumerate(drawn))
    return Multiples(tuple(c[0] for c in kept), tuple(c[1] for c in kept), rows)


def _column(
    drawn: Sequence[Drawn], id_: str, title: str, roles: tuple[str, ...]
) -> tuple[str, str, list[Markup | None]] | None:
    """(title, upper end, pictures) of one chart over all targets, on one scale."""
    charts = [_only(d.charts, id_, roles) for d in drawn]
    there = [c for c in charts if c is not None]
    if not there:
        return None
    most = max(svg.highest(c) for c in there)
    seconds = max(d.seconds for d in drawn)
    made = [
        None if c is None else svg.small(_named(c, f"{title}, {d.target}"), seconds, d.fault, most)
        for c, d in zip(charts, drawn, strict=True)
    ]
    return title, amount(most, there[0].unit), made


def _named(chart: Chart, title: str) -> Chart:
    return replace(chart, title=title)


def _only(charts: Sequence[Chart], id_: str, roles: tuple[str, ...]) -> Chart | None:
    """That chart with the lines of those roles alone."""
    chart = next((c for c in charts if c.id == id_), None)
    if chart is None:
        return None
    columns = [
        replace(
            group,
            lines=tuple(line for line in group.lines if line.role in roles),
            v=tuple(v for line, v in zip(group.lines, group.v, strict=True) if line.role in roles),
        )
        for group in chart.columns
    ]
    kept = tuple(group for group in columns if group.lines and len(group.t))
    return replace(chart, columns=kept) if kept else None
