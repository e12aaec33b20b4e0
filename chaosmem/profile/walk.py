"""Finds the fields of one long message, where only the field before says where the next one is.

A plain loop needs 0.4 us a field, which is a third of the time that a large profile takes. So many
lanes set out at once, one every kilobyte or so, each at a byte that is probably not the beginning
of a field. They hop from field to field as if it were, and fall into step with the true sequence
after a few hops. What they saw is only believed where the true sequence, followed from the first
byte, arrives at it; elsewhere it goes on step by step.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from chaosmem.profile.columns import Bool, Int64, spans
from chaosmem.profile.wire import DELIMITED, PADDING, VARINT, Bytes, next_field

_SHORTEST = 1024  # bytes of a lane, at least
_OVERLAP = 512  # bytes that a lane goes on into the next one's, which is in step by then
_LEAP = 130  # more than a length of one byte can say
_WORTH = 16 * _SHORTEST  # below that a plain loop is quicker
_STRAGGLERS = 64  # one lane in so many may be left behind
_LANE_BITS = 40  # in keys: above the position
HIGHEST = 6
"""Length-delimited fields 1 to 6 are messages; the walk gives them as columns."""


def _bytes_of(wires: tuple[int, ...], highest: int) -> Bool:
    """Per byte: whether it is the tag of a field up to that number, of one of these wire types."""
    return np.array([1 <= b >> 3 <= highest and b & 7 in wires for b in range(256)])


_TAG = _bytes_of((VARINT, DELIMITED), 15)
_MESSAGE = _bytes_of((DELIMITED,), HIGHEST)


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
    """What the walk has found: hops that are believed, and single steps."""

    first: list[Int64] = field(default_factory=list)
    count: list[Int64] = field(default_factory=list)
    steps: list[tuple[int, int, int]] = field(default_factory=list)
    singles: list[Single] = field(default_factory=list)

    def messages(self, hops: _Hops | None) -> Messages:
        """All messages, ordered by place."""
        steps = np.array(self.steps, np.int64).reshape(-1, 3)
        number, start, stop = steps[:, 0].astype(np.uint8), steps[:, 1], steps[:, 2]
        if hops is None or not self.first:
            return Messages(number, start, stop)
        rows = spans(np.concatenate(self.first), np.concatenate(self.count))
        if not len(steps):
            return Messages(hops.number[rows], hops.start[rows], hops.end[rows])
        start = np.concatenate([hops.start[rows], start])
        order = np.argsort(start, kind="stable")
        number = np.concatenate([hops.number[rows], number])[order]
        return Messages(number, start[order], np.concatenate([hops.end[rows], stop])[order])


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
        end = hops.follow(at, found) if hops else None
        if end is not None:
            at = end
            continue
        (number, wire, value, start), end = next_field(data, at, stop, what)
        if wire == DELIMITED and 0 < number <= HIGHEST:
            found.steps.append((number, start, end))
        else:
            found.singles.append(Single(number, wire, value, start, end, at))
        at = end
    return found.messages(hops), found.singles


@dataclass(frozen=True, slots=True)
class _Hops:
    """Where lanes were, lane by lane, ascending within each.

    Attributes:
        length: bytes of a lane.
        key: int64, lane and beginning of the supposed field.
        number: uint8, its number.
        start: int64, of its payload.
        end: int64, after it; -1 if that was no field which lanes know.
        entry: int64, per lane, the hop at which the lane before it comes in; -1 if at none.
        last: int64, per lane, its last hop.
        broken: int64, per lane, the last hop before `last` that does not lead to the next one.
        stuck: int64, the lanes that the one before does not lead through; one more at the end.
    """

    length: int
    key: Int64
    number: Bytes
    start: Int64
    end: Int64
    entry: Int64
    last: Int64
    broken: Int64
    stuck: Int64

    @classmethod
    def of(cls, buf: Bytes, stop: int) -> _Hops:
        # a round of hops has a fixed cost and one for each lane: least when both are alike
        length = max(math.isqrt(stop), _SHORTEST)
        key = _race(buf, stop, length)
        at = key & ((1 << _LANE_BITS) - 1)
        start, end = _hop(buf, at, stop)
        lanes = np.arange(1, 2 + int(key[-1] >> _LANE_BITS))
        last = key.searchsorted(lanes << _LANE_BITS) - 1
        entry = np.full(len(lanes), -1, np.int64)
        wanted = (lanes[:-1] << _LANE_BITS) | np.maximum(end[last[:-1]], 0)
        place = np.minimum(key.searchsorted(wanted), len(key) - 1)
        entry[1:] = np.where(key[place] == wanted, place, -1)
        leads: Bool = end[:-1] == at[1:]
        leads[last[:-1]] = True
        breaks = np.concatenate(([-1], np.flatnonzero(~leads)))
        broken = breaks[breaks.searchsorted(last) - 1]
        stuck = np.flatnonzero((entry < 0) | (entry <= broken) | (end[last] < 0))
        number = (buf[at] >> 3).astype(np.uint8)
        bound = np.append(stuck, len(lanes))
        return cls(length, key, number, start, end, entry, last, broken, bound)

    def follow(self, at: int, found: _Found) -> int | None:
        """Adds the fields from `at` on that lanes have seen; where they end, None if none has."""
        lane = min(max(at - _OVERLAP, 0) // self.length, len(self.last) - 1)
        first = int(self.key.searchsorted((lane << _LANE_BITS) | at))
        last = int(self.last[lane])
        if first > last or self.key[first] != (lane << _LANE_BITS) | at or self.end[first] < 0:
            return None
        if first <= self.broken[lane] or self.end[last] < 0:
            return self._within(first, last, found)
        beyond = int(self.stuck[self.stuck.searchsorted(lane + 1)])
        entry = np.append(first, self.entry[lane + 1 : beyond])
        found.first.append(entry)
        found.count.append(self.last[lane:beyond] - entry + 1)
        return int(self.end[self.last[beyond - 1]])

    def _within(self, first: int, last: int, found: _Found) -> int:
        """One lane's hops up to where they do not lead to each other."""
        leads = self.end[first:last] == self.key[first + 1 : last + 1] & ((1 << _LANE_BITS) - 1)
        stops = np.flatnonzero(~leads)
        until = first + int(stops[0]) if len(stops) else last
        if self.end[until] < 0:
            until -= 1
        found.first.append(np.array([first]))
        found.count.append(np.array([until - first + 1]))
        return int(self.end[until])


def _race(buf: Bytes, stop: int, length: int) -> Int64:
    """Lane and position of every hop, ordered."""
    begin = np.arange(0, stop, length, dtype=np.int64)
    limit = np.minimum(begin + length + _OVERLAP, stop)
    at, lanes = begin, np.arange(len(begin))
    seen: list[Int64] = []
    few = len(begin) // _STRAGGLERS  # the rest is for the plain loop
    while len(at) > few:
        seen.append((lanes << _LANE_BITS) | at)
        _, end = _hop(buf, at, stop)
        # a long leap out of the lane is more often a lane out of step than a long field
        leap = (end > limit) & (end - at > _LEAP)
        at = np.where((end < 0) | leap, at + 1, end)
        going = at < limit
        if not going.all():
            lanes, at, limit = lanes[going], at[going], limit[going]
    key = np.concatenate(seen)
    key.sort()
    return key


def _hop(buf: Bytes, at: Int64, stop: int) -> tuple[Int64, Int64]:
    """(start, end) of the payload of the field at each position; end is -1 if there is none."""
    tag, low, high = buf.take(at), buf.take(at + 1), buf.take(at + 2)
    two = low >= 0x80  # noqa: PLR2004 the continuation bit
    length = np.where(two, (low & 0x7F) + (high.astype(np.int64) << 7), low)
    start = at + 2 + two
    end = start + length
    known = _MESSAGE.take(tag) & ~(two & (high >= 0x80)) & (end <= stop)  # noqa: PLR2004
    # a lane that is out of step seldom lands on what could be a tag, and so is soon in step
    known &= _TAG.take(buf.take(np.minimum(end, stop))) | (end == stop)
    return start, np.where(known, end, -1)
