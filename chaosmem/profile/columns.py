"""A profile as columns: what `profile.proto` says, held in numpy arrays instead of objects.

Rows refer to each other by position, not by id: a sample's frame is an index into `Locations`, a
line's function an index into `Functions`, a name an index into `Profile.strings`. -1 means none.
Ragged rows (frames of a sample, lines of a location) are one flat column and `start`, one longer
than the rows: row i is `flat[start[i]:start[i + 1]]`. Every array is read-only.

Source of the meaning of each field: github.com/google/pprof/proto/profile.proto.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

Int32: TypeAlias = NDArray[np.int32]
Int64: TypeAlias = NDArray[np.int64]
UInt64: TypeAlias = NDArray[np.uint64]
Bool: TypeAlias = NDArray[np.bool_]
Number = TypeVar("Number", bound=np.generic)


@dataclass(frozen=True, slots=True)
class ValueType:
    """What one column of sample values counts, and in which unit ("inuse_space", "bytes")."""

    type: str
    unit: str

    def __str__(self) -> str:
        return f"{self.type}/{self.unit}"


@dataclass(frozen=True, slots=True)
class Samples:
    """The samples.

    Attributes:
        values: int64, shape (sample types, samples).
        stack_start: int64, samples + 1; see the module.
        stack: int32, location index of every frame, leaf first.
    """

    values: Int64
    stack_start: Int64
    stack: Int32

    def __len__(self) -> int:
        return len(self.stack_start) - 1

    def depths(self) -> Int64:
        """Locations of each sample's stack (an inlined call shares its caller's location)."""
        return np.diff(self.stack_start)

    def take(self, rows: Int64) -> Samples:
        """Those samples, in that order."""
        start, stack = take_ragged(self.stack_start, self.stack, rows)
        return Samples(self.values[:, rows], start, stack)


@dataclass(frozen=True, slots=True)
class Labels:
    """Sample labels, ordered by sample and then as written.

    Attributes:
        sample: int32, index of the sample.
        key: int32, string index.
        text: int32, string index of a string label's value, -1 for a numeric label.
        number: int64, a numeric label's value.
        unit: int32, string index of a numeric label's unit, 0 (the empty string) if unsaid.
    """

    sample: Int32
    key: Int32
    text: Int32
    number: Int64
    unit: Int32

    def __len__(self) -> int:
        return len(self.sample)

    def take(self, rows: Int64, count: int) -> Labels:
        """The labels of the samples `rows` of `count` samples, renumbered to their new places.

        `rows` names each sample at most once.
        """
        place = np.full(count, -1, np.int64)
        place[rows] = np.arange(len(rows))
        kept = np.flatnonzero(place[self.sample] >= 0)
        kept = kept[np.argsort(place[self.sample[kept]], kind="stable")]
        return Labels(
            place[self.sample[kept]].astype(np.int32),
            self.key[kept],
            self.text[kept],
            self.number[kept],
            self.unit[kept],
        )


@dataclass(frozen=True, slots=True)
class Locations:
    """Places in the code: an address, and its lines, innermost inlined call first.

    Attributes:
        address: uint64.
        mapping: int32, index into `Profile.mappings`.
        folded: bool, several addresses were folded into one.
        line_start: int64, locations + 1; see the module.
        function: int32, per line, index into `Functions`.
        line: int64, per line, line number in the source, 0 if unknown.
        column: int64, per line, column, 0 if unknown.
    """

    address: UInt64
    mapping: Int32
    folded: Bool
    line_start: Int64
    function: Int32
    line: Int64
    column: Int64

    def __len__(self) -> int:
        return len(self.address)

    def owners(self) -> Int64:
        """For each line, the location that it belongs to."""
        return np.repeat(np.arange(len(self), dtype=np.int64), np.diff(self.line_start))


@dataclass(frozen=True, slots=True)
class Functions:
    """Functions; the names are string indices.

    Attributes:
        name: int32, the name as people write it.
        system_name: int32, the name as the linker has it.
        filename: int32.
        start_line: int64, 0 if unknown.
    """

    name: Int32
    system_name: Int32
    filename: Int32
    start_line: Int64

    def __len__(self) -> int:
        return len(self.name)


@dataclass(frozen=True, slots=True)
class Mapping:
    """A binary or library that was mapped into the process."""

    start: int
    limit: int
    offset: int
    file: str
    build_id: str
    has_functions: bool = False
    has_filenames: bool = False
    has_line_numbers: bool = False
    has_inline_frames: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """One profile. `period` is in `period_type.unit`; for a Go heap the mean bytes per sample."""

    sample_types: tuple[ValueType, ...]
    samples: Samples
    labels: Labels
    locations: Locations
    functions: Functions
    mappings: tuple[Mapping, ...]
    strings: tuple[str, ...]
    default_sample_type: str = ""
    period_type: ValueType = ValueType("", "")
    period: int = 0
    time_nanos: int = 0
    duration_nanos: int = 0
    comments: tuple[str, ...] = ()
    doc_url: str = ""
    drop_frames: str = ""
    keep_frames: str = ""

    def __len__(self) -> int:
        return len(self.samples)

    def function_name(self, index: int) -> str:
        """Name of a function by its index."""
        return self.strings[int(self.functions.name[index])]


def take_ragged(start: Int64, flat: Int32, rows: Int64) -> tuple[Int64, Int32]:
    """The given rows of a ragged column, as (start, flat)."""
    lengths = np.diff(start)[rows]
    out = offsets(lengths)
    return out, flat[spans(start[:-1][rows], lengths)]


def offsets(lengths: Int64) -> Int64:
    """Running start of rows of these lengths, one longer than the rows."""
    out = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=out[1:])
    return out


def spans(starts: Int64, lengths: Int64) -> Int64:
    """The indices start, start + 1, ... of every (start, length), one after the other."""
    filled = np.flatnonzero(lengths)
    if len(filled) != len(lengths):
        starts, lengths = starts[filled], lengths[filled]
    ends = np.cumsum(lengths)
    if not len(ends):
        return np.zeros(0, np.int64)
    # the difference between neighbours: 1 within a span, a jump where the next one begins
    out = np.ones(int(ends[-1]), np.int64)
    out[0] = starts[0]
    out[ends[:-1]] = starts[1:] - starts[:-1] - lengths[:-1] + 1
    return np.cumsum(out, out=out)


class Growing(Generic[Number]):
    """A column that is appended to; it grows in place, so that no second copy is ever held."""

    def __init__(self, kind: type[Number]) -> None:
        self._array: NDArray[Number] = np.empty(0, kind)
        self._length = 0

    def append(self, part: NDArray[Number], done: float) -> None:
        """Adds `part`; `done` is how much of the whole (0 to 1) there is with it."""
        wanted = self._length + len(part)
        if wanted > len(self._array):
            self._array.resize(int(wanted / done * 1.02) + 64, refcheck=False)
        self._array[self._length : wanted] = part
        self._length = wanted

    def finish(self) -> NDArray[Number]:
        """The column; nothing can be appended any more."""
        self._array.resize(self._length, refcheck=False)
        return self._array
