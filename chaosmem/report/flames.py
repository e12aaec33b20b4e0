"""Flame graphs as columns, and the functions of each as `go tool pprof -top` ranks them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from chaosmem.errors import ChaosmemError
from chaosmem.evidence.model import Capture, Trial
from chaosmem.profile import Options, Profile, read, top
from chaosmem.profile.columns import Int64
from chaosmem.profile.report import sample_index
from chaosmem.profile.stack_tree import Tree, plant
from chaosmem.report.captures import SAMPLES, Captures
from chaosmem.report.words import plain

_SMALLEST = 1 / 2000  # of the whole: half a pixel of a flame graph 1,000 pixels wide
_FUNCTIONS = 100  # rows of a top table


class Kind(StrEnum):
    """What the width of a frame is."""

    VALUE = "value"
    """The capture's value; colours are packages."""
    GROWTH = "growth"
    """What grew; stacks that shrank have no width. Colour: how much of the frame is new."""
    DIFF = "diff"
    """What changed: growth and shrinkage added up. Colour: which of the two, and how much."""


@dataclass(frozen=True, slots=True)
class Function:
    """One row of the top table; negative values are of a difference."""

    name: str
    flat: int
    cum: int


@dataclass(frozen=True, slots=True)
class Flame:
    """A flame graph as columns in preorder, and its functions.

    Attributes:
        title, note: for people.
        kind: what widths and colours mean.
        unit: `By`, `s` or `1`, as `units` writes them.
        scale: what values are multiplied with to be in `unit`.
        names: distinct names; `name` is an index into them.
        parent: -1 for the root.
        value: the width.
        before, after: the two captures' values; of one capture both are 0 and `value`.
        functions: the top table.
        total: what the percentages of the top table are of.
        of: which capture it is of, `heap hold.end`; empty for a difference of two.
    """

    title: str
    note: str
    kind: Kind
    unit: str
    scale: float
    names: tuple[str, ...]
    name: tuple[int, ...]
    parent: tuple[int, ...]
    value: tuple[int, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]
    functions: tuple[Function, ...] = ()
    total: int = 0
    of: str = ""

    def columns(self) -> dict[str, object]:
        """What `flame.js` reads."""
        return {
            "title": plain(self.title),
            "note": plain(self.note),
            "kind": str(self.kind),
            "unit": self.unit,
            "scale": self.scale,
            "names": [plain(name) for name in self.names],
            "name": self.name,
            "parent": self.parent,
            "value": self.value,
            "before": self.before,
            "after": self.after,
            "functions": [[plain(f.name), f.flat, f.cum] for f in self.functions],
            "total": self.total,
        }


def units_of(sample_unit: str) -> tuple[str, float]:
    """(unit, scale) of a profile's unit, for people."""
    known = {"bytes": ("By", 1.0), "nanoseconds": ("s", 1e-9), "microseconds": ("s", 1e-6)}
    return known.get(sample_unit, ("1", 1.0))


@dataclass(frozen=True, slots=True)
class Told:
    """What stands beside the columns."""

    title: str
    note: str
    unit: str
    functions: tuple[Function, ...] = ()
    total: int = 0
    of: str = ""


def value_flame(tree: Tree, at: int, told: Told) -> Flame:
    """The flame graph of one capture; stacks below zero have no width."""
    own = tree.own[at]
    return _flame(tree, np.maximum(own, 0), (np.zeros_like(own), own), Kind.VALUE, told)


def growth_flame(tree: Tree, base: int, at: int, told: Told) -> Flame:
    """What grew; what shrank is in the numbers only."""
    before, after = tree.own[base], tree.own[at]
    return _flame(tree, np.maximum(after - before, 0), (before, after), Kind.GROWTH, told)


def diff_flame(tree: Tree, base: int, at: int, told: Told) -> Flame:
    """What changed, either way, as the flame graph of `go tool pprof -http -diff_base`."""
    before, after = tree.own[base], tree.own[at]
    return _flame(tree, np.abs(after - before), (before, after), Kind.DIFF, told)


def _flame(tree: Tree, own: Int64, both: tuple[Int64, Int64], kind: Kind, told: Told) -> Flame:
    """The frames of `own`, with (before, after); those too narrow to see are left out."""
    value = tree.sums(own)
    least = max(float(value[0]) * _SMALLEST, 1)
    kept = _preorder(tree, value, least) if value[0] else np.empty(0, np.int64)
    place = np.full(len(tree) + 1, -1)  # the last is the root's parent, -1
    place[kept] = np.arange(len(kept))
    names, name = np.unique(tree.name[kept], return_inverse=True)
    unit, scale = units_of(told.unit)
    columns = (place[tree.parent[kept]], value[kept], *(tree.sums(v)[kept] for v in both))
    parent, values, before, after = (tuple(c.tolist()) for c in columns)
    return Flame(
        title=told.title,
        note=told.note,
        kind=kind,
        unit=unit,
        scale=scale,
        names=tuple(tree.names[i] for i in names.tolist()),
        name=tuple(name.tolist()),
        parent=parent,
        value=values,
        before=before,
        after=after,
        functions=told.functions,
        total=told.total,
        of=told.of,
    )


def _preorder(tree: Tree, value: Int64, least: float) -> Int64:
    """The wide frames in preorder, heaviest callee first, then by name."""
    wide = np.flatnonzero(value >= least)
    callees: dict[int, list[tuple[int, str, int]]] = {}
    rows = zip(wide.tolist(), value[wide].tolist(), strict=True)
    for frame, size in rows:
        row = (size, tree.names[tree.name[frame]], frame)
        callees.setdefault(int(tree.parent[frame]), []).append(row)
    order: list[int] = []
    todo = [0]
    while todo:
        frame = todo.pop()
        order.append(frame)
        # the last is popped first
        todo += [row[2] for row in sorted(callees.get(frame, ()))]
    return np.array(order, np.int64)


def functions(profile: Profile, options: Options) -> tuple[tuple[Function, ...], int]:
    """(rows, total) of `go tool pprof -top` for this profile."""
    rows = options.nodecount if options.nodecount > 0 else _FUNCTIONS
    found = top(profile, n=rows, options=options)
    return tuple(Function(r.name, r.flat, r.cum) for r in found.rows), found.total


def flames(captures: Captures) -> tuple[Flame, ...]:
    """Growth under pressure first, then each moment that a reader asks about."""
    last = len(captures.moments) - 1
    if captures.pair is None:
        made = [_in_use(captures, i) for i in range(last + 1)]
    else:
        base, at = captures.pair
        made = [_grown(captures, base, at), _in_use(captures, at)]
        if last != at:
            made += [_grown(captures, base, last), _changed(captures, at, last)]
    return tuple(flame for flame in made if flame.name)


def _in_use(captures: Captures, at: int) -> Flame:
    moment = captures.moments[at]
    note = f"Width: bytes in use at {moment}, scaled from samples."
    options = Options(sample_index=SAMPLES[captures.kind])
    rows, total = functions(captures.profiles[at], options)
    of = f"{captures.kind} {moment}"
    told = Told(f"In use at {moment}", note, "bytes", rows, total, of)
    return value_flame(captures.tree, at, told)


def _grown(captures: Captures, base: int, at: int) -> Flame:
    before, after = captures.moments[base], captures.moments[at]
    note = "Width: growth in bytes. The stronger the colour, the more of a frame is new."
    told = Told(f"Growth from {before} to {after}", note, "bytes")
    return growth_flame(captures.tree, base, at, told)


def _changed(captures: Captures, base: int, at: int) -> Flame:
    """Both ways: what was given back shows here, and in no graph of growth."""
    before, after = captures.moments[base], captures.moments[at]
    note = "Width: bytes that came plus bytes that went. Orange grew, blue shrank."
    told = Told(f"Difference from {before} to {after}", note, "bytes")
    return diff_flame(captures.tree, base, at, told)


def other_flames(trial: Trial) -> tuple[tuple[Flame, ...], tuple[str, ...]]:
    """Of each capture that is neither of the heap nor of goroutines (CPU, mutex, block, allocs).

    Returns:
        the graphs, by the profile's default value, and why others cannot be shown.
    """
    made, bad = [], []
    for capture in sorted(trial.captures, key=lambda c: c.end):
        if capture.profile in SAMPLES:
            continue
        try:
            made.append(_of_capture(capture, read(trial.read(capture.file))))
        except (ChaosmemError, OSError, KeyError) as error:
            bad.append(f"{capture.profile} at {capture.moment}: {capture.error or error}")
    return tuple(flame for flame in made if flame.name), tuple(bad)


def _of_capture(capture: Capture, profile: Profile) -> Flame:
    unit = profile.sample_types[sample_index(profile, None)]
    note = f"Width: {unit.type} ({unit.unit}) of the {capture.profile} profile."
    rows, total = functions(profile, Options())
    title = f"{capture.profile} at {capture.moment}"
    told = Told(title, note, unit.unit, rows, total, f"{capture.profile} {capture.moment}")
    return value_flame(plant([profile], Options()), 0, told)
