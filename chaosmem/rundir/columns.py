r"""Tables of samples: a header line, then rows of little-endian float64.

`chaosmem-columns/1 {"columns": ["t", "u", ...], "lost": 0}\n` and then 8·columns bytes a row,
appended as they come. NaN is "not measured". A torn last row is left out.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from chaosmem.errors import FormatError
from chaosmem.rundir.failing import unwritable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAGIC = b"chaosmem-columns/1 "


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A table as read: `rows` is float64 of shape (rows, columns)."""

    columns: tuple[str, ...]
    rows: NDArray[np.float64]

    def column(self, name: str) -> NDArray[np.float64]:
        """One column by its name."""
        return self.rows[:, self.columns.index(name)]


def decode(data: bytes) -> Table:
    """Read a table; FormatError where the header is not one."""
    import numpy as np  # noqa: PLC0415 - 0.2 s that the writer, at a run's start, does not need

    head, newline, body = data.partition(b"\n")
    if not head.startswith(MAGIC) or not newline:
        raise FormatError("not a chaosmem table: its first line is not the header", offset=0)
    try:
        columns = tuple(str(c) for c in json.loads(head[len(MAGIC) :])["columns"])
    except (ValueError, KeyError, TypeError) as problem:
        raise FormatError("the table's header is malformed", offset=len(MAGIC)) from problem
    width = 8 * len(columns)
    whole = len(body) // width * width if width else 0
    rows = np.frombuffer(body[:whole], dtype="<f8").reshape(-1, max(1, len(columns)))
    return Table(columns, rows.astype(np.float64, copy=False))


class TableWriter:
    """Appends rows; buffered, `flush` hands them to the system."""

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self.path = path
        self.columns = tuple(columns)
        self._pack = struct.Struct(f"<{len(self.columns)}d").pack
        self._file = _open(path)
        header = json.dumps({"columns": list(self.columns)}).encode()
        self._guarded(MAGIC + header + b"\n")

    def add(self, row: Sequence[float]) -> None:
        """Append one row; its values stand in the order of `columns`."""
        self._guarded(self._pack(*row))

    def _guarded(self, data: bytes) -> None:
        try:
            self._file.write(data)
        except OSError as problem:
            raise unwritable(self.path.name, problem) from problem

    def flush(self) -> None:
        """Hand what is buffered to the system."""
        try:
            self._file.flush()
        except OSError as problem:
            raise unwritable(self.path.name, problem) from problem

    def close(self) -> None:
        """Flush and close."""
        try:
            self._file.close()
        except OSError as problem:
            raise unwritable(self.path.name, problem) from problem


def _open(path: Path) -> BinaryIO:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("wb")
    except OSError as problem:
        raise unwritable(path.name, problem) from problem
