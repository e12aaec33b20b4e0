"""Goroutines by what they do and why they wait, dump beside dump.

Only the debug=2 text carries states, wait reasons and minutes. A goroutine profile carries stacks;
a goroutine that waits has the runtime's parking functions at its leaf, and which of them called the
scheduler says what it waits for. That is told apart from what a dump itself says: see
`GoroutineMap.inferred`. The debug=1 text hides the runtime's functions, so of most of its stacks
nothing is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from chaosmem.profile import Profile
from chaosmem.profile.dumps import Form, Goroutines
from chaosmem.profile.stack_tree import Tree
from chaosmem.report.captures import Captures, captures

Stack = tuple[str, ...]
"""Function names, root first."""

_STATES = 12  # shown apart; the others are one row
_STACKS = 12  # of each state
_WIDTH = 1000.0
_TINTS = 8

_WAITS = (
    # (prefix of a runtime function, what runtime2.go's waitReasonStrings call such a wait)
    ("runtime.chanrecv", "chan receive"),
    ("runtime.chansend", "chan send"),
    ("runtime.selectgo", "select"),
    ("runtime.block", "select (no cases)"),
    ("runtime.netpollblock", "IO wait"),
    ("internal/poll.runtime_pollWait", "IO wait"),
    ("time.Sleep", "sleep"),
    ("sync.runtime_notifyListWait", "sync.Cond.Wait"),
    ("sync.runtime_SemacquireRWMutexR", "sync.RWMutex.RLock"),
    ("sync.runtime_SemacquireRWMutex", "sync.RWMutex.Lock"),
    ("internal/sync.runtime_SemacquireMutex", "sync.Mutex.Lock"),
    ("sync.runtime_SemacquireMutex", "sync.Mutex.Lock"),
    ("sync.runtime_SemacquireWaitGroup", "sync.WaitGroup.Wait"),
    ("sync.runtime_Semacquire", "semacquire"),
    ("internal/poll.runtime_Semacquire", "semacquire"),
    ("runtime.gcBgMarkWorker", "GC worker (idle)"),
    ("runtime.bgsweep", "GC sweep wait"),
    ("runtime.bgscavenge", "GC scavenge wait"),
    ("runtime.forcegchelper", "force gc (idle)"),
    ("runtime.runfinq", "finalizer wait"),
    ("runtime.runFinalizers", "finalizer wait"),
    ("runtime.runCleanups", "cleanup wait"),
)
_PARKED = ("runtime.gopark", "runtime.goparkunlock")
_SYSCALL = ("syscall.Syscall", "syscall.RawSyscall", "internal/runtime/syscall.", "syscall.syscall")
_PARTS = 8  # frames from the leaf that the parking functions are among


@dataclass(frozen=True, slots=True)
class StackRow:
    """One stack in every dump; root first."""

    stack: Stack
    counts: tuple[int, ...]

    @property
    def shown(self) -> Stack:
        """Innermost first, without the runtime's frames at the leaf (where it has others)."""
        names = self.stack[::-1]
        own = next((i for i, name in enumerate(names) if not name.startswith("runtime.")), 0)
        return names[own:]


@dataclass(frozen=True, slots=True)
class StateRow:
    """Goroutines of one state and wait reason in every dump.

    Attributes:
        state: "waiting: chan receive".
        counts: goroutines in each dump.
        minutes: longest wait in the last dump that says so; 0 where none does.
        tint: which colour, from 0.
        stacks: the most frequent.
        left: stacks beyond these.
    """

    state: str
    counts: tuple[int, ...]
    minutes: int
    tint: int
    stacks: tuple[StackRow, ...]
    left: int


@dataclass(frozen=True, slots=True)
class GoroutineMap:
    """The map.

    Attributes:
        moments: the dumps, in order of time.
        totals: goroutines in each.
        rows: states, the most frequent (in any dump) first.
        bars: one picture for each dump.
        inferred: the states are read from the stacks, because the dumps carry none.
        notes: what the dumps have not.
    """

    moments: tuple[str, ...]
    totals: tuple[int, ...]
    rows: tuple[StateRow, ...]
    bars: tuple[Markup, ...]
    inferred: bool
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Group:
    """Goroutines of one stack and state in one dump."""

    dump: int
    state: str
    stack: Stack
    count: int
    minutes: int = 0


def inferred_state(stack: Stack, *, hidden: bool = False) -> str:
    """What a stack (root first) says of its goroutine's state.

    Args:
        stack: function names.
        hidden: the runtime's functions at the leaf were left out, as debug=1 does.

    Returns:
        "waiting: REASON", "waiting", "syscall", "unknown" (hidden), or "running or runnable": a
        profile does not tell the last two apart.
    """
    leaf = stack[-_PARTS:][::-1]
    for name in leaf:
        for prefix, reason in _WAITS:
            if name.startswith(prefix):
                return f"waiting: {reason}"
    if any(name in _PARKED for name in leaf):
        return "waiting"
    if leaf and leaf[0].startswith(_SYSCALL):
        return "syscall"
    return "unknown" if hidden else "running or runnable"


_NO_TIMES = "There are no wait times either; a debug=2 dump has both."


def of_captures(found: Captures) -> GoroutineMap:
    """The map of goroutine profiles."""
    groups = [g for dump in range(len(found.moments)) for g in _of_tree(found.tree, dump, dump)]
    return _map(found.moments, groups, inferred=True, notes=(_NO_TIMES,))


def of_dumps(dumps: Sequence[tuple[str, Goroutines | Profile]]) -> GoroutineMap:
    """The map of text dumps and goroutine profiles, by name, in order of time.

    Raises:
        UsageError: a profile is not one of goroutines.
    """
    groups: list[_Group] = []
    notes: list[str] = []
    inferred = False
    for i, (name, dump) in enumerate(dumps):
        if isinstance(dump, Profile):
            groups += _of_tree(captures("goroutine", [(name, dump)]).tree, 0, i)
        else:
            groups += _of_dump(dump, i)
            notes += _lacks(name, dump)
        inferred |= isinstance(dump, Profile) or dump.form is not Form.DEBUG2
    if inferred:
        notes.append(_NO_TIMES)
    return _map(tuple(n for n, _ in dumps), groups, inferred=inferred, notes=tuple(notes))


def _of_tree(tree: Tree, capture: int, dump: int) -> list[_Group]:
    """The goroutines of a capture."""
    own = tree.own[capture]
    stacks = [(tree.stack(frame), int(own[frame])) for frame in np.flatnonzero(own).tolist()]
    return [_Group(dump, inferred_state(stack), stack, count) for stack, count in stacks]


def _of_dump(found: Goroutines, dump: int) -> list[_Group]:
    """The goroutines of a text."""
    groups = []
    for group in found.groups:
        stack = tuple(frame.function or "?" for frame in group.stack)[::-1]
        longest = group.minutes[-1][0] if group.minutes else 0
        state = f"{group.status}: {group.reason}" if group.reason else group.status
        state = state or inferred_state(stack, hidden=True)
        groups.append(_Group(dump, state, stack, group.count, longest))
    if found.ungrouped:
        groups.append(_Group(dump, "unknown", ("(further stacks)",), found.ungrouped))
    return groups


def _lacks(name: str, found: Goroutines) -> list[str]:
    """What a text has not."""
    notes = []
    if found.form is Form.DEBUG1:
        notes.append(f"{name} (debug=1) hides the runtime's functions: most states are unknown.")
    if found.truncated:
        notes.append(f"{name} is truncated: its counts are lower bounds.")
    if found.damaged:
        notes.append(f"{name}: {found.damaged} damaged goroutines left out.")
    return notes


def _map(
    moments: tuple[str, ...], groups: Iterable[_Group], *, inferred: bool, notes: tuple[str, ...]
) -> GoroutineMap:
    states: dict[str, list[_Group]] = {}
    for group in groups:
        if group.count:
            states.setdefault(group.state, []).append(group)
    made = [_state_row(state, own, len(moments)) for state, own in states.items()]
    made.sort(key=lambda row: (-max(row.counts), row.state))
    if len(made) > _STATES:
        rest = [g for row in made[_STATES - 1 :] for g in states[row.state]]
        made = [*made[: _STATES - 1], _state_row("other states", rest, len(moments))]
    rows = tuple(
        StateRow(r.state, r.counts, r.minutes, i % _TINTS, r.stacks, r.left)
        for i, r in enumerate(made)
    )
    totals = tuple(sum(column) for column in zip(*(r.counts for r in rows), strict=True))
    totals = totals or (0,) * len(moments)
    bars = tuple(_bar(rows, i, max(totals)) for i in range(len(moments)))
    return GoroutineMap(moments, totals, rows, bars, inferred, notes)


def _state_row(state: str, groups: Sequence[_Group], dumps: int) -> StateRow:
    counts = [0] * dumps
    stacks: dict[Stack, list[int]] = {}
    for group in groups:
        counts[group.dump] += group.count
        stacks.setdefault(group.stack, [0] * dumps)[group.dump] += group.count
    ordered = sorted(stacks.items(), key=lambda item: (-max(item[1]), item[0]))
    shown = tuple(StackRow(stack, tuple(own)) for stack, own in ordered[:_STACKS])
    minutes = max((g.minutes for g in groups), default=0)
    return StateRow(state, tuple(counts), minutes, 0, shown, len(ordered) - len(shown))


def _bar(rows: Sequence[StateRow], dump: int, most: int) -> Markup:
    """The states of one dump, side by side; all bars of a map have one scale."""
    parts, left = [], 0.0
    for row in rows:
        width = row.counts[dump] / max(most, 1) * _WIDTH
        title = f"{row.state}: {row.counts[dump]}"
        if width:
            parts.append(
                Markup(
                    '<rect class="part p{}" x="{:.1f}" width="{:.1f}" height="22">'
                    "<title>{}</title></rect>"
                ).format(row.tint, left, max(width, 1.0), title)
            )
        left += width
    said = ", ".join(f"{row.state}: {row.counts[dump]}" for row in rows if row.counts[dump])
    return Markup(
        '<svg class="bar" viewBox="0 0 {:.0f} 22" preserveAspectRatio="none" role="img"'
        ' aria-label="{}">{}</svg>'
    ).format(_WIDTH, said or "none", Markup().join(parts))
