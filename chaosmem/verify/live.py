"""Live heap by GC cycle: the only moments at which anybody knows it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chaosmem.evidence.model import Floats, Trial, Window
from chaosmem.metrics import GC_CYCLES, HEAP_LIVE


@dataclass(frozen=True, slots=True, eq=False)
class LiveHeap:
    """Columns, one row a cycle, ascending in time: cycle number, time known, live bytes.

    `t` is when the number was read: just after the cycle where the agent recorded it, else at the
    first sample after it.
    """

    n: Floats
    t: Floats
    live: Floats
    file: str

    def __len__(self) -> int:
        return len(self.t)

    def within(self, window: Window) -> LiveHeap:
        """The cycles known with start < t <= end."""
        rows = (self.t > window.start) & (self.t <= window.end)
        return LiveHeap(self.n[rows], self.t[rows], self.live[rows], self.file)


def live_heap(trial: Trial) -> LiveHeap:
    """From the agent's own records, and from the samples what came after them."""
    sampled = _sampled(trial)
    cycles = trial.cycles
    if not len(cycles):
        return sampled
    later = (sampled.t > cycles["t"][-1]) & (sampled.n != cycles["n"][-1])
    return LiveHeap(
        np.concatenate((cycles["n"], sampled.n[later])),
        np.concatenate((cycles["t"], sampled.t[later])),
        np.concatenate((cycles["live"], sampled.live[later])),
        cycles.file,
    )


def _sampled(trial: Trial) -> LiveHeap:
    """A row for each sample whose cycle count differs from the one before it."""
    counted, live = trial.of(GC_CYCLES), trial.of(HEAP_LIVE)
    t, at_counted, at_live = np.intersect1d(counted.t, live.t, return_indices=True)
    n, values = counted.v[at_counted], live.v[at_live]
    new = np.flatnonzero(np.diff(n) != 0) + 1
    return LiveHeap(n[new], t[new], values[new], live.file)
