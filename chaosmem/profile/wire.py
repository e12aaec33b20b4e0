"""The protobuf wire format, many messages at a time.

A message is a span of bytes. `split` takes the spans of many messages of one kind and gives all
their fields as columns; it works in rounds, the n-th field of every message at once, so that the
cost is in the arrays and not in the number of messages. Rounds with few messages left (one message
with very many fields) go on in plain Python, where a round costs less.

The rules are those of github.com/google/pprof/profile/proto.go: at most 10 bytes a varint, bits
beyond 64 are dropped, groups (wire types 3 and 4) are refused, unknown fields are skipped.
Source: https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from chaosmem.errors import FormatError
from chaosmem.profile.columns import Int64, UInt64

Bytes: TypeAlias = NDArray[np.uint8]

VARINT, FIXED64, DELIMITED, FIXED32 = 0, 1, 2, 5
PADDING = 16
"""Zero bytes that the buffer must have after the message: a varint never reads beyond them."""

LONGEST = 10
"""Bytes of a varint, at most."""
_FEW = 24  # lanes below which a plain loop is quicker than a round of numpy calls
_OTHER = 255  # any field number that no message of ours has


@dataclass(frozen=True, slots=True)
class Fields:
    """Fields of many messages.

    Attributes:
        owner: int64, index of the message.
        number: uint8, field number; 255 for any that is larger.
        wire: uint8, wire type.
        value: uint64, the varint or fixed value, or the length of the payload.
        start: int64, where the payload begins; a varint's own end for the other types.
    """

    owner: Int64
    number: Bytes
    wire: Bytes
    value: UInt64
    start: Int64

    def rows(self, keep: Int64) -> Fields:
        """Only these fields."""
        return Fields(
            self.owner[keep], self.number[keep], self.wire[keep], self.value[keep], self.start[keep]
        )

    def length(self) -> Int64:
        """Bytes of each payload (of length-delimited fields)."""
        return self.value.view(np.int64)

    def demand(self, wire: int, what: str) -> Fields:
        """These fields, which must all have this wire type.

        Raises:
            FormatError: one has not.
        """
        wrong = self.wire != wire
        if wrong.any():
            row = int(wrong.argmax())
            message = f"{what} has wire type {self.wire[row]}, not {wire}"
            raise FormatError(message, offset=int(self.start[row]))
        return self


@dataclass(frozen=True, slots=True)
class Split:
    """The fields of many messages, round by round: the first of each, the second, ..."""

    rounds: list[Fields]

    def of(self, number: int) -> Fields:
        """The fields with this number, ordered by message and then as written."""
        parts = [part for fields in self.rounds if (part := _only(fields, number)) is not None]
        if len(parts) == 1:
            return parts[0]
        joined = Fields(
            np.concatenate([_NONE, *(part.owner for part in parts)]),
            np.concatenate([_SMALL, *(part.number for part in parts)]),
            np.concatenate([_SMALL, *(part.wire for part in parts)]),
            np.concatenate([_NONE.view(np.uint64), *(part.value for part in parts)]),
            np.concatenate([_NONE, *(part.start for part in parts)]),
        )
        return joined.rows(np.argsort(joined.owner, kind="stable"))


_NONE = np.zeros(0, np.int64)
_SMALL = np.zeros(0, np.uint8)


def _only(fields: Fields, number: int) -> Fields | None:
    """The fields with this number; None if there are none. Most rounds are all of one number."""
    chosen = fields.number == number
    if chosen.all():
        return fields
    return fields.rows(np.flatnonzero(chosen)) if chosen.any() else None


def varints(buf: Bytes, at: Int64, what: str) -> tuple[UInt64, Int64]:
    """The varint that begins at each position, and the position after it.

    Raises:
        FormatError: one is longer than 10 bytes.
    """
    first = buf.take(at)
    end = at + 1
    longer = first >= 0x80  # noqa: PLR2004 the continuation bit
    if not longer.any():
        return first.astype(np.uint64), end
    value = (first & 0x7F).astype(np.uint64)
    more = longer.nonzero()[0]
    for index in range(1, LONGEST):
        byte = buf.take(at.take(more) + index)
        value[more] |= (byte & 0x7F).astype(np.uint64) << np.uint64(7 * index)
        end[more] += 1
        more = more[byte >= 0x80]  # noqa: PLR2004
        if not len(more):
            return value, end
    raise FormatError(f"{what} has a varint of more than 10 bytes", offset=int(at[more[0]]))


def split(buf: Bytes, start: Int64, stop: Int64, what: str) -> Split:
    """Fields of the messages `buf[start[i]:stop[i]]`.

    Args:
        buf: the bytes, with `PADDING` more at the end.
        start: int64, first byte of each message.
        stop: int64, byte after each message.
        what: name of the message, for errors.

    Raises:
        FormatError: a field is cut short, or is malformed.
    """
    rounds: list[Fields] = []
    lanes, at = np.arange(len(start)), start
    going = start < stop
    while True:
        if not going.all():
            lanes, at, stop = lanes[going], at[going], stop[going]
        if len(lanes) <= _FEW:
            break
        fields, at = _round(buf, lanes, at, stop, what)
        rounds.append(fields)
        going = at < stop
    if len(lanes):
        rounds.append(_rest(buf, lanes, at, stop, what))
    return Split(rounds)


def _round(buf: Bytes, lanes: Int64, at: Int64, stop: Int64, what: str) -> tuple[Fields, Int64]:
    """The next field of every lane, and where the one after it begins."""
    tag, at = varints(buf, at, what)
    wire = (tag & np.uint64(7)).astype(np.uint8)
    number = np.minimum(tag >> np.uint64(3), np.uint64(_OTHER)).astype(np.uint8)
    fixed = _fixed(wire, at, what)
    value, start = varints(buf, _elsewhere(buf, at, fixed), what)
    # longer than the stretch is cut short however long it is; the sum must not overflow
    reach = np.minimum(value, np.uint64(len(buf))).view(np.int64)
    end = start + np.where(wire == DELIMITED, reach, 0)
    if len(fixed):
        start[fixed] = at[fixed]
        end[fixed] = at[fixed] + np.where(wire[fixed] == FIXED64, 8, 4)
    cut = end > stop
    if cut.any():
        raise cut_short(what, int(at[cut.argmax()]))
    return Fields(lanes, number, wire, value, start), end


def _fixed(wire: Bytes, at: Int64, what: str) -> Int64:
    """The lanes that have a field of a fixed type, which is seldom any."""
    unusual = (wire & ~np.uint8(DELIMITED)) != VARINT
    if not unusual.any():
        return _NONE
    bad = unusual & (wire != FIXED64) & (wire != FIXED32)
    if bad.any():
        row = int(bad.argmax())
        raise _unknown_wire(what, int(wire[row]), int(at[row]) - 1)
    return np.flatnonzero(unusual)


def _elsewhere(buf: Bytes, at: Int64, fixed: Int64) -> Int64:
    """`at`, but for fixed fields (which no message of ours has) a zero byte to read as a varint."""
    if not len(fixed):
        return at
    moved = at.copy()
    moved[fixed] = len(buf) - 1
    return moved


def _rest(buf: Bytes, lanes: Int64, at: Int64, stop: Int64, what: str) -> Fields:
    """All remaining fields of a few lanes, one after the other."""
    columns: tuple[list[int], ...] = ([], [], [], [], [])
    data = buf.data
    for lane, first, end in zip(lanes.tolist(), at.tolist(), stop.tolist(), strict=True):
        position = first
        while position < end:
            row, position = next_field(data, position, end, what)
            for column, cell in zip(columns, (lane, *row), strict=True):
                column.append(cell)
    owner, number, wire, value, start = columns
    return Fields(
        np.array(owner, np.int64),
        np.array(number, np.uint8),
        np.array(wire, np.uint8),
        np.array(value, np.uint64),
        np.array(start, np.int64),
    )


def next_field(
    data: memoryview, at: int, stop: int, what: str
) -> tuple[tuple[int, int, int, int], int]:
    """((number, wire, value, start), end) of the field at `at`; see `Fields`.

    Raises:
        FormatError: it is cut short, or is malformed.
    """
    tag, after = varint(data, at, stop, what)
    wire = tag & 7
    number = min(tag >> 3, _OTHER)
    if wire in (VARINT, DELIMITED):
        value, start = varint(data, after, stop, what)
        end = start + value if wire == DELIMITED else start
    elif wire in (FIXED64, FIXED32):
        value, start = 0, after
        end = after + (8 if wire == FIXED64 else 4)
    else:
        raise _unknown_wire(what, wire, at)
    if end > stop:
        raise cut_short(what, after)
    return (number, wire, value, start), end


def varint(data: memoryview, at: int, stop: int, what: str) -> tuple[int, int]:
    """The varint at `at` and the position after it.

    Raises:
        FormatError: it is cut short, or longer than 10 bytes.
    """
    value = 0
    for index in range(LONGEST):
        if at + index >= stop:
            raise cut_short(what, at)
        byte = data[at + index]
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:  # noqa: PLR2004 the continuation bit
            return value & 0xFFFF_FFFF_FFFF_FFFF, at + index + 1
    raise FormatError(f"{what} has a varint of more than 10 bytes", offset=at)


def cut_short(what: str, at: int) -> FormatError:
    """The error of bytes that end too early."""
    return FormatError(f"{what} is cut short", offset=at, hint="the capture is not whole")


def _unknown_wire(what: str, wire: int, at: int) -> FormatError:
    return FormatError(f"{what} has a field of unknown wire type {wire}", offset=at)
