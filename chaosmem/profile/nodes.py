"""Nodes of a report: the places that its rows stand for, at the granularity that was asked for."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from chaosmem.profile.columns import Bool, Int32, Int64, Profile, UInt64, offsets, spans
from chaosmem.profile.options import Options

_PREFIXES = ("/proc/self/cwd/./", "/proc/self/cwd/")


@dataclass(frozen=True)
class Nodes:
    """The nodes of a profile, and which frame is which node.

    A location without lines (no symbols) counts as one line without a function.

    Attributes:
        frame_start: int64, locations + 1: the lines of location i are [i]:[i + 1].
        frame_node: int32, per line, its node.
        frame_inlined: bool, per line, whether it was inlined into the next.
        name: per node, function name; "" if unknown or not asked for.
        file: per node, cleaned file name.
        object_file: per node, binary; only where there is no name, or `list` needs it.
        address, line, column, start_line: per node, 0 if not asked for.
    """

    frame_start: Int64
    frame_node: Int32
    frame_inlined: Bool
    name: tuple[str, ...]
    file: tuple[str, ...]
    object_file: tuple[str, ...]
    address: UInt64
    line: Int64
    column: Int64
    start_line: Int64

    def __len__(self) -> int:
        return len(self.name)

    @cached_property
    def lines(self) -> Int64:
        """Frames of each location."""
        return np.diff(self.frame_start)

    @cached_property
    def single(self) -> bool:
        """Whether every location is exactly one frame, so that frames need no expansion."""
        return len(self.frame_node) == len(self.frame_start) - 1

    def printable(self, node: int) -> str:
        """The row's text: address, function, file:line, as far as they were asked for."""
        address, name = int(self.address[node]), self.name[node]
        parts = [f"{address:016x}"] if address else []
        if name:
            parts.append(name)
        place = self._place(node)
        if place or not name:
            parts.append(place or "<unknown>")
        return " ".join(parts)

    def _place(self, node: int) -> str:
        line, column = int(self.line[node]), int(self.column[node])
        if line:
            return f"{self.file[node]}:{line}" + (f":{column}" if column else "")
        if self.file[node] or self.name[node]:
            return self.file[node]
        binary = self.object_file[node]
        return f"[{posixpath.basename(binary.rstrip('/'))}]" if binary else ""

    def sort_key(self, node: int) -> tuple[bytes, bytes]:
        """What orders rows of equal value: the printable name, then everything there is."""
        rest = (self.object_file[node], int(self.start_line[node]), int(self.column[node]))
        return _bytes(self.printable(node)), _bytes(repr(rest))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


@dataclass(slots=True)
class _Rows:
    """Attributes of every line of every location, before equal ones become one node."""

    name: Int64
    file: Int64
    object_file: Int64
    address: UInt64
    line: Int64
    column: Int64
    start_line: Int64

    def columns(self) -> tuple[Int64, ...]:
        return (
            self.name,
            self.file,
            self.object_file,
            self.address.view(np.int64),
            self.line,
            self.column,
            self.start_line,
        )


class _Interner:
    """Numbers for texts; equal texts have equal numbers, and "" is 0."""

    def __init__(self) -> None:
        self.texts = [""]

    def numbers(self, texts: list[str]) -> Int64:
        """The number of each text (to be called once)."""
        self.texts = list(dict.fromkeys(["", *texts]))
        place = dict(zip(self.texts, range(len(self.texts)), strict=True))
        return np.fromiter(map(place.__getitem__, texts), np.int64, len(texts))

    def named(self, numbers: Int64) -> tuple[str, ...]:
        """The texts of these numbers."""
        return tuple(map(self.texts.__getitem__, numbers.tolist()))


def build_nodes(
    profile: Profile, options: Options, *, object_files: bool = False, trim_paths: bool = True
) -> Nodes:
    """The nodes of `profile` at the granularity of `options`.

    Args:
        profile: already filtered.
        options: granularity, noinlines, showcolumns, trim_path.
        object_files: keep functions of different binaries apart, as `list` does.
        trim_paths: cut known prefixes from file names, as all but `traces` do.
    """
    frame_start, line_of_frame, inlined = _frames(profile, options)
    names, files, binaries = _Interner(), _Interner(), _Interner()
    interners = (names, files, binaries)
    rows = _attributes(
        profile, options, frame_start, line_of_frame, interners, trim_paths=trim_paths
    )
    if not object_files:
        named = rows.name > 0
        rows.object_file[named] = 0
        rows.start_line[named] = 0
    first, node = _equal_rows(rows.columns())
    return Nodes(
        frame_start=frame_start,
        frame_node=node,
        frame_inlined=inlined,
        name=names.named(rows.name[first]),
        file=files.named(rows.file[first]),
        object_file=binaries.named(rows.object_file[first]),
        address=rows.address[first],
        line=rows.line[first],
        column=rows.column[first],
        start_line=rows.start_line[first],
    )


def _frames(profile: Profile, options: Options) -> tuple[Int64, Int64, Bool]:
    """(frame_start, line index of each frame or -1, inlined)."""
    counts = np.diff(profile.locations.line_start)
    begin = profile.locations.line_start[:-1]
    if options.noinlines:
        begin = begin + np.maximum(counts - 1, 0)
        counts = np.minimum(counts, 1)
    shown = np.maximum(counts, 1)
    frame_start = offsets(shown)
    line = spans(begin, shown)
    line[np.repeat(counts == 0, shown)] = -1
    inlined = np.ones(len(line), np.bool_)
    inlined[frame_start[1:] - 1] = False
    return frame_start, line, inlined


def _attributes(
    profile: Profile,
    options: Options,
    frame_start: Int64,
    line: Int64,
    interners: tuple[_Interner, _Interner, _Interner],
    *,
    trim_paths: bool,
) -> _Rows:
    names, files, binaries = interners
    locations, functions, strings = profile.locations, profile.functions, profile.strings
    location = np.repeat(np.arange(len(locations)), np.diff(frame_start))
    function = _at(locations.function, line, -1)
    zero = np.zeros(len(line), np.int64)
    level = options.granularity
    name, file = zero, zero
    if level != "files":
        name = _at(names.numbers([strings[i] for i in functions.name.tolist()]), function)
    if level != "functions":
        prefixes = (options.trim_path, *_PREFIXES) if trim_paths else ()
        texts = [_clean(strings[i], prefixes) for i in functions.filename.tolist()]
        file = _at(files.numbers(texts), function)
    deep = level in ("lines", "addresses")
    columns = options.showcolumns or (level == "addresses" and not options.noinlines)
    binary = binaries.numbers([mapping.file for mapping in profile.mappings])
    address = level == "addresses"
    return _Rows(
        name=name,
        file=file,
        object_file=_at(binary, locations.mapping[location]),
        address=locations.address[location] if address else zero.astype(np.uint64),
        line=_at(locations.line, line) if deep else zero,
        column=_at(locations.column, line) if deep and columns else zero,
        start_line=_at(functions.start_line, function),
    )


def _at(column: Int64 | Int32, index: Int64 | Int32, missing: int = 0) -> Int64:
    """The cells at these places; `missing` for the place -1."""
    return np.append(column, missing)[index].astype(np.int64, copy=False)


def _clean(path: str, prefixes: tuple[str, ...]) -> str:
    """A file name as the tool shows it: one of the prefixes cut, `.` and `..` resolved."""
    for prefix in prefixes:
        whole = prefix if prefix.endswith("/") else prefix + "/"
        if prefix and path.startswith(whole):
            path = path[len(whole) :]
            break
    if not path:
        return ""
    cleaned = posixpath.normpath(path)
    return cleaned[1:] if cleaned.startswith("//") else cleaned


def _equal_rows(columns: tuple[Int64, ...]) -> tuple[Int64, Int32]:
    """(first row of each group of equal rows, group of each row)."""
    code = np.zeros(len(columns[0]), np.int64)
    for values in columns:
        if not len(values) or (values == values[0]).all():
            continue
        distinct, place = np.unique(values, return_inverse=True)
        code = np.unique(code * len(distinct) + place, return_inverse=True)[1]
    _, first, group = np.unique(code, return_index=True, return_inverse=True)
    return first, group.astype(np.int32)
