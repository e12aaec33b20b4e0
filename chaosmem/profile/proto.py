"""`profile.proto` bytes into a `Profile`.

What the Go tool refuses is refused here too (github.com/google/pprof/profile: encode.go, proto.go
and CheckValid), each with the byte where it was noticed. What is given back is consistent: every
index points at something.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chaosmem.errors import FormatError
from chaosmem.profile import wire
from chaosmem.profile.columns import (
    Functions,
    Int32,
    Int64,
    Locations,
    Mapping,
    Profile,
    Samples,
    UInt64,
    ValueType,
    offsets,
)
from chaosmem.profile.proto_samples import DEEPEST, read_samples
from chaosmem.profile.proto_tables import Ids, Table, column
from chaosmem.profile.walk import HIGHEST, Single, walk

SAMPLE_TYPE, SAMPLE, MAPPING, LOCATION, FUNCTION, STRING = 1, 2, 3, 4, 5, 6
DROP_FRAMES, KEEP_FRAMES, TIME, DURATION, PERIOD_TYPE, PERIOD = 7, 8, 9, 10, 11, 12
COMMENT, DEFAULT_SAMPLE_TYPE, DOC_URL = 13, 14, 15


@dataclass(frozen=True, slots=True)
class _Top:
    """Where the parts of a profile are.

    Attributes:
        buf: the bytes.
        spans: (start, stop) of the messages by field number: samples, locations, and so on.
        scalars: the last value of each scalar field.
        period_type: (start, stop) of the last one, if there is any.
        comments: string indices.
    """

    buf: wire.Bytes
    spans: dict[int, tuple[Int64, Int64]]
    scalars: dict[int, int]
    period_type: list[tuple[int, int]]
    comments: list[int]

    def table(self, number: int, what: str) -> Table:
        """All messages of one kind."""
        return Table(self.buf, *self.spans[number], what)

    def period_types(self) -> Table:
        """The period type's message, the last one if it is there twice."""
        start, stop = np.array(self.period_type[-1:], np.int64).reshape(-1, 2).T
        return Table(self.buf, start, stop, "ValueType")


def parse(data: bytes) -> Profile:
    """The profile in these uncompressed bytes, which `wire.PADDING` zero bytes follow.

    Raises:
        FormatError: they are not a well-formed profile; `offset` says where it was noticed.
    """
    if len(data) <= wire.PADDING:
        raise FormatError("profile is empty", offset=0, hint="nothing was captured")
    return _assemble(_find(np.frombuffer(data, np.uint8)))


def _find(buf: wire.Bytes) -> _Top:
    messages, singles = walk(buf, "Profile")
    spans = {number: messages.of(number) for number in range(1, HIGHEST + 1)}
    top = _Top(buf, spans, {}, [], [])
    for field in singles:
        if field.number == COMMENT and field.wire == wire.DELIMITED:
            top.comments.extend(_packed(buf, field))
        elif field.number == PERIOD_TYPE:
            _demand(field, wire.DELIMITED)
            top.period_type.append((field.start, field.end))
        elif 0 < field.number <= DOC_URL:
            _demand(field, wire.DELIMITED if field.number <= HIGHEST else wire.VARINT)
            _add_scalar(top, field)
    return top


def _packed(buf: wire.Bytes, field: Single) -> list[int]:
    values, at = [], field.start
    while at < field.end:
        value, at = wire.varint(buf.data, at, field.end, "Profile.comment")
        values.append(value)
    return values


def _add_scalar(top: _Top, field: Single) -> None:
    if field.number == COMMENT:
        top.comments.append(field.value)
    elif field.number == TIME and top.scalars.get(TIME):
        raise FormatError("concatenated profiles", offset=field.at, hint="read them one by one")
    else:
        top.scalars[field.number] = field.value


def _demand(field: Single, wanted: int) -> None:
    if field.wire != wanted:
        message = f"Profile field {field.number} has wire type {field.wire}, not {wanted}"
        raise FormatError(message, offset=field.at)


class _Strings:
    """The string table, and the check of every index into it; decoded as late as possible."""

    def __init__(self, table: Table) -> None:
        self._table = table
        if not len(table) or table.start[0] != table.stop[0]:
            at = int(table.start[0]) if len(table) else len(table.buf) - wire.PADDING
            raise FormatError("string_table[0] is not the empty string", offset=at)

    def __len__(self) -> int:
        return len(self._table)

    def all(self) -> tuple[str, ...]:
        """Every string."""
        raw, table = self._table.buf.data, self._table
        pairs = zip(table.start.tolist(), table.stop.tolist(), strict=True)
        return tuple([str(raw[a:b], "utf-8", "surrogateescape") for a, b in pairs])

    def text(self, index: int) -> str:
        """One string, by an index that is known to be inside the table."""
        start, stop = self._table.start[index], self._table.stop[index]
        return str(self._table.buf.data[start:stop], "utf-8", "surrogateescape")

    def check(self, index: UInt64, table: Table, field: str) -> Int32:
        """The indices, all inside the table."""
        wrong = np.flatnonzero(index >= len(self))
        if len(wrong):
            at = int(table.start[wrong[0]])
            message = f"{table.what}.{field} is string {index[wrong[0]]} of {len(self)}"
            raise FormatError(message, offset=at)
        return index.astype(np.int32)

    def one(self, index: int, field: str) -> str:
        if index >= len(self):
            raise FormatError(f"Profile.{field} is string {index} of {len(self)}")
        return self.text(index)


def _assemble(top: _Top) -> Profile:
    strings = _Strings(top.table(STRING, "string"))
    sample_types = _value_types(top.table(SAMPLE_TYPE, "ValueType"), strings)
    period_types = _value_types(top.period_types(), strings)
    mappings, mapping_ids = _mappings(top.table(MAPPING, "Mapping"), strings)
    functions, function_ids = _functions(top.table(FUNCTION, "Function"), strings)
    locations, location_ids = _locations(top.table(LOCATION, "Location"), mapping_ids, function_ids)
    table = top.table(SAMPLE, "Sample")
    samples, labels = read_samples(table, location_ids, len(sample_types), len(strings))
    _refuse_deep(table, samples, locations)
    scalar = top.scalars
    return Profile(
        sample_types=sample_types,
        samples=samples,
        labels=labels,
        locations=locations,
        functions=functions,
        mappings=mappings,
        strings=strings.all(),
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


def _refuse_deep(table: Table, samples: Samples, locations: Locations) -> None:
    """Few bytes can name a location of very many lines very many times."""
    lines, depths = np.diff(locations.line_start), samples.depths()
    if int(lines.max(initial=0)) * int(depths.max(initial=0)) <= DEEPEST:
        return
    for row in depths.nonzero()[0].tolist():
        stack = samples.stack[samples.stack_start[row] : samples.stack_start[row + 1]]
        if int(lines.take(stack).sum()) > DEEPEST:
            message = f"Sample has a stack of more than {DEEPEST:,} frames"
            raise FormatError(message, offset=int(table.start[row]))


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


def _value_types(table: Table, strings: _Strings) -> tuple[ValueType, ...]:
    fields = table.fields()
    kind = strings.check(column(table, fields, 1, "type"), table, "type")
    unit = strings.check(column(table, fields, 2, "unit"), table, "unit")
    return tuple(
        ValueType(strings.text(k), strings.text(u))
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
        Mapping(start, limit, offset, strings.text(f), strings.text(b), *flags)
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
