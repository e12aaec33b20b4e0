"""The layers of a process's memory: stacked over time, and as bars of one reading."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from chaosmem import metrics
from chaosmem.evidence.model import Floats, Trial
from chaosmem.profile.layers import Balance
from chaosmem.report.chart import finite
from chaosmem.report.downsample import extremes

CLASSES = (
    metrics.HEAP_ALLOC,
    metrics.HEAP_UNUSED,
    metrics.HEAP_FREE,
    metrics.HEAP_RELEASED,
    metrics.STACKS,
    metrics.GO_TOTAL,
)
_RESIDENT = (metrics.RSS, metrics.TARGET_RSS)  # the process's own before its container's
_WIDTH = 1000.0
_TINTS = 8


@dataclass(frozen=True, slots=True, eq=False)
class Stacked:
    """Memory over time.

    Attributes:
        t: seconds of the run's clock.
        bands: (name, bytes) from the bottom up; together they are `ready`.
        ready: what Go has mapped and not returned to the OS.
        mapped: what Go has mapped, with what it returned.
        rss: resident set; None where it was not measured.
        rest: `rss` - `ready`; None where `rss` is.
        source: where `rss` was read; empty where it was not.
    """

    t: Floats
    bands: tuple[tuple[str, Floats], ...]
    ready: Floats
    mapped: Floats
    rss: Floats | None
    rest: Floats | None
    source: str = ""

    def rows(self, limit: int) -> Stacked:
        """At most about `limit` rows, the extremes of what outlines the picture kept."""
        outline = [self.ready, self.bands[0][1], self.mapped]
        kept = extremes(self.t, outline if self.rss is None else [*outline, self.rss], limit)
        return Stacked(
            self.t[kept],
            tuple((name, v[kept]) for name, v in self.bands),
            self.ready[kept],
            self.mapped[kept],
            None if self.rss is None else self.rss[kept],
            None if self.rest is None else self.rest[kept],
            self.source,
        )


def stacked(trial: Trial) -> Stacked | None:
    """The layers of a trial; None where the runtime's classes were not all measured together.

    RSS is read on a clock of its own: between two readings it is taken to be on the line between.
    Of a pod it is that of the container's own processes, as the helper reads it.
    """
    classes = [finite(trial, m) for m in CLASSES]
    t = classes[0].t
    if not len(t) or not all(np.array_equal(c.t, t) for c in classes):
        return None
    rss = next((s for s in (finite(trial, m) for m in _RESIDENT) if len(s)), None)
    if rss is not None:
        within = (t >= rss.t[0]) & (t <= rss.t[-1])
        t, values = t[within], [c.v[within] for c in classes]
        resident = np.interp(t, rss.t, rss.v)
    else:
        values, resident = [c.v for c in classes], None
    if not len(t):
        return None
    objects, unused, free, released, stacks, mapped = values
    ready = mapped - released
    live = np.minimum(_live(trial, t), objects)
    other = np.maximum(ready - objects - unused - free - stacks, 0.0)
    bands = (
        ("heap: live", live),
        ("heap: new or unswept", objects - live),
        ("heap: unused in spans", unused),
        ("heap: free", free),
        ("stacks", stacks),
        ("Go: other", other),
    )
    rest = None if resident is None else resident - ready
    source = "" if rss is None else rss.metric.source
    return Stacked(t, bands, ready, mapped, resident, rest, source)


def _live(trial: Trial, t: Floats) -> Floats:
    """Heap that the last GC marked live, at each time; 0 before the first one is known."""
    live = finite(trial, metrics.HEAP_LIVE)
    if not len(live):
        return np.zeros_like(t)
    place = np.searchsorted(live.t, t, "right") - 1
    return np.where(place < 0, 0.0, live.v[np.maximum(place, 0)])


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a balance; `tint` is its colour."""

    name: str
    value: int
    source: str
    tint: int


@dataclass(frozen=True, slots=True)
class BalanceBar:
    """A whole, its parts and the unexplained rest, drawn to the scale of all bars."""

    name: str
    whole: int
    source: str
    parts: tuple[Part, ...]
    rest: int
    note: str
    exact: bool
    bar: Markup


def balance_bars(balances: Sequence[Balance]) -> tuple[BalanceBar, ...]:
    """A bar for each balance; all on one scale."""
    most = max((max(b.whole.value, b.explained) for b in balances), default=1)
    return tuple(_bar(b, max(most, 1)) for b in balances)


def _bar(balance: Balance, most: int) -> BalanceBar:
    parts = tuple(
        Part(p.name.replace("_", " "), p.value, p.source, i % _TINTS)
        for i, p in enumerate(p for p in balance.parts if p.value)
    )
    left, drawn = 0.0, []
    for part in parts:
        width = max(part.value, 0) / most * _WIDTH
        drawn.append(_rect(f"part p{part.tint}", left, width, part.name))
        left += width
    if balance.rest > 0:
        width = balance.rest / most * _WIDTH
        drawn.append(_rect("rest", left, width, "unexplained"))
    edge = balance.whole.value / most * _WIDTH
    drawn.append(_rect("whole", edge - 1, 2, balance.whole.name))
    said = f"{balance.name}: {len(parts)} parts, unexplained {balance.rest} bytes"
    picture = Markup(
        '<svg class="bar" viewBox="0 0 {:.0f} 22" preserveAspectRatio="none" role="img"'
        ' aria-label="{}">{}</svg>'
    ).format(_WIDTH, said, Markup().join(drawn))
    return BalanceBar(
        balance.name.replace("_", " "),
        balance.whole.value,
        balance.whole.source,
        parts,
        balance.rest,
        balance.note,
        balance.exact,
        picture,
    )


def _rect(class_: str, left: float, width: float, title: str) -> Markup:
    return Markup(
        '<rect class="{}" x="{:.1f}" width="{:.1f}" height="22"><title>{}</title></rect>'
    ).format(class_, left, width, title)
