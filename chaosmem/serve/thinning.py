"""Rows as they come, and few of them: what a live page is sent.

A tick's rows are cut to those that hold an extreme of some column (`report.downsample`), so a
spike of one sample is seen, and what is kept of the whole run is cut again when it grows. A page
gets the same picture whether it was open from the start or is opened late.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from chaosmem.evidence.model import Floats
from chaosmem.report.downsample import extremes

A_SECOND: Final = 32
"""Rows of a second above which they are cut; at 10 samples a second none is."""
A_TICK: Final = 16
"""Fewest to which rows are cut: two for each column of the widest table."""
MOST: Final = 3000
"""Rows kept of a table; cut to half when there are more."""


class Thinned:
    """The kept rows of one table: `t` first, then its columns."""

    def __init__(self, columns: int) -> None:
        self._kept: Floats = np.empty((0, columns + 1))

    @property
    def rows(self) -> Floats:
        """What is kept, oldest first."""
        return self._kept

    def add(self, rows: Floats) -> tuple[Floats, bool]:
        """Take new rows: what is new in the picture, and whether the old was cut for it."""
        span = float(np.ptp(rows[:, 0])) if len(rows) else 0.0
        few = thin(rows, max(A_TICK, min(MOST, int(span * A_SECOND))))
        self._kept = np.concatenate([self._kept, few])
        cut = len(self._kept) > MOST
        if cut:
            self._kept = thin(self._kept, MOST // 2)
        return few, cut


def thin(rows: Floats, limit: int) -> Floats:
    """At most about `limit` of `rows` (but two for each column), every extreme among them."""
    if len(rows) <= limit:
        return rows
    order = np.argsort(rows[:, 0], kind="stable")
    rows = rows[order]
    found = [_comparable(rows[:, i]) for i in range(1, rows.shape[1])]
    return rows[extremes(rows[:, 0], [c for c in found if c is not None], limit)]


def _comparable(column: Floats) -> Floats | None:
    """The column with its gaps filled, so that no gap passes for an extreme; None: all gaps."""
    there = np.isfinite(column)
    if there.all():
        return column
    if not there.any():
        return None
    return np.where(there, column, column[there][0])


def as_lists(rows: Floats, whole: Sequence[bool]) -> list[list[float | int | None]]:
    """The columns for JSON: `t` to the millisecond, whole numbers where `whole` says so."""
    columns: list[list[float | int | None]] = [[round(t, 3) for t in rows[:, 0].tolist()]]
    for i, rounded in enumerate(whole, start=1):
        columns.append([_value(v, rounded=rounded) for v in rows[:, i].tolist()])
    return columns


def _value(v: float, *, rounded: bool) -> float | int | None:
    if not math.isfinite(v):
        return None
    return round(v) if rounded else float(f"{v:.6g}")
