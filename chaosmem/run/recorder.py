"""Readings into tables of the run directory."""

from __future__ import annotations

import math
from pathlib import Path

from chaosmem import metrics
from chaosmem.drivers.agent import Cycle
from chaosmem.drivers.load import ERROR_KINDS, Result
from chaosmem.drivers.procfs import Usage
from chaosmem.drivers.sources import Reading
from chaosmem.rundir.columns import TableWriter

SAMPLES, PROCFS, CYCLES, LOAD = "samples.col", "procfs.col", "cycles.col", "load.col"
_CGROUP = tuple(n for n, m in metrics.REGISTRY.items() if m.source.startswith("helper "))
_NAMES = tuple(
    n for n, m in metrics.REGISTRY.items() if m.layer is not metrics.Layer.APP and n not in _CGROUP
)
_PROCFS = (metrics.RSS.name, metrics.PROCESS_CPU.name, metrics.THREADS.name)
_CYCLE = tuple(f for f in Cycle.model_fields if f != "unix_ns")


class Recorder:
    """Tables of one trial below `series/KEY/`; each is made when its first row comes."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._tables: dict[str, TableWriter] = {}
        self._offset: tuple[float, float] | None = None

    def _table(self, file: str, columns: tuple[str, ...]) -> TableWriter:
        if file not in self._tables:
            self._tables[file] = TableWriter(self._directory / file, columns)
        return self._tables[file]

    def reading(self, reading: Reading) -> None:
        """One sample and its GC cycles."""
        values = [reading.values.get(n, math.nan) for n in _NAMES]
        self._table(SAMPLES, ("t", "u", *_NAMES)).add([reading.t, reading.u, *values])
        self._align(reading)
        for cycle in reading.cycles:
            self._cycle(cycle)

    def _align(self, reading: Reading) -> None:
        """Keep the offset between the target's clock and ours from the quickest answer."""
        if reading.now_unix_ns and (self._offset is None or reading.u < self._offset[1]):
            self._offset = (reading.t - reading.now_unix_ns / 1e9, reading.u)

    def _cycle(self, cycle: Cycle) -> None:
        offset, u = self._offset or (math.nan, math.nan)
        row = [cycle.unix_ns / 1e9 + offset, u]
        row += [float(getattr(cycle, name)) for name in _CYCLE]
        self._table(CYCLES, ("t", "u", *_CYCLE)).add(row)

    def beside(self, source: str, reading: Reading) -> None:
        """One reading of a source beside the target (`helper`): its cgroup."""
        values = [reading.values.get(n, math.nan) for n in _CGROUP]
        table = self._table(f"{source}.col", ("t", "u", *_CGROUP))
        table.add([reading.t, reading.u, *values])

    def usage(self, t: float, usage: Usage) -> None:
        """One look at /proc."""
        row = [t, 0.0, float(usage.rss), usage.cpu, float(usage.threads)]
        self._table(PROCFS, ("t", "u", *_PROCFS)).add(row)

    def request(self, result: Result) -> None:
        """One load request."""
        kind = ERROR_KINDS.index(result.error) if result.error else -1
        row = [result.done, 0.0, result.due, float(result.status), float(kind)]
        self._table(LOAD, ("t", "u", "due", "status", "error")).add(row)

    def flush(self) -> None:
        """Hand all rows to the system."""
        for table in self._tables.values():
            table.flush()

    def close(self) -> None:
        """Close all tables."""
        for table in self._tables.values():
            table.close()
        self._tables.clear()
