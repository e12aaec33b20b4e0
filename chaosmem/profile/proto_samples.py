"""The samples and labels of `profile.proto`, in batches that fit the processor's cache."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from chaosmem.errors import FormatError
from chaosmem.profile import wire
from chaosmem.profile.columns import Growing, Int32, Int64, Labels, Samples, UInt64, offsets
from chaosmem.profile.proto_tables import Ids, Table, column

_BATCH = 4096
"""Samples at a time: their fields, frames and indices stay within 1 MB, so memory does not grow."""

_LOCATION, _VALUE, _LABEL = 1, 2, 3


def read_samples(
    table: Table, location_ids: Ids, value_types: int, strings: int
) -> tuple[Samples, Labels]:
    """The samples and their labels.

    Raises:
        FormatError: a malformed sample, a value too many or too few, an id or string that is not.
    """
    if len(table) and not value_types:
        raise FormatError("samples without a sample type", offset=int(table.start[0]))
    values = np.empty((value_types, len(table)), np.int64)
    depths, stack = np.empty(len(table), np.int64), Growing(np.int32)
    labels = _Columns()
    for first, batch in _batches(table):
        last = first + len(batch)
        fields = batch.fields()
        values[:, first:last] = _values(batch, fields, value_types)
        start, flat = _stacks(batch, fields, location_ids)
        depths[first:last] = np.diff(start)
        stack.append(flat, last / len(table))
        labels.append(_labels(batch, fields, first, strings), last / len(table))
    return Samples(values, offsets(depths), stack.finish()), labels.finish()


def _batches(table: Table) -> Iterator[tuple[int, Table]]:
    for first in range(0, len(table), _BATCH):
        chosen = slice(first, first + _BATCH)
        yield first, Table(table.buf, table.start[chosen], table.stop[chosen], table.what)


def _values(batch: Table, fields: wire.Fields, value_types: int) -> Int64:
    start, flat = wire.repeated(batch.buf, fields.of(_VALUE), len(batch), "Sample.value")
    wrong = np.flatnonzero(np.diff(start) != value_types)
    if len(wrong):
        at = int(batch.start[wrong[0]])
        count = int(np.diff(start)[wrong[0]])
        message = f"Sample has {count} values for {value_types} sample types"
        raise FormatError(message, offset=at)
    return flat.view(np.int64).reshape(len(batch), value_types).T


def _stacks(batch: Table, fields: wire.Fields, location_ids: Ids) -> tuple[Int64, Int32]:
    chosen = fields.of(_LOCATION)
    start, flat = wire.repeated(batch.buf, chosen, len(batch), "Sample.location_id")
    stack = location_ids.places(flat)
    dangling = np.flatnonzero(stack < 0)
    if len(dangling):
        row = int(np.searchsorted(start, dangling[0], "right")) - 1
        message = f"Sample has location id {flat[dangling[0]]}, which no Location has"
        raise FormatError(message, offset=int(batch.start[row]))
    return start, stack


def _labels(batch: Table, fields: wire.Fields, first: int, strings: int) -> Labels:
    chosen = fields.of(_LABEL).demand(wire.DELIMITED, "Sample.label")
    table = Table(batch.buf, chosen.start, chosen.start + chosen.length(), "Label")
    inner = table.fields()
    key = _string(table, column(table, inner, 1, "key"), strings)
    text = _string(table, column(table, inner, 2, "str"), strings)
    number = column(table, inner, 3, "num").view(np.int64)
    unit = _string(table, column(table, inner, 4, "num_unit"), strings)
    text[text == 0] = -1
    # a label with neither text, number nor unit says nothing; the Go tool leaves it out too
    said = np.flatnonzero((text >= 0) | (number != 0) | (unit != 0))
    owner = (chosen.owner[said] + first).astype(np.int32)
    return Labels(owner, key[said], text[said], number[said], unit[said])


def _string(table: Table, index: UInt64, strings: int) -> Int32:
    wrong = np.flatnonzero(index >= strings)
    if len(wrong):
        message = f"Label uses string {index[wrong[0]]} of {strings}"
        raise FormatError(message, offset=int(table.start[wrong[0]]))
    return index.astype(np.int32)


class _Columns:
    """Labels that are appended to."""

    def __init__(self) -> None:
        self._small = [Growing(np.int32) for _ in range(4)]
        self._number = Growing(np.int64)

    def append(self, part: Labels, done: float) -> None:
        parts = (part.sample, part.key, part.text, part.unit)
        for growing, values in zip(self._small, parts, strict=True):
            growing.append(values, done)
        self._number.append(part.number, done)

    def finish(self) -> Labels:
        sample, key, text, unit = (growing.finish() for growing in self._small)
        return Labels(sample, key, text, self._number.finish(), unit)
