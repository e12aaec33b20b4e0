"""Growth by stack over the columns of a tree.

The numbers are those of `profile.growth`, which the `top-allocations` check decides by (the tests
hold one against the other); it goes stack by stack, which takes half a second for two captures of
20,000 stacks, where only the first rows are shown.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from chaosmem.errors import UsageError
from chaosmem.evidence.model import Floats
from chaosmem.profile import IGNORED, Profile
from chaosmem.profile.columns import Bool, Int64
from chaosmem.profile.names import normalised
from chaosmem.profile.pattern import compile_pattern
from chaosmem.profile.report import sample_index
from chaosmem.profile.sampling import variances
from chaosmem.report.captures import SAMPLES, Captures
from chaosmem.report.trees import Tree

Stack = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Grown:
    """One stack (normalised names, root first).

    Attributes:
        growth: negative if it shrank.
        sd: standard deviation of `growth`, 0 if exact.
        share: part of all that grew, 0 if it shrank.
        values: of every capture.
    """

    stack: Stack
    growth: int
    sd: float
    share: float
    values: tuple[int, ...]


def grown(captures: Captures, base: int, at: int, rows: int) -> tuple[tuple[Grown, ...], int]:
    """(the stacks that grew most, how many changed) from one capture to another.

    Raises:
        UsageError: the captures count different things.
    """
    tree, kind = captures.tree, captures.kind
    before, after = captures.profiles[base], captures.profiles[at]
    index = [sample_index(p, SAMPLES[kind]) for p in (before, after)]
    if before.sample_types[index[0]] != after.sample_types[index[1]]:
        raise UsageError(
            f"the captures count different things: {before.sample_types} and {after.sample_types}"
        )
    names = [normalised(name) or name for name in tree.names]
    place: dict[str, int] = {}
    # the root's name is its own, whatever the target's functions are called
    number = np.array([0, *(place.setdefault(n, len(place) + 1) for n in names[1:])])
    group = tree.renamed(number)
    kept = ~tree.through(_observers(names))
    values = np.zeros((len(captures.moments), len(tree)), np.int64)
    for i, own in enumerate(tree.own):
        np.add.at(values[i], group, np.where(kept, own, 0))
    objects, variance = np.zeros(len(tree), np.int64), np.zeros(len(tree))
    for i, sign, profile in ((base, -1, before), (at, 1, after)):
        counts, spread = _sampled(profile, kind)
        ends = tree.ends[i]
        inside = kept[ends]
        np.add.at(objects, group[ends[inside]], sign * counts[inside])
        np.add.at(variance, group[ends[inside]], spread[inside])
    size = values[at] - values[base]
    chosen = np.flatnonzero((size != 0) | (objects != 0))
    return _ranked(tree, (values, size, variance), (names, group), chosen, rows), len(chosen)


def _observers(names: list[str]) -> Bool:
    """Which names are the observer's own."""
    patterns = [compile_pattern(p, "ignore") for p in IGNORED]
    return np.array([i > 0 and any(p.search(n) for p in patterns) for i, n in enumerate(names)])


def _sampled(profile: Profile, kind: str) -> tuple[Int64, Floats]:
    """(objects, variance) of each sample whose value is not 0."""
    index = sample_index(profile, SAMPLES[kind])
    types = [value_type.type for value_type in profile.sample_types]
    name = types[index].replace("space", "objects")
    values = profile.samples.values
    counts = values[types.index(name) if name in types else index]
    rate = profile.period if profile.sample_types[index].unit == "bytes" else 0
    rows = np.flatnonzero(values[index])
    return counts[rows], variances(counts[rows], values[index][rows], rate)


def _ranked(
    tree: Tree,
    numbers: tuple[Int64, Int64, Floats],
    naming: tuple[list[str], Int64],
    chosen: Int64,
    rows: int,
) -> tuple[Grown, ...]:
    """The first of the stacks, largest growth first, then by name from the leaf."""
    values, size, variance = numbers
    names, group = naming
    whole = int(size[size > 0].sum())
    own = np.sort(size[chosen])[::-1]
    least = own[min(rows, len(own)) - 1] if len(own) else 0
    candidates = chosen[size[chosen] >= least].tolist()
    # any frame of a group has its names
    first = {int(group[f]): f for f in np.flatnonzero(np.isin(group, candidates)).tolist()}
    stacks = {g: tuple(names[i] for i in tree.path(first[g])) for g in candidates}
    candidates.sort(key=lambda g: (-int(size[g]), stacks[g][::-1]))
    return tuple(
        Grown(
            stacks[g],
            int(size[g]),
            math.sqrt(variance[g]),
            max(int(size[g]), 0) / whole if whole else 0.0,
            tuple(values[:, g].tolist()),
        )
        for g in candidates[:rows]
    )
