"""Garbage collections as columns, and the sequence of records that reads them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Final, overload

import numpy as np
from numpy.typing import NDArray

from chaosmem.profile.trace.gcblock import FORCED, LEAK_CHECK, BodyColumns, Floats, Ints
from chaosmem.profile.trace.gcline import GcFields
from chaosmem.profile.trace.records import ClockPhases, CpuPhases, GcCycle

PERIODIC: Final = 16


@dataclass(frozen=True, slots=True, eq=False)
class CycleRows:
    """n cycles in columns; the meaning of each number is that of `GcCycle`.

    Attributes:
        times: (n, 9) seconds: start; clock sweep termination, mark, mark termination; CPU sweep
            termination, assist, background, idle, mark termination.
        counts: (n, 9): number, CPU percent, heap start, end and marked MiB, goal MiB, stacks and
            globals MiB (-1 where the line has none), procs.
        flags: (n,) FORCED | LEAK_CHECK | PERIODIC.
        line: (n,) line numbers, from 1.
        offset: (n,) byte offsets of the "gc ".
        source: (n,) index into the sources.
    """

    times: Floats
    counts: Ints
    flags: NDArray[np.uint8]
    line: Ints
    offset: Ints
    source: NDArray[np.int32]

    def __len__(self) -> int:
        """Number of cycles."""
        return len(self.line)

    @staticmethod
    def concat(parts: Sequence[CycleRows]) -> CycleRows:
        """The parts one after the other."""
        parts = [part for part in parts if len(part)]
        if len(parts) == 1:
            return parts[0]
        if not parts:
            return CycleRows.none()
        names = [f.name for f in fields(CycleRows)]
        return CycleRows(*(np.concatenate([getattr(p, name) for p in parts]) for name in names))

    @staticmethod
    def of_columns(
        columns: BodyColumns, line: Ints, offset: Ints, source: NDArray[np.int32] | None = None
    ) -> CycleRows:
        """The rows that the block reader decided, at these places; without a source by default."""
        ok = columns.ok
        if ok.all():
            times, counts, flags = columns.times, columns.counts, columns.flags
        else:
            times, counts, flags = columns.times[ok], columns.counts[ok], columns.flags[ok]
        source = np.zeros(len(line), np.int32) if source is None else source
        return CycleRows(times, counts, flags, line, offset, source)

    @staticmethod
    def none() -> CycleRows:
        """No cycles."""
        return _NONE

    @staticmethod
    def of_fields(rows: Sequence[tuple[GcFields, int, int, int]]) -> CycleRows:
        """Lines read one by one, each with its line number, offset and source."""
        if not rows:
            return _NONE
        return CycleRows(
            np.array([f.times for f, *_ in rows], np.float64).reshape(-1, 9),
            np.array([f.counts for f, *_ in rows], np.int64).reshape(-1, 9),
            np.array([f.forced * FORCED + f.leak_check * LEAK_CHECK for f, *_ in rows], np.uint8),
            np.array([line for _, line, _, _ in rows], np.int64),
            np.array([offset for _, _, offset, _ in rows], np.int64),
            np.array([source for *_, source in rows], np.int32),
        )

    def take(self, rows: slice | Ints) -> CycleRows:
        """Some of the rows."""
        return CycleRows(*(getattr(self, f.name)[rows] for f in fields(self)))

    def by_place(self) -> CycleRows:
        """In the order of the input."""
        return self.take(np.argsort(self.line, kind="stable"))


_NONE: Final = CycleRows(
    np.zeros((0, 9)),
    np.zeros((0, 9), np.int64),
    np.zeros(0, np.uint8),
    np.zeros(0, np.int64),
    np.zeros(0, np.int64),
    np.zeros(0, np.int32),
)


class GcCycles(Sequence[GcCycle]):
    """Records over columns: a record is made when it is looked at (a million of them cost 1 GB)."""

    __slots__ = ("rows", "sources")

    def __init__(self, rows: CycleRows, sources: tuple[str, ...]) -> None:
        self.rows = rows
        self.sources = sources

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, at: int) -> GcCycle: ...
    @overload
    def __getitem__(self, at: slice) -> GcCycles: ...
    def __getitem__(self, at: int | slice) -> GcCycle | GcCycles:
        if isinstance(at, slice):
            return GcCycles(self.rows.take(at), self.sources)
        n = len(self)
        if not -n <= at < n:
            raise IndexError(at)
        return self._record(at % n)

    def __iter__(self) -> Iterator[GcCycle]:
        return map(self._record, range(len(self)))

    def __repr__(self) -> str:
        return f"GcCycles({len(self)} cycles, sources={self.sources!r})"

    def runs(self) -> list[GcCycles]:
        """The cycles of each process: by source, and anew where the number does not rise."""
        out: list[GcCycles] = []
        for source in np.unique(self.rows.source):
            rows = self.rows.take(np.flatnonzero(self.rows.source == source))
            cuts = np.flatnonzero(np.diff(rows.counts[:, 0]) <= 0) + 1
            bounds = [0, *cuts.tolist(), len(rows)]
            pairs = pairwise(bounds)
            out += [GcCycles(rows.take(slice(a, b)), self.sources) for a, b in pairs]
        return out

    @property
    def number(self) -> Ints:
        """Cycle numbers."""
        return self.rows.counts[:, 0]

    @property
    def start_seconds(self) -> Floats:
        """Starts in seconds since the process started."""
        return self.rows.times[:, 0]

    @property
    def clock_seconds(self) -> Floats:
        """Wall-clock length of each cycle in seconds: all three phases."""
        total: Floats = self.rows.times[:, 1:4].sum(axis=1)
        return total

    @property
    def forced(self) -> NDArray[np.bool_]:
        """Which cycles were forced."""
        forced: NDArray[np.bool_] = (self.rows.flags & FORCED) != 0
        return forced

    def _record(self, i: int) -> GcCycle:
        """Row i as a record."""
        rows = self.rows
        start, *phases = rows.times[i].tolist()
        number, percent, h0, h1, h2, goal, stacks, globals_, procs = rows.counts[i].tolist()
        flags = int(rows.flags[i])
        return GcCycle(
            number=number,
            start_seconds=start,
            cpu_percent=percent,
            clock=ClockPhases(*phases[:3]),
            cpu=CpuPhases(*phases[3:]),
            heap_start_mib=h0,
            heap_end_mib=h1,
            heap_marked_mib=h2,
            goal_mib=goal,
            stacks_mib=None if stacks < 0 else stacks,
            globals_mib=None if globals_ < 0 else globals_,
            procs=procs,
            forced=bool(flags & FORCED),
            periodic=bool(flags & PERIODIC),
            leak_check=bool(flags & LEAK_CHECK),
            line=int(rows.line[i]),
            offset=int(rows.offset[i]),
            source=self.sources[rows.source[i]],
        )
