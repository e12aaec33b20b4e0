"""Goroutines and groups of them, the same for both text forms and for the goroutine profile."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Form(StrEnum):
    """Where the goroutines were read from."""

    DEBUG1 = "debug=1"
    """Counted stacks with labels; complete; no state, no wait time, no creator."""
    DEBUG2 = "debug=2"
    """One paragraph a goroutine, as a crash prints it; cut at 64 MiB by net/http/pprof."""
    PROFILE = "profile"
    """The pprof goroutine profile; complete; no state."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One call, innermost inlined function first in a stack.

    Attributes:
        function: full symbol as printed, without arguments ("main.(*Cache).Fill").
        file: path as printed; "" where there is none (no symbol, cgo).
        line: line number; 0 where there is none.
    """

    function: str
    file: str
    line: int


Stack = tuple[Frame, ...]
"""Leaf first."""

STATES = frozenset(
    {"idle", "runnable", "running", "syscall", "waiting", "dead", "copystack", "leaked"}
    | {"preempted", "waiting for cgo callback", "???"}
)
"""Status strings of the runtime (traceback.go gStatusStrings); anything else is a wait reason."""


@dataclass(frozen=True, slots=True)
class State:
    """What the brackets of a goroutine header say.

    Attributes:
        status: the runtime's status; "waiting" or "leaked" where a wait reason is printed.
        reason: wait reason ("chan receive"); "" where none is printed.
        minutes: minutes since the first GC that saw it wait, hence a lower bound; None if not
            printed (below one minute, no GC since, or leaked).
        locked: locked to its thread.
        durable: blocked durably in the sense of testing/synctest.
        scan: its stack was being scanned.
        leaked: a goroutineleak profile found that nothing can ever wake it.
        bubble: number of its synctest bubble (Go 1.24: group).
    """

    status: str
    reason: str = ""
    minutes: int | None = None
    locked: bool = False
    durable: bool = False
    scan: bool = False
    leaked: bool = False
    bubble: int | None = None

    @property
    def blocked(self) -> bool:
        """Whether it waits for something, be it in the runtime or in a system call."""
        return self.status in {"waiting", "leaked", "syscall", "waiting for cgo callback"}


Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Goroutine:
    """One goroutine of a debug=2 dump.

    Attributes:
        id: its number.
        state: what its header says.
        labels: pprof labels, by key; since Go 1.26 with tracebacklabels=1, 1.27 by default.
        stack: leaf first; frames that the runtime left out are counted in `elided`.
        creator: the go statement that started it; None for main and the runtime's own.
        parent: number of the goroutine that ran the go statement; None before Go 1.21.
        elided: frames that "...N frames elided..." stands for (100 are printed at most).
        line: line number of its header, from 1.
        offset: byte offset of its header.
    """

    id: int
    state: State
    labels: Labels
    stack: Stack
    creator: Frame | None
    parent: int | None
    elided: int
    line: int
    offset: int


@dataclass(frozen=True, slots=True)
class LabelCount:
    """How many goroutines of a group carry a label with this value."""

    key: str
    value: str
    count: int


@dataclass(frozen=True, slots=True)
class Group:
    """Goroutines with the same stack, creator, status and wait reason.

    Attributes:
        stack: leaf first.
        creator: where they were started; None where the form does not say.
        status: their status; "" where the form does not say.
        reason: their wait reason; "" where there is none.
        leaked: whether the runtime has proven that they leak.
        count: how many.
        minutes: (minutes waited, goroutines), rising; what waits less is not in it. Above four
            hours it is whole hours, rounded down.
        locked: how many are locked to a thread.
        labels: the most frequent label values; at most 64.
        labels_more: labelled goroutines beyond these.
        ids: the first goroutine numbers, at most 8.
        parents: the first parents' numbers, at most 8.
        offset: byte offset of the first of them.
    """

    stack: Stack
    creator: Frame | None
    status: str
    reason: str
    leaked: bool
    count: int
    minutes: tuple[tuple[int, int], ...] = ()
    locked: int = 0
    labels: tuple[LabelCount, ...] = ()
    labels_more: int = 0
    ids: tuple[int, ...] = ()
    parents: tuple[int, ...] = ()
    offset: int | None = None

    @property
    def blocked(self) -> bool:
        """Whether they wait for something."""
        return State(self.status).blocked

    def waited(self, minutes: int) -> int:
        """How many have waited at least so many minutes (a lower bound, see `State.minutes`)."""
        return sum(count for waited, count in self.minutes if waited >= minutes)


@dataclass(frozen=True, slots=True)
class Goroutines:
    """All goroutines of a dump or profile.

    Attributes:
        form: where they were read from.
        total: goroutines in the groups, plus `ungrouped`.
        declared: what the text says how many there are (debug=1); None if it does not.
        groups: largest first, then by stack.
        ungrouped: goroutines of stacks beyond the group limit.
        damaged: paragraphs that begin as a goroutine and could not be read.
        first_damage: byte offset of the first of them.
        truncated: the dump was cut at 64 MiB or ends within a line, so that every count is a lower
            bound; or fewer stand in it than it declares.
        size_bytes: bytes of the input.
    """

    form: Form
    total: int
    declared: int | None
    groups: tuple[Group, ...]
    ungrouped: int
    damaged: int
    first_damage: int | None
    truncated: bool
    size_bytes: int
