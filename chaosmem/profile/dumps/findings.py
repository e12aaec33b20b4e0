"""What a dump, or two, say: blocked for long, growth, leak candidates."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from chaosmem.profile.dumps.groups import visible
from chaosmem.profile.dumps.records import Goroutines, Group, Stack

_EXPECTED: Final = (
    "os/signal.loop",
    "os/signal.signal_recv",
    "net/http.(*persistConn).readLoop",
    "net/http.(*persistConn).writeLoop",
    "net/http.(*conn).serve",
    "net/http.(*connReader).backgroundRead",
    "net/http.(*Server).Serve",
    "net.(*TCPListener).Accept",
    "net.(*UnixListener).Accept",
    "runtime.ensureSigM",
    "testing.(*T).Run",
    "testing.runTests",
)
"""Functions whose goroutines wait for long by design (goleak's filters, and HTTP keep-alive)."""


@dataclass(frozen=True, slots=True)
class LongBlocked:
    """A group with goroutines that have waited for long.

    Attributes:
        group: the group.
        count: how many have waited at least as long as asked; a lower bound, because the runtime
            counts from the first GC that sees a goroutine wait.
        minutes: the longest wait in it.
    """

    group: Group
    count: int
    minutes: int


def blocked_for(dump: Goroutines, minutes: int) -> tuple[LongBlocked, ...]:
    """The groups with goroutines that have waited at least so many minutes, most first."""
    found = [
        LongBlocked(group, count, group.minutes[-1][0])
        for group in dump.groups
        if (count := group.waited(minutes))
    ]
    return tuple(sorted(found, key=lambda item: -item.count))


@dataclass(frozen=True, slots=True)
class Growth:
    """How many goroutines have a stack, before and after.

    Attributes:
        stack: leaf first, as the text forms show it.
        before: count in the first dump.
        after: count in the second.
    """

    stack: Stack
    before: int
    after: int

    @property
    def delta(self) -> int:
        """How many more there are after."""
        return self.after - self.before


@dataclass(frozen=True, slots=True)
class GrowthReport:
    """Growth between two dumps of one process.

    Attributes:
        stacks: every stack that changed, greatest rise first.
        before: goroutines in the first dump.
        after: goroutines in the second.
        exact: neither dump was truncated, damaged or beyond the group limit.
    """

    stacks: tuple[Growth, ...]
    before: int
    after: int
    exact: bool


def growth(before: Goroutines, after: Goroutines) -> GrowthReport:
    """The change by stack; states and creators are added up, so the forms may differ."""
    old, new = _by_stack(before), _by_stack(after)
    rows = [Growth(stack, old.get(stack, 0), new.get(stack, 0)) for stack in old.keys() | new]
    changed = sorted(
        (row for row in rows if row.delta),
        key=lambda row: (-row.delta, [(f.function, f.file, f.line) for f in row.stack]),
    )
    return GrowthReport(
        tuple(changed), before.total, after.total, _exact(before) and _exact(after)
    )  # fmt: skip


def _exact(dump: Goroutines) -> bool:
    """Whether every goroutine of the process is in a group."""
    return not (dump.truncated or dump.damaged or dump.ungrouped)


def _by_stack(dump: Goroutines) -> dict[Stack, int]:
    """Goroutines by visible stack."""
    out: dict[Stack, int] = defaultdict(int)
    for group in dump.groups:
        out[visible(group.stack)] += group.count
    return dict(out)


class Sign(StrEnum):
    """Why a stack is a leak candidate, strongest first."""

    PROVEN = "proven"
    """The runtime found that nothing can wake them (goroutineleak): no false positives."""
    GROWING = "growing"
    """More of them after than before, all else equal."""
    OLD = "old"
    """Many have waited long at the same place."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A stack that may leak.

    Attributes:
        stack: leaf first.
        signs: what speaks for it.
        count: goroutines with this stack in the later dump.
        delta: how many more than in the earlier dump; None without one.
        long_waiting: how many have waited at least `minutes`.
        expected: it waits by design (an idle connection, a listener): judge by the count.
    """

    stack: Stack
    signs: tuple[Sign, ...]
    count: int
    delta: int | None
    long_waiting: int
    expected: bool


def leak_candidates(
    after: Goroutines,
    before: Goroutines | None = None,
    *,
    min_count: int = 10,
    minutes: int = 10,
) -> tuple[Candidate, ...]:
    """The stacks that may leak, proven ones first, then by count.

    Args:
        after: the dump to judge.
        before: an earlier dump of the same process, with like load.
        min_count: goroutines from which on growth or age counts as a sign.
        minutes: wait from which on a goroutine counts as old.
    """
    deltas = None if before is None else {g.stack: g.delta for g in growth(before, after).stacks}
    rows: dict[Stack, list[Group]] = defaultdict(list)
    for group in after.groups:
        rows[visible(group.stack)].append(group)
    found = [
        _candidate(stack, groups, deltas, min_count, minutes) for stack, groups in rows.items()
    ]
    return tuple(
        sorted((c for c in found if c.signs), key=lambda c: (Sign.PROVEN not in c.signs, -c.count))
    )


def _candidate(
    stack: Stack, groups: list[Group], deltas: dict[Stack, int] | None, least: int, minutes: int
) -> Candidate:
    """The candidate of a stack; without signs if there is nothing to it."""
    count = sum(group.count for group in groups)
    old = sum(group.waited(minutes) for group in groups)
    delta = None if deltas is None else deltas.get(stack, 0)
    signs = [Sign.PROVEN] if any(group.leaked for group in groups) else []
    signs += [Sign.GROWING] if delta is not None and delta >= least else []
    signs += [Sign.OLD] if old >= least else []
    expected = any(frame.function.startswith(_EXPECTED) for frame in stack)
    return Candidate(stack, tuple(signs), count, delta, old, expected)
