"""The stacks of several captures as one tree of frames, in columns.

What takes a dictionary of tuples seconds (20,000 deep stacks in each of three captures) takes a
sort a level here: the frames of one depth are the distinct pairs of caller and name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from chaosmem.profile.columns import Bool, Int32, Int64, Profile
from chaosmem.profile.graph import frames
from chaosmem.profile.nodes import build_nodes
from chaosmem.profile.options import Options
from chaosmem.profile.report import prepare

ROOT = "all"


@dataclass(frozen=True, slots=True, eq=False)
class Tree:
    """Frames level by level from the root, which is frame 0.

    Attributes:
        names: distinct function names; the first is the root's.
        name: int64, per frame, index into `names`.
        parent: int64, per frame, its caller; ascending, -1 for the root.
        levels: the frames of depth d are [levels[d]:levels[d + 1]].
        own: int64, shape (captures, frames): of the stacks that end at a frame.
        ends: int64 per capture, the frame at which each sample's stack ends, of those not 0.
    """

    names: tuple[str, ...]
    name: Int64
    parent: Int64
    levels: tuple[int, ...]
    own: Int64
    ends: tuple[Int64, ...]

    def __len__(self) -> int:
        return len(self.parent)

    def sums(self, own: Int64) -> Int64:
        """Each frame's value with all that it calls; `own` is one value a frame."""
        total = own.copy()
        for first, last in reversed(list(zip(self.levels[1:-1], self.levels[2:], strict=True))):
            np.add.at(total, self.parent[first:last], total[first:last])
        return total

    def through(self, marked: Bool) -> Bool:
        """Which frames are one, or are called by one, whose name (by index) is marked."""
        found = marked.take(self.name)
        for first, last in zip(self.levels[1:-1], self.levels[2:], strict=True):
            found[first:last] |= found[self.parent[first:last]]
        return found

    def renamed(self, number: Int64) -> Int64:
        """Per frame, a number that is equal where the stacks are, by other names.

        Args:
            number: the other name of each name, as a number; the root's is one of its own.
        """
        if len(np.unique(number)) == len(number):
            return np.arange(len(self))
        out = np.zeros(len(self), np.int64)
        for first, last in zip(self.levels[1:-1], self.levels[2:], strict=True):
            key = out[self.parent[first:last]] * len(number) + number.take(self.name[first:last])
            out[first:last] = first + np.unique(key, return_inverse=True)[1]
        return out

    def stack(self, frame: int) -> tuple[str, ...]:
        """The names from the root's callee to `frame`."""
        return tuple(self.names[i] for i in self.path(frame))

    def path(self, frame: int) -> list[int]:
        """The indices of those names."""
        out: list[int] = []
        while frame > 0:
            out.append(int(self.name[frame]))
            frame = int(self.parent[frame])
        return out[::-1]


@dataclass(frozen=True, slots=True)
class _Stacks:
    """Samples that count: `depth` frames each, leaf first in `name`; of capture `capture`."""

    name: Int64
    depth: Int64
    value: Int64
    capture: Int64


def plant(profiles: Sequence[Profile], options: Options) -> Tree:
    """The tree of all stacks of these captures; inlined calls are frames of their own.

    Args:
        profiles: captures, in the order of `Tree.own`.
        options: sample type, granularity and filters, as for every report.

    Raises:
        UsageError: an option is malformed, or the sample type is not there.
    """
    places: dict[str, int] = {"": 0}  # the root's: no frame prints as nothing
    parts = [_stacks(p, options, places, i) for i, p in enumerate(profiles)]
    whole = _Stacks(
        np.concatenate([p.name for p in parts]),
        np.concatenate([p.depth for p in parts]),
        np.concatenate([p.value for p in parts]),
        np.concatenate([p.capture for p in parts]),
    )
    name, parent, levels, last = _grow(whole, len(places))
    own = np.zeros((len(profiles), len(name)), np.int64)
    np.add.at(own, (whole.capture, last), whole.value)
    bounds = np.cumsum([len(p.depth) for p in parts])[:-1]
    ends = tuple(np.split(last, bounds))
    return Tree((ROOT, *list(places)[1:]), name, parent, levels, own, ends)


def _stacks(profile: Profile, options: Options, places: dict[str, int], capture: int) -> _Stacks:
    """One capture's samples, their names numbered by `places`, which grows."""
    report = prepare(profile, options)
    nodes = build_nodes(report.profile, options)
    names = [nodes.printable(i) for i in range(len(nodes))]
    number = np.array([places.setdefault(name, len(places)) for name in names], np.int64)
    weighted = report.weighted()
    node: list[Int32] = [np.empty(0, np.int32)]
    depth: list[Int64] = [np.empty(0, np.int64)]
    for batch in frames(weighted, nodes):
        node.append(batch.node)
        depth.append(np.bincount(batch.owner, minlength=batch.count))
    name = number.take(np.concatenate(node))
    rows = len(weighted.rows)
    return _Stacks(name, np.concatenate(depth), weighted.value, np.full(rows, capture))


def _grow(stacks: _Stacks, names: int) -> tuple[Int64, Int64, tuple[int, ...], Int64]:
    """(name, parent, levels) of the tree, and the frame at which each sample's stack ends."""
    end = np.cumsum(stacks.depth) - 1  # the root-most frame of each
    last = np.zeros(len(end), np.int64)
    name, parent, levels = [np.zeros(1, np.int64)], [np.full(1, -1)], [0, 1]
    rows = np.flatnonzero(stacks.depth)
    above = np.zeros(len(rows), np.int64)
    depth = 0
    while len(rows):
        key = above * names + stacks.name.take(end.take(rows) - depth)
        distinct, place = np.unique(key, return_inverse=True)
        parent.append(distinct // names)
        name.append(distinct % names)
        above = levels[-1] + place
        levels.append(levels[-1] + len(distinct))
        depth += 1
        last[rows] = above
        deeper = stacks.depth.take(rows) > depth
        rows, above = rows[deeper], above[deeper]
    return np.concatenate(name), np.concatenate(parent), tuple(levels), last
