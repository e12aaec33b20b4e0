"""Tables of a trial into series, each under the name that its metric has now.

A metric that two sources gave is taken from the nearer one.
"""

from __future__ import annotations

import numpy as np

from chaosmem import metrics
from chaosmem.errors import FormatError, RunDirError
from chaosmem.evidence.model import Cycles, Floats, Series
from chaosmem.metrics.conversions import Modern, modernise
from chaosmem.rundir import RunDir
from chaosmem.rundir.columns import Table, decode

_NEAREST_FIRST = ("procfs.col", "helper.col", "samples.col")
"""/proc beats what a process says of itself."""
_TIMES = ("t", "u")


def _table(rundir: RunDir, file: str, damage: list[str]) -> Table | None:
    if not rundir.has(file):
        return None
    try:
        return decode(rundir.read(file))
    except (FormatError, RunDirError) as problem:
        damage.append(f"{file}: {problem}")
        return None


def read_series(rundir: RunDir, directory: str, damage: list[str]) -> dict[str, Series]:
    """Every measured series of a trial, by the name that its metric has now."""
    found: dict[str, Series] = {}
    for name in _NEAREST_FIRST:
        file = f"{directory}/{name}"
        table = _table(rundir, file, damage)
        if table is None:
            continue
        modern = _modern(table, file, damage)
        for column, values in modern.columns.items():
            metric, written = metrics.REGISTRY[column], modern.written.get(column, "")
            series = _one(table, metric, values, file, written)
            if column not in found and len(series):
                found[column] = series
    return found | _load(rundir, f"{directory}/load.col", damage)


def _modern(table: Table, file: str, damage: list[str]) -> Modern:
    """The columns by the names of now; what cannot be read so is damage, not silence."""
    named = {c: table.column(c) for c in table.columns if c not in _TIMES}
    modern = modernise(named, metrics.REGISTRY)
    damage.extend(f"{file}: {problem}" for problem in modern.problems)
    return modern


def _one(table: Table, metric: metrics.Metric, values: Floats, file: str, written: str) -> Series:
    there = ~np.isnan(values)
    return Series(
        metric,
        table.column("t")[there],
        table.column("u")[there],
        values[there],
        file,
        written,
    )


def _load(rundir: RunDir, file: str, damage: list[str]) -> dict[str, Series]:
    """Load requests: cumulative counts at each completion, and each answer's latency."""
    table = _table(rundir, file, damage)
    if table is None or not len(table.rows):
        return {}
    order = np.argsort(table.column("t"), kind="stable")
    t, u = table.column("t")[order], table.column("u")[order]
    failed = table.column("error")[order] >= 0
    latency = t - table.column("due")[order]
    counts = (
        (metrics.LOAD_SENT, np.arange(1.0, len(t) + 1)),
        (metrics.LOAD_OK, np.cumsum(~failed).astype(np.float64)),
        (metrics.LOAD_FAILED, np.cumsum(failed).astype(np.float64)),
    )
    found = {m.name: Series(m, t, u, v, file) for m, v in counts}
    ok = Series(metrics.LOAD_LATENCY, t[~failed], u[~failed], latency[~failed], file)
    return found | {metrics.LOAD_LATENCY.name: ok}


def read_cycles(rundir: RunDir, directory: str, damage: list[str]) -> Cycles:
    """The agent's GC cycles; lost ones are the gaps in their numbers."""
    file = f"{directory}/cycles.col"
    table = _table(rundir, file, damage)
    if table is None or not len(table.rows):
        return Cycles({}, file)
    columns = {name: table.column(name) for name in table.columns}
    numbers = columns["n"]
    gaps = np.diff(numbers)
    return Cycles(columns, file, lost=int(np.sum(gaps[gaps > 1] - 1)))
