"""The numbers of a live page: which tables are followed, and which charts they make."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from chaosmem import metrics
from chaosmem.evidence.model import Floats
from chaosmem.metrics import Metric
from chaosmem.rundir import RunDir
from chaosmem.serve.tails import TableTail
from chaosmem.serve.thinning import Thinned, as_lists

_STEPS = 64
"""Reads of one look, 4 MiB each: what is longer is caught up with at the next."""
TABLES: Final[dict[str, tuple[Metric, ...]]] = {
    "samples": (
        metrics.GOROUTINES,
        metrics.GOROUTINES_HELD,
        metrics.HEAP_ALLOC,
        metrics.HEAP_LIVE,
        metrics.HEAP_GOAL,
        metrics.HEAP_HELD,
        metrics.GO_TOTAL,
    ),
    "procfs": (metrics.RSS,),
    "helper": (metrics.CGROUP_WORKING_SET, metrics.TARGET_RSS, metrics.CGROUP_LIMIT),
}


@dataclass(frozen=True, slots=True)
class LiveLine:
    """A line of a live chart: column `at` (0 is `t`) of a table; roles as the report's charts."""

    label: str
    table: str
    metric: Metric
    role: str
    step: bool = False

    def plain(self) -> dict[str, Any]:
        """As the page's script reads it."""
        at = TABLES[self.table].index(self.metric) + 1
        return {
            "label": self.label, "table": self.table, "at": at, "role": self.role,
            "step": self.step,
        }  # fmt: skip


CHARTS: Final[tuple[tuple[str, str, str, tuple[LiveLine, ...]], ...]] = (
    (
        "goroutines",
        "Goroutines",
        "1",
        (
            LiveLine("goroutines", "samples", metrics.GOROUTINES, "main"),
            LiveLine("held by the fault", "samples", metrics.GOROUTINES_HELD, "fault", step=True),
        ),
    ),
    (
        "heap",
        "Heap: live and goal",
        "By",
        (
            LiveLine("allocated", "samples", metrics.HEAP_ALLOC, "soft"),
            LiveLine("live", "samples", metrics.HEAP_LIVE, "main", step=True),
            LiveLine("goal (next_gc)", "samples", metrics.HEAP_GOAL, "second", step=True),
            LiveLine("held by the fault", "samples", metrics.HEAP_HELD, "fault", step=True),
        ),
    ),
    (
        "memory",
        "Memory",
        "By",
        (
            LiveLine("resident (RSS)", "procfs", metrics.RSS, "main"),
            LiveLine("mapped by Go", "samples", metrics.GO_TOTAL, "second"),
            LiveLine("container working set", "helper", metrics.CGROUP_WORKING_SET, "soft"),
            LiveLine("container RSS", "helper", metrics.TARGET_RSS, "main"),
            LiveLine("container limit", "helper", metrics.CGROUP_LIMIT, "fault", step=True),
        ),
    ),
)


def charts() -> list[dict[str, Any]]:
    """The charts, as the page's script reads them."""
    return [
        {"id": name, "title": title, "unit": unit, "lines": [line.plain() for line in lines]}
        for name, title, unit, lines in CHARTS
    ]


class _Followed:
    """One table of one trial."""

    def __init__(self, path: Path, wanted: tuple[Metric, ...]) -> None:
        self._tail, self._names = TableTail(path), [m.name for m in wanted]
        self.whole = [m.unit in {"By", "1"} for m in wanted]
        self.kept = Thinned(len(wanted))

    def look(self) -> tuple[Floats, bool]:
        """What is new in the picture, and whether the old was cut."""
        news, cut = [np.empty((0, len(self._names) + 1))], False
        for _ in range(_STEPS):
            rows = self._tail.more()
            if not len(rows):
                break
            few, cut_now = self.kept.add(self._chosen(rows))
            news.append(few)
            cut |= cut_now
        return np.concatenate(news), cut

    def _chosen(self, rows: Floats) -> Floats:
        place = {name: i for i, name in enumerate(self._tail.columns)}
        chosen = np.full((len(rows), len(self._names) + 1), np.nan)
        for i, name in enumerate(["t", *self._names]):
            if name in place:
                chosen[:, i] = rows[:, place[name]]
        there: Floats = chosen[np.isfinite(chosen[:, 0])]
        return there


class LiveSeries:
    """All followed tables of one trial."""

    def __init__(self, found: RunDir, trial: str) -> None:
        directory = found.path("series") / trial
        inside = directory.resolve().is_relative_to(found.root.resolve())
        self._tables = {
            name: _Followed(directory / f"{name}.col", wanted)
            for name, wanted in TABLES.items()
            if inside and trial
        }

    def look(self) -> tuple[dict[str, Any], bool]:
        """New rows by table, as JSON has them; and whether a page has to be sent the whole."""
        news: dict[str, Any] = {}
        again = False
        for name, table in self._tables.items():
            rows, cut = table.look()
            again |= cut
            if len(rows):
                news[name] = as_lists(rows, table.whole)
        return news, again

    def whole(self) -> dict[str, Any]:
        """Everything that is kept."""
        return {n: as_lists(t.kept.rows, t.whole) for n, t in self._tables.items()}
