"""Repeated varint fields of many messages, packed (one payload of varints) or one field each."""

from __future__ import annotations

import numpy as np

from chaosmem.errors import FormatError
from chaosmem.profile import wire
from chaosmem.profile.columns import Int64, UInt64, offsets, spans


def repeated(buf: wire.Bytes, fields: wire.Fields, owners: int, what: str) -> tuple[Int64, UInt64]:
    """A repeated varint field, packed or not, as (start, flat) over `owners` messages.

    Raises:
        FormatError: wrong wire type, or a packed payload that ends inside a varint.
    """
    single = fields.wire == wire.VARINT
    packed = np.flatnonzero(~single)
    if len(packed) == len(fields.owner):
        start, flat = packed_varints(buf, fields.demand(wire.DELIMITED, what), what)
        if len(fields.owner) == owners and _one_each(fields.owner):
            return start, flat
        counts = np.diff(start)
    else:
        inner, values = packed_varints(buf, fields.rows(packed).demand(wire.DELIMITED, what), what)
        counts = np.ones(len(fields.owner), np.int64)
        counts[packed] = np.diff(inner)
        flat = np.empty(int(counts.sum()), np.uint64)
        begin = offsets(counts)[:-1]
        flat[begin[single]] = fields.value[single]
        flat[spans(begin[packed], counts[packed])] = values
    per_owner = np.zeros(owners, np.int64)
    np.add.at(per_owner, fields.owner, counts)
    return offsets(per_owner), flat


def _one_each(owner: Int64) -> bool:
    return not len(owner) or bool(owner[0] == 0 and (np.diff(owner) == 1).all())


def packed_varints(buf: wire.Bytes, fields: wire.Fields, what: str) -> tuple[Int64, UInt64]:
    """The varints of packed payloads, as (start, flat).

    Raises:
        FormatError: a payload ends inside a varint, or has one of more than 10 bytes.
    """
    lengths = fields.length()
    payload = buf.take(spans(fields.start, lengths))
    last = payload < 0x80  # noqa: PLR2004 the continuation bit
    bounds = offsets(lengths)
    filled = lengths.nonzero()[0]
    torn = ~last.take(bounds[1:].take(filled) - 1)
    if torn.any():
        raise wire.cut_short(what, int(fields.start[filled[torn.argmax()]]))
    ends = last.nonzero()[0]
    # each value is what its last byte has, and what the bytes before that one have, if any
    flat = payload.take(ends).astype(np.uint64)
    size = np.diff(ends, prepend=-1)
    longer = (size > 1).nonzero()[0]
    back = 1
    while len(longer):
        if back == wire.LONGEST:
            field = int(np.searchsorted(bounds, ends[longer[0]], "right")) - 1
            at = int(fields.start[field])
            raise FormatError(f"{what} has a varint of more than 10 bytes", offset=at)
        byte = payload.take(ends.take(longer) - back) & 0x7F
        flat[longer] = (flat.take(longer) << np.uint64(7)) | byte
        back += 1
        longer = longer[size.take(longer) > back]
    return np.searchsorted(ends, bounds), flat
