"""Profiles built by protobuf's own encoder, from the schema: a peer of our reader."""

from __future__ import annotations

from typing import Any, cast

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_SCHEMA = {
    "ValueType": "type:1 unit:2",
    "Label": "key:1 str:2 num:3 num_unit:4",
    "Sample": "location_id:1*u value:2* label:3*Label",
    "Mapping": "id:1u memory_start:2u memory_limit:3u file_offset:4u filename:5 build_id:6 "
    "has_functions:7b has_filenames:8b has_line_numbers:9b has_inline_frames:10b",
    "Line": "function_id:1u line:2 column:3",
    "Location": "id:1u mapping_id:2u address:3u line:4*Line is_folded:5b",
    "Function": "id:1u name:2 system_name:3 filename:4 start_line:5",
    "Profile": "sample_type:1*ValueType sample:2*Sample mapping:3*Mapping location:4*Location "
    "function:5*Function string_table:6*s drop_frames:7 keep_frames:8 time_nanos:9 "
    "duration_nanos:10 period_type:11ValueType period:12 comment:13* default_sample_type:14 "
    "doc_url:15",
}
_TYPES = {"": 3, "u": 4, "b": 8, "s": 9}  # int64, uint64, bool, string


def _profile_class() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="p.proto", package="p", syntax="proto3")
    for name, fields in _SCHEMA.items():
        message = file.message_type.add(name=name)
        for field in fields.split():
            label, _, rest = field.partition(":")
            digits = "".join(c for c in rest if c.isdigit())
            kind = rest[len(digits) :]
            repeated, kind = kind.startswith("*"), kind.removeprefix("*")
            added = message.field.add(name=label, number=int(digits), label=3 if repeated else 1)
            if kind in _TYPES:
                added.type = cast("Any", _TYPES[kind])
            else:
                added.type, added.type_name = cast("Any", 11), f".p.{kind}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("p.Profile"))


ProfileMessage: Any = _profile_class()


class Builder:
    """Interns strings and counts ids."""

    def __init__(self, *types: tuple[str, str], period: int = 1) -> None:
        self.message = ProfileMessage()
        self._strings: dict[str, int] = {}
        self.text("")
        for kind, unit in types:
            self.message.sample_type.add(type=self.text(kind), unit=self.text(unit))
        if types:
            kind, unit = types[-1]
            self.message.period_type.type = self.text(kind)
            self.message.period_type.unit = self.text(unit)
        self.message.period = period

    def text(self, value: str) -> int:
        if value not in self._strings:
            self._strings[value] = len(self._strings)
            self.message.string_table.append(value)
        return self._strings[value]

    def function(self, name: str, file: str = "", start: int = 0, system: str | None = None) -> int:
        number = len(self.message.function) + 1
        self.message.function.add(
            id=number,
            name=self.text(name),
            system_name=self.text(name if system is None else system),
            filename=self.text(file),
            start_line=start,
        )
        return number

    def location(self, *lines: tuple[int, int], address: int = 0, mapping: int = 0) -> int:
        """Lines are (function, line number), innermost first."""
        number = len(self.message.location) + 1
        added = self.message.location.add(id=number, address=address, mapping_id=mapping)
        for function, line in lines:
            added.line.add(function_id=function, line=line)
        return number

    def sample(self, stack: list[int], *values: int, **labels: str | int) -> None:
        added = self.message.sample.add(location_id=stack, value=values)
        for key, value in labels.items():
            if isinstance(value, str):
                added.label.add(key=self.text(key), str=self.text(value))
            else:
                added.label.add(key=self.text(key), num=value)

    def stack(self, *names: str) -> list[int]:
        """New locations of new functions, leaf first."""
        return [self.location((self.function(name), 1)) for name in names]

    def bytes(self) -> bytes:
        return cast("bytes", self.message.SerializeToString())


def simple() -> Builder:
    """A profile of two samples that everything can be done to."""
    built = Builder(("objects", "count"), ("space", "bytes"))
    leaf, root = built.stack("main.leaf", "main.main")
    built.sample([leaf, root], 2, 64)
    built.sample([root], 1, 16, bytes=16)
    return built
