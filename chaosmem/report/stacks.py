"""Where the memory and the goroutines are, capture beside capture: tables and flame graphs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from chaosmem.errors import ChaosmemError
from chaosmem.evidence.model import Capture, Trial
from chaosmem.profile.columns import Profile
from chaosmem.profile.proto import parse
from chaosmem.profile.unpack import unpack

Stack = tuple[str, ...]
"""Function names, root first."""

_ROWS = 15
_SMALLEST = 1 / 2000  # of the whole: half a pixel of a flame graph 1,000 pixels wide
_WANTED = {"heap": "inuse_space", "goroutine": "goroutine"}


@dataclass(frozen=True, slots=True)
class Weighed:
    """One capture by stack. `rate`: mean bytes between samples of a heap profile, else 0."""

    moment: str
    file: str
    stacks: Mapping[Stack, int]
    rate: int

    @property
    def total(self) -> int:
        """Of all stacks."""
        return sum(self.stacks.values())


@dataclass(frozen=True, slots=True)
class Row:
    """One stack in every capture. `error`: one standard deviation of `growth`, where sampled."""

    stack: Stack
    values: tuple[int, ...]
    growth: int
    error: float | None
    share: float


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
    """Stacks that are not shown: no change in any capture, or less growth than those shown."""


@dataclass(slots=True)
class Node:
    """One frame of a flame graph; `value` is its width, `before` and `after` what was there."""

    name: str
    value: int = 0
    before: int = 0
    after: int = 0
    children: dict[str, Node] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Flame:
    """A flame graph as columns in preorder; `parent` is -1 for the root."""

    title: str
    note: str
    growth: bool
    names: tuple[str, ...]
    name: tuple[int, ...]
    parent: tuple[int, ...]
    value: tuple[int, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]


def weigh(profile: Profile, sample_type: str) -> dict[Stack, int]:
    """Sum of each stack's values of that sample type (the last one where it has no such type).

    Inlined calls are frames of their own; a location without a function shows as its address.
    """
    types = [t.type for t in profile.sample_types]
    values = profile.samples.values[types.index(sample_type) if sample_type in types else -1]
    frames = _frames(profile)
    starts, stack = profile.samples.stack_start.tolist(), profile.samples.stack.tolist()
    sums: dict[Stack, int] = {}
    for row, value in enumerate(values.tolist()):
        if value:
            locations = reversed(stack[starts[row] : starts[row + 1]])
            key = tuple(name for location in locations for name in frames[location])
            sums[key] = sums.get(key, 0) + value
    return sums


def _frames(profile: Profile) -> list[Stack]:
    """Of each location its functions, outermost first."""
    names = [profile.strings[i] for i in profile.functions.name.tolist()]
    starts, lines = profile.locations.line_start.tolist(), profile.locations.function.tolist()
    addresses = profile.locations.address.tolist()
    return [
        tuple(names[f] for f in reversed(lines[starts[i] : starts[i + 1]]) if f >= 0)
        or (hex(addresses[i]),)
        for i in range(len(addresses))
    ]


def captured(trial: Trial, profile: str) -> tuple[tuple[Weighed, ...], tuple[str, ...]]:
    """The readable captures of one kind in order of time, and why others cannot be shown."""
    good: list[Weighed] = []
    bad: list[str] = []
    for capture in sorted(trial.captures, key=lambda c: c.end):
        if capture.profile != profile:
            continue
        try:
            good.append(_read(trial, capture))
        except (ChaosmemError, OSError, KeyError) as error:
            bad.append(f"{profile} at {capture.moment}: {capture.error or error}")
    return tuple(good), tuple(bad)


def _read(trial: Trial, capture: Capture) -> Weighed:
    profile = parse(unpack(trial.read(capture.file)))
    rate = profile.period if capture.profile == "heap" else 0
    stacks = weigh(profile, _WANTED[capture.profile])
    return Weighed(capture.moment, capture.file, stacks, rate)


def pair(captures: Sequence[Weighed]) -> tuple[Weighed, Weighed] | None:
    """The captures that growth is told between: under pressure against before; None: too few."""
    if len(captures) < 2:  # noqa: PLR2004 - growth is between two
        return None
    by_moment = {c.moment: c for c in captures}
    base = by_moment.get("baseline.end", captures[0])
    at = by_moment.get("hold.end", captures[-1])
    return None if base is at else (base, at)


def table(captures: Sequence[Weighed], profile: str, unit: str) -> Table | None:
    """The stacks that grew most, in every capture; None where growth cannot be told."""
    chosen = pair(captures)
    if chosen is None:
        return None
    base, at = chosen
    keys = {stack for c in captures for stack in c.stacks}
    growth = {s: at.stacks.get(s, 0) - base.stacks.get(s, 0) for s in keys}
    whole = sum(g for g in growth.values() if g > 0)
    last = captures[-1]
    changed = [s for s in keys if len({c.stacks.get(s, 0) for c in captures}) > 1]
    order = sorted(changed, key=lambda s: (-growth[s], -last.stacks.get(s, 0), s))
    rows = tuple(
        Row(
            stack,
            tuple(c.stacks.get(stack, 0) for c in captures),
            growth[stack],
            _error(stack, base, at),
            max(growth[stack], 0) / whole if whole else 0.0,
        )
        for stack in order[:_ROWS]
    )
    moments, totals = tuple(c.moment for c in captures), tuple(c.total for c in captures)
    return Table(
        profile, unit, moments, totals, base.moment, at.moment, rows, len(keys) - len(rows)
    )


def _error(stack: Stack, base: Weighed, at: Weighed) -> float | None:
    """Standard deviation of a stack's growth, √(rate·bytes), for objects far below the rate.

    Go samples the heap as a Poisson process with a mean of `rate` bytes (runtime/mprof.go), so
    the variance of an estimate of n bytes is rate·n; of a difference, the sum of both.
    """
    if not at.rate:
        return None
    return math.sqrt(at.rate * (base.stacks.get(stack, 0) + at.stacks.get(stack, 0)))


def in_use(capture: Weighed) -> Flame:
    """The flame graph of one capture."""
    root = Node("all")
    for stack, value in capture.stacks.items():
        if value > 0:
            _add(root, stack, value, 0, value)
    note = f"Width: bytes in use at {capture.moment}, scaled from samples."
    return _flame(root, f"In use at {capture.moment}", note, growth=False)


def grown(base: Weighed, at: Weighed) -> Flame:
    """The flame graph of what grew; stacks that shrank have no width, but count in the numbers."""
    root = Node("all")
    for stack in sorted({*base.stacks, *at.stacks}):
        before, after = base.stacks.get(stack, 0), at.stacks.get(stack, 0)
        _add(root, stack, max(after - before, 0), before, after)
    title = f"Growth from {base.moment} to {at.moment}"
    note = "Width: growth in bytes. The stronger the colour, the more of a frame is new."
    return _flame(root, title, note, growth=True)


def _add(root: Node, stack: Stack, value: int, before: int, after: int) -> None:
    node = root
    for name in (None, *stack):
        node = node if name is None else node.children.setdefault(name, Node(name))
        node.value += value
        node.before += before
        node.after += after


def _flame(root: Node, title: str, note: str, *, growth: bool) -> Flame:
    """Columns of the tree, without frames too narrow to see; heaviest child first."""
    least = max(root.value * _SMALLEST, 1)
    nodes: list[Node] = []
    parents: list[int] = []
    todo = [(root, -1)] if root.value else []
    while todo:
        node, parent = todo.pop()
        nodes.append(node)
        parents.append(parent)
        wide = [c for c in node.children.values() if c.value >= least]
        wide.sort(key=lambda c: (c.value, c.name))  # popped from the end: heaviest first
        todo += [(child, len(nodes) - 1) for child in wide]
    names = tuple(dict.fromkeys(n.name for n in nodes))
    place = {name: i for i, name in enumerate(names)}
    return Flame(
        title,
        note,
        growth,
        names,
        tuple(place[n.name] for n in nodes),
        tuple(parents),
        tuple(n.value for n in nodes),
        tuple(n.before for n in nodes),
        tuple(n.after for n in nodes),
    )


def flames(captures: Sequence[Weighed]) -> tuple[Flame, ...]:
    """Growth under pressure first, then each moment that a reader asks about."""
    chosen = pair(captures)
    made: list[Flame] = []
    if chosen is not None:
        base, at = chosen
        made += [grown(base, at), in_use(at)]
        if captures[-1] is not at:
            made.append(grown(base, captures[-1]))
    else:
        made += [in_use(c) for c in captures]
    return tuple(f for f in made if f.value)
