"""Growth between two captures, attributed to stacks, with the sampling error of each.

Stacks are compared by their functions' normalised names (see `names.normalised`), so that captures
of different builds and toolchains compare. The error takes both captures as independent samples:
objects that live in both are the same samples and add none, so the interval is, if anything, wide.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from chaosmem.errors import UsageError
from chaosmem.profile.columns import Int64, Profile
from chaosmem.profile.grown import Grown, grow
from chaosmem.profile.names import normalised
from chaosmem.profile.options import Options
from chaosmem.profile.pattern import compile_pattern
from chaosmem.profile.report import sample_index as find_sample_index
from chaosmem.profile.sampling import Z95, Estimate
from chaosmem.profile.stack_tree import Tree, plant

IGNORED = (
    r"^net/http/pprof\.",
    r"^runtime/pprof\.(\(\*|Lookup|Start|Stop|Write|Profiles|write|print|new|count|profile|elf)",
    r"/chaosmem/agent\..*[sS]ampl",
)
"""Stacks with such a frame are the observer's own: the pprof handlers and writers, and the sampling
of chaosmem's agent. `runtime/pprof.Do` is not among them: it labels the work of the service."""


@dataclass(frozen=True, slots=True)
class StackGrowth:
    """One stack.

    Attributes:
        rank: 1 for the largest growth.
        frames: normalised function names, leaf first.
        bytes: growth, in the unit of the sample type; negative if it shrank.
        objects: growth of the number of objects (or events).
        share: part of all that grew, 0 if it shrank.
        estimate: `bytes` with its error.
    """

    rank: int
    frames: tuple[str, ...]
    bytes: int
    objects: int
    share: float
    estimate: Estimate


@dataclass(frozen=True, slots=True)
class Match:
    """The stacks that go through a declared function.

    Attributes:
        pattern: what was asked for.
        stacks: largest first.
        bytes: their growth together.
        objects: of objects.
        share: part of all that grew; can be negative if they shrank.
        share_low, share_high: 95 % interval of `share`.
        estimate: `bytes` with its error.
    """

    pattern: str
    stacks: tuple[StackGrowth, ...]
    bytes: int
    objects: int
    share: float
    share_low: float
    share_high: float
    estimate: Estimate

    @property
    def ranks(self) -> tuple[int, ...]:
        """Ranks of the stacks, best first; empty if none matched."""
        return tuple(stack.rank for stack in self.stacks)


@dataclass(frozen=True, eq=False)
class Growth:
    """Growth by stack.

    Attributes:
        columns: of every stack.
        sample_type, unit: what `bytes` counts.
        total: net growth of the stacks considered.
        grown: sum over the stacks that grew; shares are of this.
        rate: sampling rate in bytes; 1 or 0 if the values are exact.
        ignored: patterns of stacks left out.
        ignored_bytes: their net growth.
    """

    columns: Grown
    sample_type: str
    unit: str
    total: int
    grown: int
    rate: int
    ignored: tuple[str, ...]
    ignored_bytes: int

    def __len__(self) -> int:
        """How many stacks changed."""
        return len(self.columns.changed)

    @cached_property
    def stacks(self) -> tuple[StackGrowth, ...]:
        """Every stack whose value changed, largest growth first."""
        return self.first(len(self))

    def first(self, n: int) -> tuple[StackGrowth, ...]:
        """The first n of `stacks`, without the work for the others."""
        ranked = self.columns.ranked(n)
        return tuple(self._row(rank, *row) for rank, row in enumerate(ranked, 1))

    def held(self, captures: Iterable[Int64], n: int) -> tuple[tuple[int, ...], ...]:
        """What each capture of the same tree has in each of the first n stacks.

        Args:
            captures: rows of the tree's `own`.
            n: of `first`.
        """
        groups = [group for group, _ in self.columns.ranked(n)]
        summed = np.array([self.columns.summed(own)[groups] for own in captures], np.int64)
        return tuple(tuple(row) for row in summed.T.tolist())

    def _row(self, rank: int, group: int, frames: tuple[str, ...]) -> StackGrowth:
        size = int(self.columns.size[group])
        return StackGrowth(
            rank=rank,
            frames=frames,
            bytes=size,
            objects=int(self.columns.objects[group]),
            share=max(size, 0) / self.grown if self.grown else 0.0,
            estimate=Estimate.of(size, float(self.columns.variance[group])),
        )

    def top(self, n: int = 10) -> tuple[StackGrowth, ...]:
        """The n largest that grew."""
        return tuple(stack for stack in self.first(n) if stack.bytes > 0)

    def match(self, pattern: str) -> Match:
        """The stacks that have a frame which matches.

        Args:
            pattern: a function's name ("inventory.(*Cache).Fill", with or without the path before
                it); what does not look like one is a Go regular expression over the normalised
                names.

        Raises:
            UsageError: it is empty, or neither.
        """
        matches = name_matcher(pattern, {frame for s in self.stacks for frame in s.frames})
        hits = tuple(stack for stack in self.stacks if matches & set(stack.frames))
        size = sum(stack.bytes for stack in hits)
        variance = math.fsum(stack.estimate.sd**2 for stack in hits)
        whole = math.fsum(stack.estimate.sd**2 for stack in self.stacks if stack.bytes > 0)
        share = size / self.grown if self.grown else 0.0
        error = Z95 * self._share_sd(share, variance, max(whole - variance, 0.0))
        return Match(
            pattern=pattern,
            stacks=hits,
            bytes=size,
            objects=sum(stack.objects for stack in hits),
            share=share,
            share_low=max(share - error, min(share, 0.0)),
            share_high=min(share + error, max(share, 1.0)),
            estimate=Estimate.of(size, variance, self.rate),
        )

    def _share_sd(self, share: float, own: float, other: float) -> float:
        """Of a part of a sum whose two terms have independent errors (first order)."""
        if not self.grown:
            return 0.0
        return math.sqrt((1 - share) ** 2 * own + share**2 * other) / self.grown


def name_matcher(pattern: str, names: set[str]) -> set[str]:
    """Which of the normalised names the pattern means; see `Growth.match`.

    Raises:
        UsageError: it is empty, or neither a name that is there nor a regular expression.
    """
    if not pattern:
        raise UsageError("the injection point is empty", hint="give a function name or a pattern")
    literal = normalised(pattern)
    named = {name for name in names if name == literal or name.endswith("/" + literal)}
    if named or _GO_NAME.fullmatch(pattern):
        # a name that does not occur is not taken for a pattern: `cart.Fill` is not `cart.FillAll`
        return named
    compiled = compile_pattern(pattern, "injection point")
    return {name for name in names if compiled.search(name)}


_GO_NAME = re.compile(r"[\w./~%-]*\w\.(\(\*?\w+(\[\.\.\.\])?\)\.)?\w+(\[\.\.\.\])?(\.\w+)*")


def growth(
    base: Profile,
    after: Profile,
    *,
    sample_index: str | int | None = "inuse_space",
    focus: str | None = None,
    ignore: tuple[str, ...] = IGNORED,
) -> Growth:
    """What grew from `base` to `after`, by stack.

    Args:
        base: the earlier capture.
        after: the later one.
        sample_index: which values; None for the profile's default.
        focus: only stacks with a frame that matches this Go regular expression.
        ignore: Go regular expressions; stacks with a frame that matches one are left out.

    Raises:
        UsageError: the captures count different things, or a pattern is malformed.
    """
    _same_type(base, after, sample_index)
    planted = plant([base, after], Options(sample_index=sample_index))
    profiles = (base, after)
    return growth_in(planted, profiles, (0, 1), sample_index, focus=focus, ignore=ignore)


def growth_in(
    planted: Tree,
    profiles: Sequence[Profile],
    between: tuple[int, int],
    sample_index: str | int | None,
    *,
    focus: str | None = None,
    ignore: tuple[str, ...] = IGNORED,
) -> Growth:
    """The same, of captures that are one tree already.

    Args:
        planted: `stack_tree.plant` of `profiles` with this sample type and no filter.
        profiles: the captures, in the order of the tree.
        between: which is the earlier, and which the later one.
        sample_index: as for `growth`.
        focus: as for `growth`.
        ignore: as for `growth`.

    Raises:
        UsageError: the captures count different things, or a pattern is malformed.
    """
    base, after = (profiles[i] for i in between)
    index = _same_type(base, after, sample_index)
    grown = grow(planted, profiles, between, sample_index, (focus, ignore))
    chosen = after.sample_types[index]
    return Growth(
        columns=grown,
        sample_type=chosen.type,
        unit=chosen.unit,
        total=int(grown.size.sum()),
        grown=int(grown.size[grown.size > 0].sum()),
        rate=after.period if chosen.unit == "bytes" else 0,
        ignored=ignore,
        ignored_bytes=grown.ignored,
    )


def _same_type(base: Profile, after: Profile, wanted: str | int | None) -> int:
    """The index of the sample type in the later capture."""
    index = find_sample_index(after, wanted)
    chosen = after.sample_types[index]
    if base.sample_types[find_sample_index(base, wanted)] != chosen:
        raise UsageError(f"the captures count different things: {base.sample_types} and {chosen}")
    return index
