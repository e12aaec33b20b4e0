"""Growth between two captures, attributed to stacks, with the sampling error of each.

Stacks are compared by their functions' normalised names (see `names.normalised`), so that captures
of different builds and toolchains compare. The error takes both captures as independent samples:
objects that live in both are the same samples and add none, so the interval is, if anything, wide.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from chaosmem.errors import UsageError
from chaosmem.profile.columns import Profile
from chaosmem.profile.graph import Weighted, frames
from chaosmem.profile.names import normalised
from chaosmem.profile.nodes import build_nodes
from chaosmem.profile.options import DEFAULT
from chaosmem.profile.pattern import compile_pattern
from chaosmem.profile.report import sample_index as find_sample_index
from chaosmem.profile.sampling import Z95, Estimate, variances

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


@dataclass(frozen=True, slots=True)
class Growth:
    """Growth by stack.

    Attributes:
        stacks: every stack whose value changed, largest growth first.
        sample_type, unit: what `bytes` counts.
        total: net growth of the stacks considered.
        grown: sum over the stacks that grew; shares are of this.
        rate: sampling rate in bytes; 1 or 0 if the values are exact.
        ignored: patterns of stacks left out.
        ignored_bytes: their net growth.
    """

    stacks: tuple[StackGrowth, ...]
    sample_type: str
    unit: str
    total: int
    grown: int
    rate: int
    ignored: tuple[str, ...]
    ignored_bytes: int

    def top(self, n: int = 10) -> tuple[StackGrowth, ...]:
        """The n largest that grew."""
        return tuple(stack for stack in self.stacks[:n] if stack.bytes > 0)

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

_Key = tuple[str, ...]


@dataclass(slots=True)
class _Sum:
    size: int = 0
    objects: int = 0
    variance: float = 0.0


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
    index = find_sample_index(after, sample_index)
    chosen = after.sample_types[index]
    if base.sample_types[find_sample_index(base, sample_index)] != chosen:
        raise UsageError(f"the captures count different things: {base.sample_types} and {chosen}")
    sums: dict[_Key, _Sum] = {}
    for profile, sign in ((base, -1), (after, 1)):
        _accumulate(sums, profile, find_sample_index(profile, sample_index), sign)
    kept, ignored = _select(sums, focus, ignore)
    return _ranked(kept, after, index, ignore, sum(s.size for s in ignored.values()))


def _accumulate(sums: dict[_Key, _Sum], profile: Profile, index: int, sign: int) -> None:
    values = profile.samples.values
    counts = values[_objects_index(profile, index)]
    heap = profile.sample_types[index].unit == "bytes"
    rate = profile.period if heap else 0
    variance = variances(counts, values[index], rate)
    rows = np.flatnonzero(values[index] != 0)
    for row, stack in zip(rows.tolist(), _stacks(profile, index), strict=True):
        entry = sums.setdefault(stack, _Sum())
        entry.size += sign * int(values[index, row])
        entry.objects += sign * int(counts[row])
        entry.variance += float(variance[row])


def _objects_index(profile: Profile, index: int) -> int:
    """The sample type that counts the events of this one; itself if there is none."""
    types = [value_type.type for value_type in profile.sample_types]
    name = types[index]
    wanted = {"delay": "contentions", "cpu": "samples"}.get(name, name.replace("space", "objects"))
    return types.index(wanted) if wanted in types else index


def _stacks(profile: Profile, index: int) -> list[_Key]:
    """The stack of each sample whose value is not 0, as normalised names, leaf first."""
    nodes = build_nodes(profile, DEFAULT)
    names = [normalised(name) or nodes.printable(i) for i, name in enumerate(nodes.name)]
    weighted = Weighted.of(profile.samples, profile.samples.values[index], None)
    stacks: list[_Key] = []
    for batch in frames(weighted, nodes):
        bounds = np.searchsorted(batch.owner, np.arange(batch.count + 1)).tolist()
        node = batch.node.tolist()
        for first, last in pairwise(bounds):
            stacks.append(tuple(names[i] for i in node[first:last]))
    return stacks


def _select(
    sums: dict[_Key, _Sum], focus: str | None, ignore: tuple[str, ...]
) -> tuple[dict[_Key, _Sum], dict[_Key, _Sum]]:
    """(stacks considered, stacks ignored)."""
    names = {name for stack in sums for name in stack}
    unwanted = _searching(names, ignore, "ignore")
    wanted = _searching(names, (focus,), "focus") if focus else names
    ignored = {stack: entry for stack, entry in sums.items() if unwanted & set(stack)}
    kept = {
        stack: entry
        for stack, entry in sums.items()
        if stack not in ignored and (not focus or wanted & set(stack))
    }
    return kept, ignored


def _searching(names: set[str], patterns: tuple[str, ...], what: str) -> set[str]:
    compiled = [compile_pattern(pattern, what) for pattern in patterns]
    return {name for name in names if any(pattern.search(name) for pattern in compiled)}


def _ranked(
    sums: dict[_Key, _Sum], after: Profile, index: int, ignored: tuple[str, ...], ignored_bytes: int
) -> Growth:
    changed = sorted(
        ((stack, entry) for stack, entry in sums.items() if entry.size or entry.objects),
        key=lambda item: (-item[1].size, item[0]),
    )
    grown = sum(entry.size for _, entry in changed if entry.size > 0)
    chosen = after.sample_types[index]
    stacks = tuple(
        StackGrowth(
            rank=rank,
            frames=stack,
            bytes=entry.size,
            objects=entry.objects,
            share=max(entry.size, 0) / grown if grown else 0.0,
            estimate=Estimate.of(entry.size, entry.variance),
        )
        for rank, (stack, entry) in enumerate(changed, 1)
    )
    return Growth(
        stacks=stacks,
        sample_type=chosen.type,
        unit=chosen.unit,
        total=sum(stack.bytes for stack in stacks),
        grown=grown,
        rate=after.period if chosen.unit == "bytes" else 0,
        ignored=ignored,
        ignored_bytes=ignored_bytes,
    )
