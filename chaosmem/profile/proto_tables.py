"""Tables of `profile.proto` messages: their scalar columns, and the ids that others use."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chaosmem.errors import FormatError
from chaosmem.profile import wire
from chaosmem.profile.columns import Int32, Int64, UInt64


@dataclass(frozen=True, slots=True)
class Table:
    """Messages of one kind: where each begins and stops in `buf`."""

    buf: wire.Bytes
    start: Int64
    stop: Int64
    what: str

    def __len__(self) -> int:
        return len(self.start)

    def fields(self) -> wire.Split:
        """All fields of all messages."""
        return wire.split(self.buf, self.start, self.stop, self.what)


def column(table: Table, fields: wire.Split, number: int, name: str) -> UInt64:
    """A scalar field, 0 where it is not written; the last one wins where it is written twice.

    Raises:
        FormatError: one is not written as a varint.
    """
    out = np.zeros(len(table), np.uint64)
    chosen = fields.of(number).demand(wire.VARINT, f"{table.what}.{name}")
    out[chosen.owner] = chosen.value
    return out


class Ids:
    """From the ids that messages give themselves to their positions.

    Args:
        ids: one per message.
        table: the messages, for errors.

    Raises:
        FormatError: an id is 0, or is given twice.
    """

    def __init__(self, ids: UInt64, table: Table) -> None:
        self._order = np.argsort(ids, kind="stable")
        self._sorted = ids[self._order]
        self._dense: Int32 | None = None
        _refuse(table, np.flatnonzero(ids == 0), "has the reserved id 0")
        twice = np.flatnonzero(self._sorted[1:] == self._sorted[:-1])
        _refuse(table, self._order[twice + 1], "has an id that another one has")
        top = int(self._sorted[-1]) if len(ids) else 0
        if top < 4 * len(ids) + 1024:
            self._dense = np.full(top + 2, -1, np.int32)
            self._dense[ids.astype(np.int64)] = np.arange(len(ids), dtype=np.int32)

    def places(self, ids: UInt64) -> Int32:
        """Position of each id, -1 for an id that nothing has."""
        if self._dense is not None:
            last = np.uint64(len(self._dense) - 1)  # stays -1, as no message has that id
            return self._dense[np.minimum(ids, last).astype(np.int64)]
        at = np.searchsorted(self._sorted, ids)
        at[at == len(self._sorted)] = 0
        found = self._sorted[at] == ids
        return np.where(found, self._order[at], -1).astype(np.int32)


def _refuse(table: Table, rows: Int64, problem: str) -> None:
    if len(rows):
        raise FormatError(f"{table.what} {problem}", offset=int(table.start[rows[0]]))
