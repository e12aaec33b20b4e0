"""How series of older schema versions become those of now; in the order in which they came.

A run directory keeps the names that were written. Whoever reads it applies these, one after the
other, so that a name of the first version walks through every later one. A conversion that cannot
be done (an operand was not measured beside it) is told, never passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chaosmem.metrics import cgroup, runtime
from chaosmem.metrics.model import Layer, Metric

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Column = NDArray[np.float64]
    Formula = Callable[..., Column]
else:
    Column = Formula = Any


@dataclass(frozen=True, slots=True)
class Conversion:
    """One change of a metric.

    Attributes:
        replaces: full name that was written before.
        to: the metric that took its place.
        how: the change in words or as arithmetic.
        why: its reason.
        operands: full names of the columns that `formula` is given, in their order.
        formula: from columns of equal length (float64, NaN: not measured) to the new one.
    """

    replaces: str
    to: Metric
    how: str
    why: str
    operands: tuple[str, ...]
    formula: Formula

    def missing(self, columns: Mapping[str, Column]) -> tuple[str, ...]:
        """Operands that were not measured."""
        return tuple(name for name in self.operands if name not in columns)


def renamed(old: str, to: Metric, *, why: str) -> Conversion:
    """The same numbers under a better name."""
    return Conversion(old, to, f"renamed from {old}", why, (old,), lambda v: v)


def scaled(old: str, to: Metric, factor: float, *, why: str) -> Conversion:
    """The same quantity in another unit: `new = old · factor`."""
    return Conversion(old, to, f"{old} · {factor:g}", why, (old,), lambda v: v * factor)


def computed(
    old: str, to: Metric, formula: Formula, *operands: str, how: str, why: str
) -> Conversion:
    """From several columns of one table, `operands` (`old` alone where there are none)."""
    return Conversion(old, to, how, why, operands or (old,), formula)


@dataclass(frozen=True, slots=True)
class Modern:
    """Columns under the names of now, and sentences about what could not be brought there.

    `written` tells of each converted one the name of its column in the table.
    """

    columns: Mapping[str, Column]
    written: Mapping[str, str]
    problems: tuple[str, ...]


def modernise(
    columns: Mapping[str, Column],
    registry: Mapping[str, Metric],
    conversions: tuple[Conversion, ...] | None = None,
) -> Modern:
    """Bring the columns of one table (by full name) to the metrics of now.

    A column that was written under the new name stands; it is never overwritten by a converted
    one. Names that are neither of now nor ever replaced were made by a newer chaosmem.
    """
    steps = CONVERSIONS if conversions is None else conversions
    known, written, problems = dict(columns), dict[str, str](), list[str]()
    for step in steps:
        if step.replaces not in known or step.to.name in known:
            continue
        missing = step.missing(known)
        if missing:
            lacks = ", ".join(missing)
            problems.append(f"{step.replaces} cannot be read as {step.to.name} without {lacks}")
            continue
        known[step.to.name] = step.formula(*(known[name] for name in step.operands))
        written[step.to.name] = written.get(step.replaces, step.replaces)
    replaced = {step.replaces for step in steps}
    problems += _strangers([n for n in columns if n not in replaced], registry)
    now = {n: v for n, v in known.items() if n in registry}
    return Modern(now, {n: w for n, w in written.items() if n in now}, tuple(problems))


def _strangers(names: list[str], registry: Mapping[str, Metric]) -> Iterator[str]:
    newest = {metric.base: metric for metric in registry.values()}
    for name in names:
        if name in registry:
            continue
        known = newest.get(name.partition("@v")[0])
        which = f"; this one knows {known.name}" if known else ", which this one does not know"
        yield f"{name} was made by a newer chaosmem{which}"


def _none_is_minus_one(limit: Column) -> Column:
    import numpy as np  # noqa: PLC0415 - 0.2 s that a run's start does not need

    return np.where(limit >= _NO_LIMIT, -1.0, limit)


_NO_LIMIT = 2.0**63
"""math.MaxInt64 as the nearest float64."""

RETIRED: dict[str, Metric] = {
    m.name: m
    for m in (
        Metric(
            "gc.gomemlimit@v1",
            "By",
            "/gc/gomemlimit:bytes",
            "GOMEMLIMIT; MaxInt64 (in float64: 2^63) is none.",
        ),
        Metric(
            "memory.cgroup.rss@v1",
            "By",
            "helper cgroup.anon",
            "Anonymous memory charged.",
            Layer.CGROUP,
        ),
    )
}
"""Metrics that older run directories hold; each has its conversion."""

CONVERSIONS = (
    computed(
        "gc.gomemlimit@v1",
        runtime.GOMEMLIMIT,
        _none_is_minus_one,
        how="-1 where gc.gomemlimit@v1 >= 2^63, else the same",
        why="gc.gogc says -1 for off while this said MaxInt64, which no float64 holds",
    ),
    renamed(
        "memory.cgroup.rss@v1",
        cgroup.CGROUP_ANON,
        why="it is anonymous memory; a resident set (memory.rss) has file and shared pages too",
    ),
)
