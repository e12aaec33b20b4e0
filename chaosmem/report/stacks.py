"""Where the memory and the goroutines are, capture beside capture: tables and flame graphs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

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
    """Stacks that changed too, but grew less than those shown."""


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
    shown = [s.frames[::-1] for s in grew.stacks[:_ROWS]]
    values = [_values(c.stacks, shown) for c in captures]
    rows = tuple(
        Row(stack, tuple(v.get(stack, 0) for v in values), s.bytes, s.estimate.sd, s.share)
        for stack, s in zip(shown, grew.stacks, strict=False)
    )
    moments, totals = tuple(c.moment for c in captures), tuple(c.total for c in captures)
    left = len(grew.stacks) - len(rows)
    return Table(profile, unit, moments, totals, base.moment, at.moment, rows, left)


def _values(stacks: Mapping[Stack, int], shown: Sequence[Stack]) -> dict[Stack, int]:
    """Values of the shown stacks, by names that stay the same from build to build.

    These are the names of `profile.growth`. Of the many stacks only those with a shown leaf are
    looked at whole: of 20,000 stacks, all would take seconds.
    """
    wanted, leaves = set(shown), {stack[-1] for stack in shown if stack}
    sums: dict[Stack, int] = {}
    for stack, value in stacks.items():
        if _stable(stack[-1]) in leaves:
            key = tuple(map(_stable, stack))
            if key in wanted:
                sums[key] = sums.get(key, 0) + value
    return sums


@lru_cache(maxsize=100_000)
def _stable(name: str) -> str:
    return normalised(name) or name


def in_use(capture: Weighed) -> Flame:
    """The flame graph of one capture."""
    leaves = [_Leaf(s, max(v, 0), 0, v) for s, v in capture.stacks.items()]
    note = f"Width: bytes in use at {capture.moment}, scaled from samples."
    return _flame(leaves, f"In use at {capture.moment}", note, growth=False)


def grown(base: Weighed, at: Weighed) -> Flame:
    """The flame graph of what grew; stacks that shrank have no width, but count in the numbers."""
    leaves = []
    for stack in base.stacks.keys() | at.stacks.keys():
        before, after = base.stacks.get(stack, 0), at.stacks.get(stack, 0)
        leaves.append(_Leaf(stack, max(after - before, 0), before, after))
    title = f"Growth from {base.moment} to {at.moment}"
    note = "Width: growth in bytes. The stronger the colour, the more of a frame is new."
    return _flame(leaves, title, note, growth=True)


class _Leaf(NamedTuple):
    """One stack on its way into a flame graph; made by the ten thousand."""

    stack: Stack
    value: int
    before: int
    after: int


class _Frame(NamedTuple):
    """A frame of a flame graph with the stacks that run through it."""

    name: str
    depth: int
    parent: int
    value: int
    leaves: list[_Leaf]


def _flame(leaves: list[_Leaf], title: str, note: str, *, growth: bool) -> Flame:
    """Columns of the tree in preorder, heaviest child first.

    Frames too narrow to see are dropped before their callees are looked at, which keeps a profile
    of 20,000 deep stacks quick.
    """
    root = _Frame("all", 0, -1, sum(leaf.value for leaf in leaves), leaves)
    least = max(root.value * _SMALLEST, 1)
    frames: list[_Frame] = []
    todo = [root] if root.value else []
    while todo:
        frame = todo.pop()
        wide = [c for c in _callees(frame, len(frames)) if c.value >= least]
        frames.append(frame)
        todo += sorted(wide, key=lambda c: (c.value, c.name))  # the last is popped first
    names = {name: i for i, name in enumerate(dict.fromkeys(f.name for f in frames))}
    return Flame(
        title,
        note,
        growth,
        tuple(names),
        tuple(names[f.name] for f in frames),
        tuple(f.parent for f in frames),
        tuple(f.value for f in frames),
        tuple(sum(leaf.before for leaf in f.leaves) for f in frames),
        tuple(sum(leaf.after for leaf in f.leaves) for f in frames),
    )


def _callees(frame: _Frame, place: int) -> list[_Frame]:
    """What `frame`, which stands at `place`, calls."""
    groups: dict[str, list[_Leaf]] = {}
    for leaf in frame.leaves:
        if len(leaf.stack) > frame.depth:
            groups.setdefault(leaf.stack[frame.depth], []).append(leaf)
    return [
        _Frame(name, frame.depth + 1, place, sum(leaf.value for leaf in own), own)
        for name, own in groups.items()
    ]


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
