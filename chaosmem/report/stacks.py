"""Where the memory and the goroutines are, capture beside capture, as a table of stacks."""

from __future__ import annotations

from dataclasses import dataclass

from chaosmem.profile.attribution import growth_in
from chaosmem.report.captures import SAMPLES, Captures

Stack = tuple[str, ...]
"""Function names, root first."""

_ROWS = 15


@dataclass(frozen=True, slots=True)
class Row:
    """One stack in every capture. `error`: one standard deviation of `growth`, 0 if exact."""

    stack: Stack
    values: tuple[int, ...]
    growth: int
    error: float
    share: float

    @property
    def shown(self) -> Stack:
        """Innermost first, without the runtime's frames at the leaf (where it has others)."""
        names = self.stack[::-1]
        own = next((i for i, name in enumerate(names) if not name.startswith("runtime.")), 0)
        return names[own:]


@dataclass(frozen=True, slots=True)
class Table:
    """Stacks that grew most first. `base` and `at` are the moments that growth is between."""

    profile: str
    unit: str
    moments: tuple[str, ...]
    totals: tuple[int, ...]
    base: str
    at: str
    rows: tuple[Row, ...]
    left: int
    """Stacks that changed too, but grew less than those shown."""


def table(captures: Captures, unit: str) -> Table | None:
    """The stacks that grew most, in every capture; None where growth cannot be told.

    Growth, its shares and its errors are those of `profile.growth`, which leaves the observer out.

    Raises:
        UsageError: the captures count different things.
    """
    if captures.pair is None:
        return None
    base, at = captures.pair
    found = growth_in(captures.tree, captures.profiles, (base, at), SAMPLES[captures.kind])
    values = found.held(captures.tree.own, _ROWS)
    rows = tuple(
        Row(g.frames[::-1], held, g.bytes, g.estimate.sd, g.share)
        for g, held in zip(found.first(_ROWS), values, strict=True)
    )
    moments, totals = captures.moments, captures.totals
    left = len(found) - len(rows)
    return Table(captures.kind, unit, moments, totals, moments[base], moments[at], rows, left)
