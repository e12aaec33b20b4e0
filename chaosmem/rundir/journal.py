r"""The journal: append-only lines, each with a checksum, each on disk before the next act.

A line is `CRC32 JSON\n`: eight hex digits of the CRC-32 of the JSON's bytes, a space, the JSON.
A last line without its newline (a kill in mid-write) is torn: it is left out and reported.
A line whose checksum is wrong is damage: it is left out and reported, the others are kept.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from chaosmem.rundir.events import ENTRY, AnyEntry, Entry
from chaosmem.rundir.failing import unwritable


def encode(entry: Entry) -> bytes:
    """One line of the journal."""
    body = entry.model_dump_json(exclude_none=True).encode()
    return b"%08x %s\n" % (zlib.crc32(body), body)


@dataclass(frozen=True, slots=True)
class Line:
    """An entry with its 1-based line number."""

    number: int
    entry: AnyEntry


@dataclass(frozen=True, slots=True)
class Journal:
    """A journal as read: its entries, and what was wrong with the rest."""

    lines: tuple[Line, ...]
    damage: tuple[str, ...]


def bodies(data: bytes) -> Iterator[tuple[int, bytes | str]]:
    """Each line's number with its JSON, or with what is wrong with it. Never fails."""
    *whole, rest = data.split(b"\n")
    for number, raw in enumerate(whole, start=1):
        checksum, _, body = raw.partition(b" ")
        good = f"{zlib.crc32(body):08x}".encode() == checksum
        wrong = f"journal line {number}: checksum does not match; the line is left out"
        yield number, body if good else wrong
    if rest:
        number = len(whole) + 1
        yield number, f"journal line {number}: torn in mid-write; it is left out"


def _entry(number: int, body: bytes) -> Line | str:
    try:
        return Line(number, ENTRY.validate_json(body))
    except ValidationError as problem:
        first = problem.errors()[0]
        return f"journal line {number}: not a known entry ({first['msg']}); it is left out"


def decode(data: bytes) -> Journal:
    """Read a whole journal; never fails, whatever the bytes."""
    read = [b if isinstance(b, str) else _entry(n, b) for n, b in bodies(data)]
    return Journal(
        tuple(line for line in read if isinstance(line, Line)),
        tuple(line for line in read if isinstance(line, str)),
    )


class JournalWriter:
    """Appends entries; `write` returns when the line is on disk."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._torn = False
        """A write failed half-way: the next line must not stand behind its rest."""
        try:
            self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
            self._mend_torn_tail()
        except OSError as problem:
            raise unwritable(path.name, problem) from problem

    def _mend_torn_tail(self) -> None:
        """End a line that a killed writer left torn, so that the next one stands alone."""
        size = os.fstat(self._fd).st_size
        if size and self._path.read_bytes()[-1:] != b"\n":
            os.write(self._fd, b"\n")

    def write(self, entry: Entry) -> None:
        """Append `entry` and force it to disk."""
        line = b"\n" * self._torn + encode(entry)
        try:
            self._torn = True
            while line:
                line = line[os.write(self._fd, line) :]
            self._torn = False
            os.fdatasync(self._fd)
        except OSError as problem:
            raise unwritable(self._path.name, problem) from problem

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)
