"""The samples and labels of `profile.proto`, in batches that fit the processor's cache."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from chaosmem.errors import FormatError
from chaosmem.profile import wire
from chaosmem.profile.columns import Int32, Int64, Labels, Samples, UInt64, offsets
from chaosmem.profile.proto_tables import Ids, Table, column

_BATCH = 4096
"""Samples at a time: their fields, frames and indices stay within 1 MB, so memory does not grow."""

_Number = TypeVar("_Number", bound=np.generic)

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
    depths: list[Int64] = []
    stacks: list[Int32] = []
    labels: list[Labels] = []
    for first, batch in _batches(table):
        fields = batch.fields()
        values[:, first : first + len(batch)] = _values(batch, fields, value_types)
        start, stack = _stacks(batch, fields, location_ids)
        depths.append(np.diff(start))
        stacks.append(stack)
        labels.append(_labels(batch, fields, first, strings))
    samples = Samples(
        values, offsets(_concatenate(depths, np.int64)), _concatenate(stacks, np.int32)
    )
    return samples, _all_labels(labels)


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
    owner = chosen.owner[said] + first
    return Labels(owner, key[said], text[said], number[said], unit[said])


def _string(table: Table, index: UInt64, strings: int) -> Int32:
    wrong = np.flatnonzero(index >= strings)
    if len(wrong):
        message = f"Label uses string {index[wrong[0]]} of {strings}"
        raise FormatError(message, offset=int(table.start[wrong[0]]))
    return index.astype(np.int32)


def _all_labels(parts: list[Labels]) -> Labels:
    return Labels(
        _concatenate([part.sample for part in parts], np.int64),
        _concatenate([part.key for part in parts], np.int32),
        _concatenate([part.text for part in parts], np.int32),
        _concatenate([part.number for part in parts], np.int64),
        _concatenate([part.unit for part in parts], np.int32),
    )


def _concatenate(parts: list[NDArray[_Number]], kind: type[_Number]) -> NDArray[_Number]:
    return np.concatenate(parts) if parts else np.zeros(0, kind)
