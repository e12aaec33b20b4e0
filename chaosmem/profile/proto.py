"""`profile.proto` bytes into a `Profile`.

What the Go tool refuses is refused here too (github.com/google/pprof/profile: encode.go, proto.go
and CheckValid), each with the byte where it was noticed. What is given back is consistent: every
index points at something.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import Final

import numpy as np

from chaosmem.errors import FormatError
from chaosmem.profile import wire
from chaosmem.profile.columns import (
    Functions,
    Int32,
    Locations,
    Mapping,
    Profile,
    UInt64,
    ValueType,
    offsets,
)
from chaosmem.profile.proto_samples import read_samples
from chaosmem.profile.proto_tables import Ids, Table, column

SAMPLE_TYPE, SAMPLE, MAPPING, LOCATION, FUNCTION, STRING = 1, 2, 3, 4, 5, 6
DROP_FRAMES, KEEP_FRAMES, TIME, DURATION, PERIOD_TYPE, PERIOD = 7, 8, 9, 10, 11, 12
COMMENT, DEFAULT_SAMPLE_TYPE, DOC_URL = 13, 14, 15

_MESSAGES: Final = (SAMPLE_TYPE, SAMPLE, MAPPING, LOCATION, FUNCTION, STRING, PERIOD_TYPE)


@dataclass(frozen=True, slots=True)
class _Top:
    """Where the parts of a profile are.

    Attributes:
        spans: per message field, its (start, stop) pairs in one flat array.
        scalars: the last value of each scalar field.
        comments: string indices.
    """

    spans: dict[int, array[int]]
    scalars: dict[int, int]
    comments: list[int]

    def table(self, buf: wire.Bytes, number: int, what: str) -> Table:
        pairs = np.frombuffer(self.spans[number], np.int64).reshape(-1, 2)
        return Table(buf, pairs[:, 0], pairs[:, 1], what)


def parse(data: bytes | bytearray) -> Profile:
    """The profile in these uncompressed bytes (a bytearray is padded in place: memory counts).

    Raises:
        FormatError: they are not a well-formed profile; `offset` says where it was noticed.
    """
    if not data:
        raise FormatError("profile is empty", offset=0, hint="nothing was captured")
    with memoryview(data) as view:
        top = _walk(view)
    padding = bytes(wire.PADDING)
    if isinstance(data, bytearray):
        data += padding
    else:
        data = data + padding
    return _assemble(np.frombuffer(data, np.uint8), top)


def _walk(data: memoryview) -> _Top:
    """Finds the parts; the only loop that takes one step a message."""
    spans = {number: array("q") for number in _MESSAGES}
    add_sample = spans[SAMPLE].append
    top = _Top(spans, {}, [])
    at, stop = 0, len(data)
    last = stop - 2
    while at < stop:
        if data[at] == SAMPLE << 3 | wire.DELIMITED and at < last and data[at + 1] < 0x80:  # noqa: PLR2004 one byte of length
            start = at + 2
            at = start + data[at + 1]
            if at > stop:
                raise FormatError("Sample is cut short", offset=start)
            add_sample(start)
            add_sample(at)
        else:
            at = _other_field(data, at, stop, top)
    return top


def _other_field(data: memoryview, at: int, stop: int, top: _Top) -> int:
    (number, kind, value, start), end = wire.next_field(data, at, stop, "Profile")
    if number in top.spans:
        _demand(kind, wire.DELIMITED, number, at)
        top.spans[number].append(start)
        top.spans[number].append(end)
    elif number == COMMENT and kind == wire.DELIMITED:
        while start < end:
            value, start = wire.varint(data, start, end, "Profile.comment")
            top.comments.append(value)
    elif 0 < number <= DOC_URL:
        _demand(kind, wire.VARINT, number, at)
        if number == COMMENT:
            top.comments.append(value)
        elif number == TIME and top.scalars.get(TIME):
            raise FormatError("concatenated profiles", offset=at, hint="read them one by one")
        else:
            top.scalars[number] = value
    return end


def _demand(kind: int, wanted: int, number: int, at: int) -> None:
    if kind != wanted:
        message = f"Profile field {number} has wire type {kind}, not {wanted}"
        raise FormatError(message, offset=at)


class _Strings:
    """The string table, and the check of every index into it."""

    def __init__(self, table: Table) -> None:
        raw = table.buf.data
        pairs = zip(table.start.tolist(), table.stop.tolist(), strict=True)
        self.all = tuple(str(raw[a:b], "utf-8", "surrogateescape") for a, b in pairs)
        if not self.all or self.all[0]:
            at = int(table.start[0]) if self.all else len(raw) - wire.PADDING
            raise FormatError("string_table[0] is not the empty string", offset=at)

    def check(self, index: UInt64, table: Table, field: str) -> Int32:
        """The indices, all inside the table."""
        wrong = np.flatnonzero(index >= len(self.all))
        if len(wrong):
            at = int(table.start[wrong[0]])
            message = f"{table.what}.{field} is string {index[wrong[0]]} of {len(self.all)}"
            raise FormatError(message, offset=at)
        return index.astype(np.int32)

    def one(self, index: int, field: str) -> str:
        if index >= len(self.all):
            raise FormatError(f"Profile.{field} is string {index} of {len(self.all)}")
        return self.all[index]


def _assemble(buf: wire.Bytes, top: _Top) -> Profile:
    strings = _Strings(top.table(buf, STRING, "string"))
    sample_types = _value_types(top.table(buf, SAMPLE_TYPE, "ValueType"), strings)
    period_types = _value_types(top.table(buf, PERIOD_TYPE, "ValueType"), strings)
    mappings, mapping_ids = _mappings(top.table(buf, MAPPING, "Mapping"), strings)
    functions, function_ids = _functions(top.table(buf, FUNCTION, "Function"), strings)
    locations, location_ids = _locations(
        top.table(buf, LOCATION, "Location"), mapping_ids, function_ids
    )
    table = top.table(buf, SAMPLE, "Sample")
    samples, labels = read_samples(table, location_ids, len(sample_types), len(strings.all))
    scalar = top.scalars
    return Profile(
        sample_types=sample_types,
        samples=samples,
        labels=labels,
        locations=locations,
        functions=functions,
        mappings=mappings,
        strings=strings.all,
        default_sample_type=strings.one(scalar.get(DEFAULT_SAMPLE_TYPE, 0), "default_sample_type"),
        period_type=period_types[-1] if period_types else ValueType("", ""),
        period=_signed(scalar.get(PERIOD, 0)),
        time_nanos=_signed(scalar.get(TIME, 0)),
        duration_nanos=_signed(scalar.get(DURATION, 0)),
        comments=tuple(strings.one(index, "comment") for index in top.comments),
        doc_url=strings.one(scalar.get(DOC_URL, 0), "doc_url"),
        drop_frames=strings.one(scalar.get(DROP_FRAMES, 0), "drop_frames"),
        keep_frames=strings.one(scalar.get(KEEP_FRAMES, 0), "keep_frames"),
    )


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


def _value_types(table: Table, strings: _Strings) -> tuple[ValueType, ...]:
    fields = table.fields()
    kind = strings.check(column(table, fields, 1, "type"), table, "type")
    unit = strings.check(column(table, fields, 2, "unit"), table, "unit")
    return tuple(
        ValueType(strings.all[k], strings.all[u])
        for k, u in zip(kind.tolist(), unit.tolist(), strict=True)
    )


def _mappings(table: Table, strings: _Strings) -> tuple[tuple[Mapping, ...], Ids]:
    fields = table.fields()
    ids = Ids(column(table, fields, 1, "id"), table)
    numbers = [column(table, fields, n, "address").tolist() for n in (2, 3, 4)]
    file = strings.check(column(table, fields, 5, "filename"), table, "filename").tolist()
    build = strings.check(column(table, fields, 6, "build_id"), table, "build_id").tolist()
    has = [(column(table, fields, n, "has") != 0).tolist() for n in (7, 8, 9, 10)]
    rows = zip(*numbers, file, build, *has, strict=True)
    mappings = tuple(
        Mapping(start, limit, offset, strings.all[f], strings.all[b], *flags)
        for start, limit, offset, f, b, *flags in rows
    )
    return mappings, ids


def _functions(table: Table, strings: _Strings) -> tuple[Functions, Ids]:
    fields = table.fields()
    ids = Ids(column(table, fields, 1, "id"), table)
    functions = Functions(
        name=strings.check(column(table, fields, 2, "name"), table, "name"),
        system_name=strings.check(column(table, fields, 3, "system_name"), table, "system_name"),
        filename=strings.check(column(table, fields, 4, "filename"), table, "filename"),
        start_line=column(table, fields, 5, "start_line").view(np.int64),
    )
    return functions, ids


def _locations(table: Table, mapping_ids: Ids, function_ids: Ids) -> tuple[Locations, Ids]:
    fields = table.fields()
    ids = Ids(column(table, fields, 1, "id"), table)
    mapping = mapping_ids.places(column(table, fields, 2, "mapping_id"))
    address = column(table, fields, 3, "address")
    folded = column(table, fields, 5, "is_folded") != 0
    nested = fields.of(4).demand(wire.DELIMITED, "Location.line")
    lines = Table(table.buf, nested.start, nested.start + nested.length(), "Line")
    inner = lines.fields()
    function = function_ids.places(column(lines, inner, 1, "function_id"))
    dangling = np.flatnonzero(function < 0)
    if len(dangling):
        at = int(lines.start[dangling[0]])
        raise FormatError("Line has a function_id that no Function has", offset=at)
    counts = np.bincount(nested.owner, minlength=len(table))
    locations = Locations(
        address=address,
        mapping=mapping,
        folded=folded,
        line_start=offsets(counts),
        function=function,
        line=column(lines, inner, 2, "line").view(np.int64),
        column=column(lines, inner, 3, "column").view(np.int64),
    )
    return locations, ids
