"""Growth by stack over the columns of a tree."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from chaosmem.profile.columns import Bool, Int64, Profile
from chaosmem.profile.names import normalised
from chaosmem.profile.pattern import compile_pattern
from chaosmem.profile.report import sample_index as find_sample_index
from chaosmem.profile.sampling import variances
from chaosmem.profile.stack_tree import Tree

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Grown:
    """Growth of every stack of a tree, in columns; stacks of the same normalised names are one.

    Attributes:
        tree: the stacks of both captures, and of others perhaps.
        names: normalised name of each of the tree's names.
        group: int64 per frame: equal where the normalised stacks are; all below are per group.
        size: growth, in the unit of the sample type.
        objects: growth of the number of objects (or events).
        variance: of `size`.
        changed: the groups whose size or objects changed, of those considered.
        ignored: net growth of the stacks left out as ignored.
    """

    tree: Tree
    names: tuple[str, ...]
    group: Int64
    size: Int64
    objects: Int64
    variance: Floats
    changed: Int64
    ignored: int

    def summed(self, own: Int64) -> Int64:
        """Per group, of one value a frame."""
        out = np.zeros(len(self.tree), np.int64)
        np.add.at(out, self.group, own)
        return out

    def stacks(self, groups: Iterable[int]) -> dict[int, tuple[str, ...]]:
        """The normalised names of each of these groups, leaf first."""
        wanted = np.zeros(len(self.tree), np.bool_)
        wanted[list(groups)] = True
        frames = np.flatnonzero(wanted[self.group])
        # any frame of a group has its names
        first = dict(zip(self.group[frames].tolist(), frames.tolist(), strict=True))
        parent, name = self.tree.parent.tolist(), self.tree.name.tolist()
        found: dict[int, tuple[str, ...]] = {}
        for group, frame in first.items():
            at, names = frame, []
            while at > 0:
                names.append(self.names[name[at]])
                at = parent[at]
            found[group] = tuple(names)
        return found

    def ranked(self, most: int) -> list[tuple[int, tuple[str, ...]]]:
        """(group, names) of the `most` that grew most, then by names from the leaf."""
        own = np.sort(self.size[self.changed])[::-1]
        if not len(own) or most <= 0:
            return []
        least = own[min(most, len(own)) - 1]
        stacks = self.stacks(self.changed[self.size[self.changed] >= least].tolist())
        size = self.size
        return sorted(stacks.items(), key=lambda item: (-int(size[item[0]]), item[1]))[:most]


def grow(
    planted: Tree,
    profiles: Sequence[Profile],
    between: tuple[int, int],
    sample_index: str | int | None,
    choice: tuple[str | None, tuple[str, ...]],
) -> Grown:
    """What grew between two captures of a tree; see `attribution.growth_in`.

    Args:
        planted: of `profiles`.
        profiles: the captures.
        between: which is the earlier, and which the later one.
        sample_index: which values.
        choice: (focus, ignore).

    Raises:
        UsageError: a pattern is malformed.
    """
    names = tuple(normalised(name) or name for name in planted.names)
    focus, ignore = choice
    group, ignored = _grouped(planted, names), _with(planted, names, ignore, "ignore")
    kept = ~ignored
    if focus:
        kept &= _with(planted, names, (focus,), "focus")
    size, objects = np.zeros(len(planted), np.int64), np.zeros(len(planted), np.int64)
    variance = np.zeros(len(planted))
    for at, sign in zip(between, (-1, 1), strict=True):
        np.add.at(size, group, np.where(kept, sign * planted.own[at], 0))
        counts, spread = _sampled(profiles[at], find_sample_index(profiles[at], sample_index))
        ends = planted.ends[at]
        inside = kept[ends]
        np.add.at(objects, group[ends[inside]], sign * counts[inside])
        np.add.at(variance, group[ends[inside]], spread[inside])
    changed = np.flatnonzero((size != 0) | (objects != 0))
    net = planted.own[between[1]] - planted.own[between[0]]
    left_out = int(net[ignored].sum())
    return Grown(planted, names, group, size, objects, variance, changed, left_out)


def _grouped(planted: Tree, names: tuple[str, ...]) -> Int64:
    """A number per frame that is equal where the stacks are by their normalised names."""
    place: dict[str, int] = {}
    # the root's name is its own, whatever the target's functions are called
    number = [0, *(place.setdefault(name, len(place) + 1) for name in names[1:])]
    return planted.renamed(np.array(number))


def _with(planted: Tree, names: tuple[str, ...], patterns: tuple[str, ...], what: str) -> Bool:
    """The frames whose stack has a frame that matches one of these."""
    compiled = [compile_pattern(pattern, what) for pattern in patterns]
    marked = [i > 0 and any(p.search(name) for p in compiled) for i, name in enumerate(names)]
    return planted.through(np.array(marked, np.bool_))


def _sampled(profile: Profile, index: int) -> tuple[Int64, Floats]:
    """(objects, variance) of each sample whose value is not 0."""
    values = profile.samples.values
    rows = np.flatnonzero(values[index])
    counts, size = values[_objects_index(profile, index)][rows], values[index][rows]
    rate = profile.period if profile.sample_types[index].unit == "bytes" else 0
    return counts, variances(counts, size, rate)


def _objects_index(profile: Profile, index: int) -> int:
    """The sample type that counts the events of this one; itself if there is none."""
    types = [value_type.type for value_type in profile.sample_types]
    name = types[index]
    wanted = {"delay": "contentions", "cpu": "samples"}.get(name, name.replace("space", "objects"))
    return types.index(wanted) if wanted in types else index
