"""Pages about profiles alone, of the parts that the run report is made of."""

from __future__ import annotations

from collections.abc import Sequence

from chaosmem.report.document import document
from chaosmem.report.flames import Flame
from chaosmem.report.goroutines import GoroutineMap
from chaosmem.report.layers import BalanceBar

_SCRIPTS = ("flame.js", "flamepart.js", "profile.js")
_STYLES = ("report.css",)

Facts = Sequence[tuple[str, str]]
"""(name, value) of what stands below the title."""


def flame_page(title: str, facts: Facts, flames: Sequence[Flame]) -> str:
    """Flame graphs with their top tables as one HTML document, UTF-8."""
    shown = [flame.columns() for flame in flames if flame.name]
    data: dict[str, object] = {"data-flames": shown} if shown else {}
    return _page(title, facts, data, flames=shown)


def goroutine_page(title: str, facts: Facts, found: GoroutineMap) -> str:
    """The goroutine state map of one or several dumps as one HTML document, UTF-8."""
    return _page(title, facts, {}, goroutines=found)


def layer_page(title: str, facts: Facts, bars: Sequence[BalanceBar]) -> str:
    """The memory layers of one process as one HTML document, UTF-8."""
    return _page(title, facts, {}, bars=bars)


def _page(title: str, facts: Facts, data: dict[str, object], **parts: object) -> str:
    parts = {"flames": None, "goroutines": None, "bars": None} | parts
    return document("profile.html.j2", _SCRIPTS, _STYLES, data, title=title, facts=facts, **parts)
