"""Where the memory and the goroutines are, capture beside capture: tables and flame graphs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from chaosmem.errors import ChaosmemError
from chaosmem.evidence.model import Capture, Trial
from chaosmem.profile import Options, Profile, folded, growth, read
from chaosmem.profile.names import normalised

Stack = tuple[str, ...]
"""Function names, root first."""

_ROWS = 15
_SMALLEST = 1 / 2000  # of the whole: half a pixel of a flame graph 1,000 pixels wide
SAMPLES = {"heap": "inuse_space", "goroutine": "goroutine"}


@dataclass(frozen=True, slots=True)
class Weighed:
    """One capture, and its values by stack."""

    moment: str
    profile: Profile
    stacks: Mapping[Stack, int]

    @property
    def total(self) -> int:
        """Of all stacks."""
        return sum(self.stacks.values())


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
    """Stacks that are not shown: unchanged, grown less, or the observer's own."""


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
    """Sum of each stack's values of that sample type; inlined calls are frames of their own."""
    lines = folded(profile, options=Options(sample_index=sample_type)).splitlines()
    pairs = (line.rpartition(" ") for line in lines)
    return {tuple(stack.split(";")): int(value) for stack, _, value in pairs}


def _normalised(stacks: Mapping[Stack, int]) -> dict[Stack, int]:
    """By names that stay the same from build to build, as `profile.growth` has them."""
    sums: dict[Stack, int] = {}
    for stack, value in stacks.items():
        key = tuple(normalised(name) or name for name in stack)
        sums[key] = sums.get(key, 0) + value
    return sums


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
    profile = read(trial.read(capture.file))
    return Weighed(capture.moment, profile, weigh(profile, SAMPLES[capture.profile]))


def pair(captures: Sequence[Weighed]) -> tuple[Weighed, Weighed] | None:
    """The captures that growth is told between: under pressure against before; None: too few."""
    if len(captures) < 2:  # noqa: PLR2004 - growth is between two
        return None
    by_moment = {c.moment: c for c in captures}
    base = by_moment.get("baseline.end", captures[0])
    at = by_moment.get("hold.end", captures[-1])
    return None if base is at else (base, at)


def table(captures: Sequence[Weighed], profile: str, unit: str) -> Table | None:
    """The stacks that grew most, in every capture; None where growth cannot be told.

    Growth, its shares and its errors are `profile.growth`'s, which leaves the observer out.
    """
    chosen = pair(captures)
    if chosen is None:
        return None
    base, at = chosen
    grew = growth(base.profile, at.profile, sample_index=SAMPLES[profile])
    values = [_normalised(c.stacks) for c in captures]
    rows = tuple(
        Row(
            stack := s.frames[::-1],
            tuple(v.get(stack, 0) for v in values),
            s.bytes,
            s.estimate.sd,
            s.share,
        )
        for s in grew.stacks[:_ROWS]
    )
    left = len({stack for v in values for stack in v}) - len(rows)
    moments, totals = tuple(c.moment for c in captures), tuple(c.total for c in captures)
    return Table(profile, unit, moments, totals, base.moment, at.moment, rows, left)


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
