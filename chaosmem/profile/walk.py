"""Finds the fields of one long message, where only the field before says where the next one is.

Nearly all of them are messages with a tag of one byte and a length of one or two. So a short loop
leaps ahead as if all were, many fields at a time, and numpy then checks what it has leaped over:
fields are believed up to the first that is something else, which is read with all the rules, and
from which the loop leaps on. A loop with the rules inside takes three times as long.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from chaosmem.profile.columns import Bool, Int64
from chaosmem.profile.wire import DELIMITED, PADDING, Bytes, next_field

_MOST = 1 << 14  # fields at a time: what is known of them then fits the cache
_LEAST = 16
HIGHEST = 6
"""Length-delimited fields 1 to 6 are messages; the walk gives them as columns."""

_MESSAGE: Bool = np.array([1 <= b >> 3 <= HIGHEST and b & 7 == DELIMITED for b in range(256)])


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
    """Messages in order, in parts, and the other fields."""

    number: list[Bytes] = field(default_factory=list)
    start: list[Int64] = field(default_factory=list)
    stop: list[Int64] = field(default_factory=list)
    singles: list[Single] = field(default_factory=list)

    def add(self, number: Bytes, start: Int64, stop: Int64) -> None:
        """Some more messages."""
        self.number.append(number)
        self.start.append(start)
        self.stop.append(stop)

    def messages(self) -> Messages:
        """All of them; a part is let go when it has been copied."""
        count = sum(map(len, self.start))
        out = Messages(
            np.empty(count, np.uint8), np.empty(count, np.int64), np.empty(count, np.int64)
        )
        for parts, whole in (
            (self.number, out.number),
            (self.start, out.start),
            (self.stop, out.stop),
        ):
            at = 0
            for part in parts:
                whole[at : at + len(part)] = part
                at += len(part)
            parts.clear()
        return out


def walk(buf: Bytes, what: str) -> tuple[Messages, list[Single]]:
    """All fields of the message that is `buf` without its padding.

    Raises:
        FormatError: a field is cut short, or is malformed.
    """
    stop = len(buf) - PADDING
    data = buf.base if isinstance(buf.base, bytes) and len(buf.base) == len(buf) else buf.data
    found = _Found()
    at, most = 0, _MOST
    while at < stop:
        places = _leap(data, at, stop, most)
        at, count = _believe(buf, places, stop, found)
        # where leaps fail they are short, so that what is thrown away stays in proportion
        most = min(2 * most, _MOST) if count == len(places) else max(4 * count, _LEAST)
        if count < len(places):
            at = _step(buf, at, stop, what, found)
    return found.messages(), found.singles


def _leap(data: bytes | memoryview, at: int, stop: int, most: int) -> list[int]:
    """Where fields begin, from `at` on, if all of them are messages."""
    places = [at]
    add = places.append
    for _ in range(most):
        size = data[at + 1]
        if size >= 0x80:  # noqa: PLR2004 the continuation bit
            size += (data[at + 2] << 7) - 0x7F  # and one byte more of length
        at += 2 + size
        if at >= stop:
            break
        add(at)
    return places


def _believe(buf: Bytes, places: list[int], stop: int, found: _Found) -> tuple[int, int]:
    """(end, how many) of the places that are messages and follow each other; they are added."""
    at = np.array(places, np.int64)
    start, end = _spans(buf, at, stop)
    follows = np.append(end[:-1] == at[1:], True) & (end >= 0)
    count = len(places) if follows.all() else int(follows.argmin())
    if count < len(places) and end[count] >= 0:
        count += 1  # itself is a message; what comes after it was not where the leap went
    number = (buf.take(at[:count]) >> 3).astype(np.uint8)
    found.add(number, start[:count], end[:count])
    return (int(end[count - 1]) if count else places[0]), count


def _step(buf: Bytes, at: int, stop: int, what: str, found: _Found) -> int:
    """Reads one field with all the rules; where it ends."""
    (number, wire, value, start), end = next_field(buf.data, at, stop, what)
    if wire == DELIMITED and 0 < number <= HIGHEST:
        found.add(np.array([number], np.uint8), np.array([start]), np.array([end]))
    else:
        found.singles.append(Single(number, wire, value, start, end, at))
    return end


def _spans(buf: Bytes, at: Int64, stop: int) -> tuple[Int64, Int64]:
    """(start, end) of the payload at each place; end is -1 where there is no such message."""
    tag, low, high = buf.take(at), buf.take(at + 1), buf.take(at + 2)
    two = low >= 0x80  # noqa: PLR2004 the continuation bit
    length = np.where(two, (low & 0x7F) + (high.astype(np.int64) << 7), low)
    start = at + 2 + two
    end = start + length
    known = _MESSAGE.take(tag) & ~(two & (high >= 0x80)) & (end <= stop)  # noqa: PLR2004
    return start, np.where(known, end, -1)
