r"""gctrace text to cycles: whole, or fed in chunks while the process runs.

>>> trace = parse_gctrace(b"gc 1 @0.036s 6%: 0.10+0.89+0.087 ms clock, 0.20+0/0.23/0.26+0.17 ms cpu"
...                       b", 4->4->1 MB, 4 MB goal, 0 MB stacks, 0 MB globals, 2 P\n")
>>> trace.cycles[0].goal_mib
4
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from chaosmem.profile.trace.blocks import MAX_LINE, Block, LineBlocks, pieces
from chaosmem.profile.trace.cycles import PERIODIC, CycleRows, GcCycles
from chaosmem.profile.trace.damage import DamageLog
from chaosmem.profile.trace.gcblock import FORCED, Ints, read_body
from chaosmem.profile.trace.gcline import GcFields, read_line, unwrap
from chaosmem.profile.trace.prefixes import Unwrapped
from chaosmem.profile.trace.records import Damage, DamageKind

_MARKS: Final = (b"gc ", b" ms c", b" MB ", b"GC forced")
"""Any line that `read_line` has an opinion on contains one of these."""
_FEW: Final = 12
"""Up to so many lines the regular expression is faster than the columns (measured)."""
MAX_SOURCES: Final = 4096
"""Writers told apart by their log prefix; the lines of more are reported as glued."""


@dataclass(frozen=True, slots=True)
class GcTrace:
    """What an input held of gctrace.

    Attributes:
        cycles: the garbage collections in the order of the input.
        damage: the first MAX_DAMAGE lines that belong to a trace and could not be used.
        damaged_lines: how many there were in all.
        lines: lines of the input, of any kind.
        size_bytes: bytes of the input.
    """

    cycles: GcCycles
    damage: tuple[Damage, ...]
    damaged_lines: int
    lines: int
    size_bytes: int

    @property
    def missing_cycles(self) -> int:
        """Cycles whose line is not in the input, by the gaps in the numbers of each process.

        The beginning is no gap: a log may start late. A number that does not rise begins a new
        process (see `GcCycles.runs`).
        """
        return sum(int(run.number[-1] - run.number[0]) + 1 - len(run) for run in self.cycles.runs())


def parse_gctrace(text: bytes | Iterable[bytes]) -> GcTrace:
    """All gctrace lines of a text.

    Args:
        text: the bytes, or an iterable whose pieces follow each other without gap (chunks of any
            size, or the lines of a file with their newlines).

    Never raises for what the bytes are: lines of others are passed over, damaged ones are reported.
    """
    parser = GcTraceParser()
    rows = [parser.feed_rows(piece) for piece in pieces(text)]
    return parser.trace(CycleRows.concat([*rows, parser.close_rows()]))


class GcTraceParser:
    """Incremental form: holds at most one unfinished line and the damage list between calls."""

    def __init__(self) -> None:
        self._blocks = LineBlocks()
        self._damage = DamageLog()
        self._notices: list[_Notice] = []
        self._source_ids: dict[str, int] = {"": 0}

    @property
    def sources(self) -> tuple[str, ...]:
        """Writers seen so far, by their log driver's prefix; the first is "" (no prefix)."""
        return tuple(self._source_ids)

    def feed(self, chunk: bytes) -> GcCycles:
        """The cycles whose line this chunk completed."""
        return GcCycles(self.feed_rows(chunk), self.sources)

    def close(self) -> GcTrace:
        """End of input: the cycle of a last line without newline, and the account of the whole."""
        return self.trace(self.close_rows())

    def feed_rows(self, chunk: bytes) -> CycleRows:
        """`feed` as columns."""
        return CycleRows.concat([self._read(block) for block in self._blocks.feed(chunk)])

    def close_rows(self) -> CycleRows:
        """`close` as columns."""
        rows = CycleRows.concat([self._read(block) for block in self._blocks.close()])
        for notice in self._notices:
            self._orphan(notice)
        self._notices = []
        return rows

    def trace(self, rows: CycleRows) -> GcTrace:
        """The account of everything fed, with these cycles."""
        cycles = GcCycles(rows, self.sources)
        lines, size = self._blocks.line - 1, self._blocks.offset
        return GcTrace(cycles, self._damage.kept, self._damage.count, lines, size)

    def _read(self, block: Block) -> CycleRows:
        """The cycles of a block."""
        if not any(mark in block.data for mark in _MARKS):
            return CycleRows.none()
        lines = _Lines(block)
        fast, rows = _read_fast(lines)
        suspects = _suspects(lines, fast)
        if suspects:
            suspects, wrapped = self._read_wrapped(lines, suspects)
            slow = [row for i in suspects if (row := self._slow(lines, i)) is not None]
            rows = CycleRows.concat([rows, wrapped, CycleRows.of_fields(slow)])
            rows = rows.by_place() if len(rows) > 1 else rows
        return self._mark_periodic(rows) if self._notices else rows

    def _read_wrapped(self, lines: _Lines, suspects: list[int]) -> tuple[list[int], CycleRows]:
        """The cycles of lines with a log driver's prefix, at once, and the lines that are left."""
        inner = [(i, unwrap(lines.text(i))) for i in suspects] if len(suspects) > _FEW else []
        found = [(i, w) for i, w in inner if w is not None and w.body.startswith(b"gc ")]
        ids = [self._source_id(w.source) for _, w in found]
        if not found or None in ids:
            return suspects, CycleRows.none()
        columns = read_body(b"".join([w.body + b"\n" for _, w in found]))
        rows = np.array([i for i, _ in found])[columns.ok]
        offset = lines.begins[rows] + np.array([w.skipped for _, w in found])[columns.ok]
        cycles = CycleRows.of_columns(
            columns, rows + lines.block.line, offset + lines.block.offset,
            np.array(ids, np.int32)[columns.ok],
        )  # fmt: skip
        decided = set(rows.tolist())
        return [i for i in suspects if i not in decided], cycles

    def _slow(self, lines: _Lines, i: int) -> tuple[GcFields, int, int, int] | None:
        """Line i by the regular expression: a cycle, or a notice or damage, which are noted."""
        text, line, offset = lines.text(i), lines.block.line + i, lines.offset(i)
        cut = len(text) > MAX_LINE
        what = read_line(text[:MAX_LINE])
        if what is None:
            return None
        if isinstance(what, DamageKind) or (source := self._source_id(what.source)) is None:
            kind = what if isinstance(what, DamageKind) else DamageKind.GLUED
            self._damage.add(DamageKind.OVERLONG if cut else kind, line, offset, text)
            return None
        if isinstance(what, Unwrapped):
            self._notices.append(_Notice(line, offset, source))
            return None
        return what, line, offset + what.skipped, source

    def _source_id(self, source: str) -> int | None:
        """The number of a source; None if there are too many."""
        known = self._source_ids.get(source)
        if known is None and len(self._source_ids) < MAX_SOURCES:
            known = self._source_ids[source] = len(self._source_ids)
        return known

    def _mark_periodic(self, rows: CycleRows) -> CycleRows:
        """The rows, each that follows a "GC forced" of its process marked as periodic."""
        flags = rows.flags.copy()
        waiting: dict[tuple[int, int], _Notice] = {}
        for notice in self._notices:
            mine = np.flatnonzero((rows.source == notice.source) & (rows.line > notice.line))
            key = (notice.source, int(mine[0]) if len(mine) else -1)
            if key in waiting:
                self._orphan(waiting[key])  # the later of two is the one beside the cycle
            waiting[key] = notice
        self._notices = []
        for (_, row), notice in waiting.items():
            if row < 0:
                self._notices.append(notice)
            elif flags[row] & FORCED:
                self._orphan(notice)
            else:
                flags[row] |= PERIODIC
        return CycleRows(rows.times, rows.counts, flags, rows.line, rows.offset, rows.source)

    def _orphan(self, notice: _Notice) -> None:
        """Report a "GC forced" that no cycle follows."""
        self._damage.add(DamageKind.ORPHAN_NOTICE, notice.line, notice.offset, b"GC forced")


@dataclass(frozen=True, slots=True)
class _Notice:
    """A "GC forced" line that waits for its cycle."""

    line: int
    offset: int
    source: int


class _Lines:
    """A block with the places of its lines."""

    __slots__ = ("begins", "block", "ends")

    def __init__(self, block: Block) -> None:
        self.block = block
        self.ends: Ints = np.flatnonzero(np.frombuffer(block.data, np.uint8) == ord("\n"))
        self.begins = np.empty_like(self.ends)
        self.begins[0] = 0
        self.begins[1:] = self.ends[:-1] + 1

    def text(self, i: int) -> bytes:
        """Line i without its newline."""
        return self.block.data[self.begins[i] : self.ends[i]]

    def offset(self, i: int) -> int:
        """Where line i begins in the input."""
        return self.block.offset + int(self.begins[i])

    def join(self, rows: Ints) -> bytes:
        """The lines of `rows` (rising), with their newlines; runs of neighbours are one slice."""
        if len(rows) == len(self.begins):
            return self.block.data
        cuts = np.flatnonzero(np.diff(rows) != 1) + 1
        first, last = rows[np.r_[0, cuts]], rows[np.r_[cuts - 1, len(rows) - 1]]
        bounds = zip(self.begins[first].tolist(), (self.ends[last] + 1).tolist(), strict=True)
        return b"".join([self.block.data[a:b] for a, b in bounds])


def _read_fast(lines: _Lines) -> tuple[Ints, CycleRows]:
    """The lines that the block reader decided, and their cycles."""
    none = np.empty(0, np.int64)
    if len(lines.begins) <= _FEW:
        return none, CycleRows.none()
    u8 = np.frombuffer(lines.block.data, np.uint8)
    rows = np.flatnonzero(u8[lines.begins] == ord("g"))
    at = lines.begins[rows]
    rows = rows[(u8[at + 1] == ord("c")) & (lines.ends[rows] - at > 2)]  # noqa: PLR2004 - "gc "
    rows = rows[u8[lines.begins[rows] + 2] == ord(" ")]
    if not len(rows):
        return none, CycleRows.none()
    columns = read_body(lines.join(rows))
    rows = rows if columns.ok.all() else rows[columns.ok]
    begins = lines.begins[rows] + lines.block.offset
    return rows, CycleRows.of_columns(columns, rows + lines.block.line, begins)


def _suspects(lines: _Lines, decided: Ints) -> list[int]:
    """Lines that the block reader did not decide and that may have to do with gctrace."""
    n = len(lines.begins)
    if len(decided) == n:
        return []
    rest = np.setdiff1d(np.arange(n), decided, assume_unique=True) if len(decided) else np.arange(n)
    text = lines.join(rest)
    if not any(mark in text for mark in _MARKS):
        return []
    return [i for i in rest.tolist() if any(mark in lines.text(i) for mark in _MARKS)]
