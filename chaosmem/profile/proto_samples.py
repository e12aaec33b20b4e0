"""The samples and labels of `profile.proto`, in batches that fit the processor's cache."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from chaosmem.errors import FormatError
from chaosmem.profile import wire
from chaosmem.profile.columns import Growing, Int32, Int64, Labels, Samples, UInt64, offsets
from chaosmem.profile.packed import repeated
from chaosmem.profile.proto_tables import Ids, Table, column

DEEPEST = 1 << 20
"""Locations of a stack, at most; Go itself stops at 1024 (profstackdepth)."""

_BATCH, _BYTES = 900, 57_600
"""Samples and bytes at a time: what they need then fits the processor's cache.

A small profile pays for it with 8 % of its time: with twice as many at a time, the work space is
0.7 times a profile of 1 MB more. From `_MANY` samples on it is twice as many.
"""
_MANY = 100_000

_LOCATION, _VALUE, _LABEL = 1, 2, 3


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What samples may refer to."""

    location_ids: Ids
    value_types: int
    strings: int


def read_samples(
    table: Table, location_ids: Ids, value_types: int, strings: int
) -> tuple[Samples, Labels]:
    """The samples and their labels.

    Raises:
        FormatError: a malformed sample, a value too many or too few, an id or string that is not.
    """
    if len(table) and not value_types:
        raise FormatError("samples without a sample type", offset=int(table.start[0]))
    wanted = _Wanted(location_ids, value_types, strings)
    values = np.empty((value_types, len(table)), np.int64)
    stack_start, stack = np.zeros(len(table) + 1, np.int64), Growing(np.int32)
    labels = _Columns()
    for first, last in _batches(table):
        part = Table(table.buf, table.start[first:last], table.stop[first:last], table.what)
        batch = _read_batch(part, first, wanted)
        values[:, first:last] = batch.values
        stack_start[first : last + 1] = batch.stack_start + stack_start[first]
        stack.append(batch.stack, last / len(table))
        labels.append(batch.labels, last / len(table))
    return Samples(values, stack_start, stack.finish()), labels.finish()


@dataclass(frozen=True, slots=True)
class _Batch:
    values: Int64
    stack_start: Int64
    stack: Int32
    labels: Labels


def _batches(table: Table) -> Iterator[tuple[int, int]]:
    """(first, last) of samples that go together: not many, and not many bytes."""
    size = offsets(table.stop - table.start)
    scale = 1 if len(table) < _MANY else 2
    first = 0
    while first < len(table):
        enough = int(np.searchsorted(size, size[first] + _BYTES * scale))
        last = min(max(enough, first + 1), first + _BATCH * scale, len(table))
        yield first, last
        first = last


def _read_batch(batch: Table, first: int, wanted: _Wanted) -> _Batch:
    fields = batch.fields()
    values = _values(batch, fields, wanted.value_types)
    start, stack = _stacks(batch, fields, wanted.location_ids)
    return _Batch(values, start, stack, _labels(batch, fields, first, wanted.strings))


def _values(batch: Table, fields: wire.Split, value_types: int) -> Int64:
    start, flat = repeated(batch.buf, fields.of(_VALUE), len(batch), "Sample.value")
    wrong = np.flatnonzero(np.diff(start) != value_types)
    if len(wrong):
        at = int(batch.start[wrong[0]])
        count = int(np.diff(start)[wrong[0]])
        message = f"Sample has {count} values for {value_types} sample types"
        raise FormatError(message, offset=at)
    return flat.view(np.int64).reshape(len(batch), value_types).T


def _stacks(batch: Table, fields: wire.Split, location_ids: Ids) -> tuple[Int64, Int32]:
    chosen = fields.of(_LOCATION)
    what = "Sample.location_id"
    start, flat = repeated(batch.buf, chosen, len(batch), what)
    deep = np.flatnonzero(np.diff(start) > DEEPEST)
    if len(deep):
        at = int(batch.start[deep[0]])
        raise FormatError(f"Sample has a stack of more than {DEEPEST:,} locations", offset=at)
    stack = location_ids.places(flat)
    dangling = np.flatnonzero(stack < 0)
    if len(dangling):
        row = int(np.searchsorted(start, dangling[0], "right")) - 1
        message = f"Sample has location id {flat[dangling[0]]}, which no Location has"
        raise FormatError(message, offset=int(batch.start[row]))
    return start, stack


def _labels(batch: Table, fields: wire.Split, first: int, strings: int) -> Labels:
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
