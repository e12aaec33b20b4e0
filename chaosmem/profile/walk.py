"""Finds the fields of one long message, where only the field before says where the next one is.

A plain loop needs 0.4 us a field, which is a third of the time that a large profile takes. So many
lanes set out at once, one every few kilobytes, each at a byte that is probably not the beginning of
a field. They hop from field to field as if it were, and fall into step with the true sequence after
a few hops. What they saw is only believed where the true sequence, followed from the first byte,
arrives at it; elsewhere it goes on step by step.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from chaosmem.profile.columns import Bool, Int64
from chaosmem.profile.wire import DELIMITED, PADDING, Bytes, next_field

_SHORTEST = 1024  # bytes of a lane, at least
_OVERLAP = 512  # bytes that a lane goes on into the next one's, which is in step by then
_LEAP = 130  # more than a length of one byte can say
_WORTH = 16 * _SHORTEST  # below that a plain loop is quicker
HIGHEST = 6
"""Length-delimited fields 1 to 6 are messages; the walk gives them as columns."""


_TAG = np.isin(np.arange(256), [number << 3 | wire for number in range(1, 16) for wire in (0, 2)])
_MESSAGE = np.isin(np.arange(256), [number << 3 | DELIMITED for number in range(1, HIGHEST + 1)])


@dataclass(frozen=True, slots=True)
class Single:
    """A field that is not among the messages; see `wire.Fields`."""

    number: int
    wire: int
    value: int
    start: int
    end: int
    at: int


@dataclass(frozen=True, slots=True)
class Messages:
    """Length-delimited fields with a number up to `HIGHEST`, in order.

    Attributes:
        number: uint8, field numbers.
        start, stop: int64, their payloads.
    """

    number: Bytes
    start: Int64
    stop: Int64

    def of(self, number: int) -> tuple[Int64, Int64]:
        """(start, stop) of one kind."""
        rows = np.flatnonzero(self.number == number)
        return self.start[rows], self.stop[rows]


@dataclass(slots=True)
class _Found:
    """Collects parts in order; single steps are gathered until a run comes."""

    parts: list[Messages] = field(default_factory=list)
    steps: list[tuple[int, int, int]] = field(default_factory=list)
    singles: list[Single] = field(default_factory=list)

    def run(self, part: Messages) -> None:
        self.flush()
        self.parts.append(part)

    def flush(self) -> None:
        if self.steps:
            table = np.array(self.steps, np.int64)
            part = Messages(table[:, 0].astype(np.uint8), table[:, 1], table[:, 2])
            self.parts.append(part)
            self.steps.clear()


def walk(buf: Bytes, what: str) -> tuple[Messages, list[Single]]:
    """All fields of the message that is `buf` without its padding.

    Raises:
        FormatError: a field is cut short, or is malformed.
    """
    stop = len(buf) - PADDING
    hops = _Hops.of(buf, stop) if stop >= _WORTH else None
    data = buf.data
    found = _Found()
    at = 0
    while at < stop:
        run = hops.run(at) if hops else None
        if run is not None:
            found.run(run)
            at = int(run.stop[-1])
            continue
        (number, wire, value, start), end = next_field(data, at, stop, what)
        if wire == DELIMITED and 0 < number <= HIGHEST:
            found.steps.append((number, start, end))
        else:
            found.singles.append(Single(number, wire, value, start, end, at))
        at = end
    found.flush()
    return _joined(found.parts), found.singles


def _joined(parts: list[Messages]) -> Messages:
    none = np.zeros(0, np.int64)
    return Messages(
        np.concatenate([none.astype(np.uint8), *(part.number for part in parts)]),
        np.concatenate([none, *(part.start for part in parts)]),
        np.concatenate([none, *(part.stop for part in parts)]),
    )


@dataclass(frozen=True, slots=True)
class _Hops:
    """Where lanes were, lane by lane, ascending within each.

    Attributes:
        length: bytes of a lane.
        first: int64, lanes + 1: the hops of lane i are [i]:[i + 1].
        at: int64, beginnings of supposed fields.
        start: int64, of their payloads.
        end: int64, after them; -1 if that was no field which lanes know.
        breaks: int64, the hops that do not lead to the next one in the list.
        number: uint8, field numbers.
    """

    length: int
    first: Int64
    at: Int64
    start: Int64
    end: Int64
    breaks: Int64
    number: Bytes

    @classmethod
    def of(cls, buf: Bytes, stop: int) -> _Hops:
        # rounds cost a fixed time and one for each lane: least when both grow alike
        length = max(2 * math.isqrt(stop), _SHORTEST)
        begin = np.arange(0, stop, length, dtype=np.int64)
        limit = np.minimum(begin + length + _OVERLAP, stop)
        at, lanes = begin, np.arange(len(begin))
        seen: list[tuple[Int64, Int64]] = []
        while len(at):
            seen.append((lanes, at))
            _, end = _hop(buf, at, stop)
            # a long leap out of the lane is more often a lane out of step than a long field
            leap = (end > limit[lanes]) & (end - at > _LEAP)
            at = np.where((end >= 0) & ~leap, end, at + 1)
            going = at < limit[lanes]
            if not going.all():
                lanes, at = lanes[going], at[going]
        lanes = np.concatenate([lanes for lanes, _ in seen])
        order = np.argsort(lanes, kind="stable")
        at = np.concatenate([at for _, at in seen])[order]
        first = np.searchsorted(lanes[order], np.arange(len(begin) + 1))
        start, end = _hop(buf, at, stop)
        follows: Bool = end[:-1] == at[1:]
        breaks = np.append(np.flatnonzero(~follows), len(at) - 1)
        number = (buf[at] >> 3).astype(np.uint8)
        return cls(length, first, at, start, end, breaks, number)

    def run(self, at: int) -> Messages | None:
        """The fields from `at` on that a lane has seen; None if none has."""
        lane = max(at - _OVERLAP, 0) // self.length
        low, high = int(self.first[lane]), int(self.first[lane + 1])
        first = low + int(np.searchsorted(self.at[low:high], at))
        if first == high or self.at[first] != at or self.end[first] < 0:
            return None
        last = min(int(self.breaks[np.searchsorted(self.breaks, first)]), high - 1)
        if self.end[last] < 0:
            last -= 1
        chosen = slice(first, last + 1)
        return Messages(self.number[chosen], self.start[chosen], self.end[chosen])


def _hop(buf: Bytes, at: Int64, stop: int) -> tuple[Int64, Int64]:
    """(start, end) of the payload of the field at each position; end is -1 if there is none."""
    tag, low, high = buf[at], buf[at + 1], buf[at + 2]
    two = low >= 0x80  # noqa: PLR2004 the continuation bit
    length = np.where(two, (low & 0x7F) + (high.astype(np.int64) << 7), low)
    start = at + 2 + two
    end = start + length
    known = _MESSAGE[tag] & ~(two & (high >= 0x80)) & (end <= stop)  # noqa: PLR2004
    # a lane that is out of step seldom lands on what could be a tag, and so is soon in step
    known &= _TAG[buf[np.minimum(end, stop)]] | (end == stop)
    return start, np.where(known, end, -1)
