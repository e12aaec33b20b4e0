"""Reads the other GODEBUG lines of a text, whole or live."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from chaosmem.profile.trace.blocks import MAX_LINE, Block, LineBlocks, pieces
from chaosmem.profile.trace.damage import DamageLog
from chaosmem.profile.trace.gcline import GcFields, read_line
from chaosmem.profile.trace.lineforms import FORMS, HEAD
from chaosmem.profile.trace.linerecords import Place, Record, Scan
from chaosmem.profile.trace.prefixes import MAX_PREFIX, source_of, unwrap_json
from chaosmem.profile.trace.records import Damage, DamageKind

R = TypeVar("R", bound=Place)
_MARKS: Final = (b"pacer: ", b"scav ", b"scan: ", b"SCHED ", b"init ", b"  P", b"  M", b"  G")


@dataclass(frozen=True, slots=True)
class RuntimeLines:
    """All lines of a text but gctrace's, in the order of the input.

    Attributes:
        records: what was read.
        damage: the first lines that begin as one of these and do not end as one.
        damaged_lines: how many of those there were.
    """

    records: tuple[Record, ...]
    damage: tuple[Damage, ...]
    damaged_lines: int

    def of(self, kind: type[R]) -> list[R]:
        """The records of one kind."""
        return [record for record in self.records if isinstance(record, kind)]


def parse_lines(text: bytes | Iterable[bytes]) -> RuntimeLines:
    """The pacer, scavenger, scheduler, init and scan lines of a text.

    Args:
        text: the bytes, or an iterable of pieces that follow each other without gap.

    Never raises for what the bytes are.
    """
    parser = LinesParser()
    records = [record for piece in pieces(text) for record in parser.feed(piece)]
    last = parser.close()
    return replace(last, records=(*records, *last.records))


class LinesParser:
    """Incremental form of `parse_lines`; holds at most one line and the damage between calls."""

    def __init__(self) -> None:
        self._blocks = LineBlocks()
        self._damage = DamageLog()
        self._cycle: tuple[int, int] | None = None

    def feed(self, chunk: bytes) -> list[Record]:
        """The records whose line this chunk completed."""
        return [r for block in self._blocks.feed(chunk) for r in self._read(block)]

    def close(self) -> RuntimeLines:
        """End of input: the record of a last line without newline, and the damage of the whole."""
        records = tuple(r for block in self._blocks.close() for r in self._read(block))
        return RuntimeLines(records, self._damage.kept, self._damage.count)

    def _read(self, block: Block) -> Iterator[Record]:
        """The records of a block; a block without any of the marks costs one search each."""
        if not any(mark in block.data for mark in _MARKS):
            return
        offset = block.offset
        for number, line in enumerate(block.data.split(b"\n")[:-1], block.line):
            if len(line) <= MAX_LINE and (record := self._line(line, number, offset)) is not None:
                yield record
            offset += len(line) + 1

    def _line(self, line: bytes, number: int, offset: int) -> Record | None:
        """The record of a line; a gc line is remembered, for the scan lines behind it."""
        if b"gc " in line and isinstance(gc := read_line(line), GcFields):
            self._cycle = (gc.counts[0], number)
            return None
        found = HEAD.search(line, 0, MAX_PREFIX + 64)
        if found is None:
            return None
        text, source, skipped = _unwrapped(line, found)
        if source is None:
            return None
        record = _record(text, Place(line=number, offset=offset + skipped, source=source))
        if record is None:
            self._damage.add(DamageKind.TORN, number, offset, line)
        return self._with_cycle(record) if isinstance(record, Scan) else record

    def _with_cycle(self, scan: Scan) -> Scan:
        """The scan line with its cycle, if the lines between are scan lines only."""
        if self._cycle is None or self._cycle[1] != scan.line - 1:
            return scan
        self._cycle = (self._cycle[0], scan.line)
        return replace(scan, cycle=self._cycle[0])


def _unwrapped(line: bytes, head: re.Match[bytes]) -> tuple[bytes, str | None, int]:
    """The text from the head on, its source (None behind foreign text), and what was skipped."""
    wrapped = unwrap_json(line)
    if wrapped is not None:
        return wrapped.body, "", wrapped.skipped
    body = line[:-1] if line.endswith(b"\r") else line
    return body[head.start() :], source_of(line[: head.start()]), head.start()


def _record(text: bytes, place: Place) -> Record | None:
    """The record of a text that begins as one of the forms; None if it does not end as one."""
    for first, form, build in FORMS:
        if text.startswith(first):
            found = form.fullmatch(text)
            return None if found is None else build(found, place)
    return None
