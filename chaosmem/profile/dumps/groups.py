"""Grouping in bounded memory, shared by the text forms and the goroutine profile."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from chaosmem.profile.dumps.records import (
    Form,
    Frame,
    Goroutines,
    Group,
    LabelCount,
    Labels,
    Stack,
    State,
)

MAX_GROUPS: Final = 50_000
"""Distinct stacks that are kept, about 150 MB at 20 frames; goroutines of more are counted only."""
_MAX_LABELS: Final = 64
_MAX_SEEN_LABELS: Final = 1024
_MAX_IDS: Final = 8
_EXACT_MINUTES: Final = 240
_UNKNOWN: Final = State("")

Key = tuple[Stack, Frame | None, str, str, bool]


@dataclass(slots=True)
class Tally:
    """What is counted of one group; each bounded."""

    stack: Stack
    creator: Frame | None
    state: State
    offset: int | None
    count: int = 0
    locked: int = 0
    minutes: Counter[int] = field(default_factory=Counter)
    labels: Counter[tuple[str, str]] = field(default_factory=Counter)
    labelled: int = 0
    ids: list[int] = field(default_factory=list)
    parents: dict[int, None] = field(default_factory=dict)

    def add(self, state: State, labels: Labels, count: int = 1) -> None:
        """Count goroutines of this group."""
        self.count += count
        self.locked += state.locked * count
        if state.minutes is not None:
            self.minutes[_bucket(state.minutes)] += count
        for pair in labels:
            self.labelled += count
            if pair in self.labels or len(self.labels) < _MAX_SEEN_LABELS:
                self.labels[pair] += count

    def add_ids(self, goroutine: int, parent: int | None) -> None:
        """Remember the first numbers."""
        if len(self.ids) < _MAX_IDS:
            self.ids.append(goroutine)
        if parent is not None and len(self.parents) < _MAX_IDS:
            self.parents[parent] = None

    def group(self) -> Group:
        """The group as a value."""
        top = sorted(self.labels.items(), key=lambda item: (-item[1], item[0]))[:_MAX_LABELS]
        labels = tuple(LabelCount(key, value, count) for (key, value), count in top)
        return Group(
            stack=self.stack,
            creator=self.creator,
            status=self.state.status,
            reason=self.state.reason,
            leaked=self.state.leaked,
            count=self.count,
            minutes=tuple(sorted(self.minutes.items())),
            locked=self.locked,
            labels=labels,
            labels_more=self.labelled - sum(label.count for label in labels),
            ids=tuple(self.ids),
            parents=tuple(self.parents),
            offset=self.offset,
        )


def _bucket(minutes: int) -> int:
    """Minutes, in whole hours above four, so that their number is bounded."""
    return minutes if minutes < _EXACT_MINUTES else minutes // 60 * 60


class Grouper:
    """Counts goroutines by stack, creator, status and reason."""

    def __init__(self, max_groups: int = MAX_GROUPS) -> None:
        self._max = max_groups
        self._tallies: dict[Key, Tally] = {}
        self.ungrouped = 0

    def tally(
        self, stack: Stack, creator: Frame | None, state: State, offset: int | None
    ) -> Tally | None:
        """The tally of a group, made if need be; None if there are too many groups."""
        key = (stack, creator, state.status, state.reason, state.leaked)
        found = self._tallies.get(key)
        if found is None and len(self._tallies) < self._max:
            found = self._tallies[key] = Tally(stack, creator, state, offset)
        return found

    def goroutines(
        self,
        form: Form,
        *,
        declared: int | None = None,
        damaged: int = 0,
        first_damage: int | None = None,
        truncated: bool = False,
        size_bytes: int = 0,
    ) -> Goroutines:
        """Everything counted, as a value."""
        groups = sorted((t.group() for t in self._tallies.values()), key=_order)
        total = sum(group.count for group in groups) + self.ungrouped
        return Goroutines(
            form=form,
            total=total,
            declared=declared,
            groups=tuple(groups),
            ungrouped=self.ungrouped,
            damaged=damaged,
            first_damage=first_damage,
            truncated=truncated or (declared is not None and total < declared),
            size_bytes=size_bytes,
        )


def _order(group: Group) -> tuple[int, list[tuple[str, str, int]], str, str]:
    """Largest first, then by stack, status and reason."""
    frames = [(frame.function, frame.file, frame.line) for frame in group.stack]
    return -group.count, frames, group.status, group.reason


def group_stacks(
    samples: Iterable[tuple[Stack, Labels, int]], *, size_bytes: int = 0
) -> Goroutines:
    """Goroutines of a goroutine (or goroutineleak) profile.

    Args:
        samples: stack (leaf first, runtime frames and all), labels and count of each sample.
        size_bytes: size of the profile, for the account.
    """
    grouper = Grouper()
    for stack, labels, count in samples:
        tally = grouper.tally(visible(stack), None, _UNKNOWN, None)
        if tally is None:
            grouper.ungrouped += count
        else:
            tally.add(_UNKNOWN, labels, count)
    return grouper.goroutines(Form.PROFILE, size_bytes=size_bytes)


def visible(stack: Stack) -> Stack:
    """The frames that the text forms show.

    runtime/pprof hides runtime.goexit and the runtime's functions at the leaf, unless nothing else
    is in the stack (printStackRecord).
    """
    frames = tuple(frame for frame in stack if frame.function != "runtime.goexit")
    for i, frame in enumerate(frames):
        if not frame.function.startswith(("runtime.", "internal/runtime/")):
            return frames[i:]
    return frames
