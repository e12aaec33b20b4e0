"""Where the memory and the goroutines are, capture beside capture, as a table of stacks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from chaosmem.profile import growth
from chaosmem.profile.names import normalised
from chaosmem.report.captures import SAMPLES, Captures
from chaosmem.report.trees import Tree

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

    Growth, its shares and its errors are `profile.growth`'s, which leaves the observer out.

    Raises:
        UsageError: the captures count different things.
    """
    if captures.pair is None:
        return None
    base, at = captures.pair
    profiles, moments = captures.profiles, captures.moments
    grew = growth(profiles[base], profiles[at], sample_index=SAMPLES[captures.kind])
    shown = grew.stacks[:_ROWS]
    values = _values(captures.tree, [s.frames[::-1] for s in shown])
    rows = tuple(
        Row(s.frames[::-1], own, s.bytes, s.estimate.sd, s.share)
        for s, own in zip(shown, values, strict=True)
    )
    left = len(grew.stacks) - len(rows)
    totals = captures.totals
    return Table(captures.kind, unit, moments, totals, moments[base], moments[at], rows, left)


def _values(tree: Tree, shown: Sequence[Stack]) -> list[tuple[int, ...]]:
    """Each shown stack's value in every capture.

    The shown names are those of `profile.growth`, which stay the same from build to build; several
    frames of the tree may have the same.
    """
    wanted = {name for stack in shown for name in stack}
    numbers: dict[str, set[int]] = {}
    for i, name in enumerate(tree.names):
        if (stable := _stable(name)) in wanted:
            numbers.setdefault(stable, set()).add(i)
    out = []
    for stack in shown:
        ends = [0]
        for name in stack:
            found = numbers.get(name, set())
            ends = [c for f in ends for c in tree.callees(f) if int(tree.name[c]) in found]
        out.append(tuple(map(int, tree.own[:, ends].sum(axis=1))))
    return out


@lru_cache(maxsize=100_000)
def _stable(name: str) -> str:
    return normalised(name) or name
