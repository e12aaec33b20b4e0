"""The roll-up as one self-contained page: the answer, the matrix, and a line for each cell.

It has no script and asks for nothing; text is escaped by jinja2, and its one style sheet is
allowed by its hash. The links lead to the runs' own pages, beside it in the runs directory.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources

from markupsafe import Markup

from chaosmem.campaign.rollup import Rollup, Row
from chaosmem.report import words
from chaosmem.report.document import asset
from chaosmem.units import human_seconds
from chaosmem.verify import Outcome

_ASSETS = resources.files("chaosmem.campaign") / "assets"
_ACROSS = ("target", "arm")
"""Axes whose values stand side by side; the others stand below each other."""


@dataclass(frozen=True, slots=True)
class Grid:
    """The matrix: what stands across, what stands down, and the cells of each crossing."""

    columns: tuple[str, ...]
    lines: tuple[tuple[str, tuple[tuple[Row, ...], ...]], ...]


def grid(rows: Sequence[Row]) -> Grid:
    """The cells as a matrix, in the order in which they are declared."""
    columns = tuple(dict.fromkeys(_across(row.axes) for row in rows))
    names = tuple(dict.fromkeys(_down(row.axes) for row in rows))
    at: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        at.setdefault((_down(row.axes), _across(row.axes)), []).append(row)
    return Grid(
        columns,
        tuple((name, tuple(tuple(at.get((name, c), ())) for c in columns)) for name in names),
    )


def _across(axes: Mapping[str, str]) -> str:
    return " / ".join(value for axis, value in axes.items() if axis in _ACROSS)


def _down(axes: Mapping[str, str]) -> str:
    shown = [axes.get("experiment", "")]
    shown += [f"{a} = {v}" for a, v in axes.items() if a not in (*_ACROSS, "experiment")]
    return ", ".join(shown)


def page(rollup: Rollup) -> str:
    """The page, UTF-8."""
    from jinja2 import Environment, StrictUndefined  # noqa: PLC0415 - 40 ms that others save

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"plain": words.plain, "glyph": words.GLYPH.__getitem__}
    environment.filters |= {"seconds": human_seconds}
    style = asset("report.css") + "\n" + (_ASSETS / "rollup.css").read_text("utf-8")
    template = environment.from_string((_ASSETS / "rollup.html.j2").read_text("utf-8"))
    return template.render(
        rollup=rollup,
        grid=grid(rollup.rows),
        counts=[(o, sum(r.outcome is o for r in rollup.rows)) for o in Outcome],
        urgent=sorted(rollup.rows, key=_urgency),
        style=Markup(style),  # noqa: S704 - our own
        policy=f"default-src 'none'; style-src {_digest(style)}; base-uri 'none';"
        " form-action 'none'",
    )


def _urgency(row: Row) -> tuple[int, int]:
    order = (Outcome.FAIL, Outcome.INCONCLUSIVE, Outcome.PASS)
    return order.index(row.outcome), row.index


def _digest(style: str) -> str:
    digest = hashlib.sha256(style.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
