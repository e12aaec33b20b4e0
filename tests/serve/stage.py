"""A run directory that is written while a test looks on: by this process, so it goes on."""

from __future__ import annotations

import os
import platform
from pathlib import Path

from chaosmem import metrics, rundir
from chaosmem.clock import new_run_id, wall
from chaosmem.drivers import procfs
from chaosmem.rundir import RunDir, events, layout
from chaosmem.rundir.columns import TableWriter
from chaosmem.rundir.journal import JournalWriter, encode
from chaosmem.spec.base import Phase
from tests.verify import build

TRIAL = "default-1"
COLUMNS = ("t", "u", metrics.GOROUTINES.name, metrics.HEAP_LIVE.name, metrics.HEAP_GOAL.name)


OPEN: list[Staged] = []
"""What was not closed yet; the fixture `tidy` does it."""


class Staged:
    """The runner's side of a run."""

    def __init__(self, base: Path, name: str = "cart", run_id: str = "") -> None:
        whole = build.evidence(build.trial(faults=[build.fault(build.SURGE)]))
        self.dir: RunDir = rundir.create(base, name, run_id or new_run_id())
        plan = whole.plan.model_copy(update={"experiment": name})
        self.dir.write(layout.EXPERIMENT, whole.experiment.model_dump_json().encode())
        self.dir.write(layout.EXPERIMENT_TEXT, b"apiVersion: chaosmem/v1\n")
        self.dir.write(layout.PLAN, plan.model_dump_json().encode())
        self.faults = [fault.id for fault in plan.faults]
        self._journal = JournalWriter(self.dir.path(layout.JOURNAL))
        self._samples: TableWriter | None = None
        OPEN.append(self)

    @property
    def url(self) -> str:
        return f"/runs/{self.dir.experiment}/{self.dir.run_id}"

    def write(self, *entries: events.Entry) -> None:
        for entry in entries:
            self._journal.write(entry)

    def begin(self, *, pid: int | None = None, ticks: int | None = None, host: str = "") -> None:
        """Up to the first phase; `pid` and `ticks` of another owner, who may be gone."""
        owner = os.getpid() if pid is None else pid
        self.write(
            events.RunStarted(
                t=0,
                format=1,
                run_id=self.dir.run_id,
                wall=wall(),
                owner_pid=owner,
                owner_ticks=procfs.started_ticks(owner) or 0 if ticks is None else ticks,
                facts={"host": host or platform.node()},
            ),
            events.TrialStarted(t=0.1, trial=TRIAL, arm="default", number=1, target="demo"),
        )

    def phase(self, phase: Phase, t: float) -> None:
        self.write(events.PhaseBegun(t=t, trial=TRIAL, phase=str(phase)))

    def sample(self, t: float, goroutines: float, live: float = 1e6, goal: float = 2e6) -> None:
        if self._samples is None:
            self._samples = TableWriter(self.dir.path(f"series/{TRIAL}/samples.col"), COLUMNS)
        self._samples.add([t, 0.001, goroutines, live, goal])

    def flush(self) -> None:
        assert self._samples is not None
        self._samples.flush()

    def end(self, state: str = "completed") -> None:
        self.write(events.TrialEnded(t=40, trial=TRIAL, complete=True))
        self.write(events.RunEnded(t=40, state=state))

    def close(self) -> None:
        """Nobody writes any more."""
        if self in OPEN:
            OPEN.remove(self)
            self._journal.close()
            if self._samples is not None:
                self._samples.close()

    def grow_old(self) -> None:
        """Nobody writes any more, and nothing was written lately."""
        self.close()
        for path in [self.dir.root, *self.dir.root.rglob("*")]:
            os.utime(path, (1e9, 1e9))


def killed(base: Path, *promises: events.UndoPlanned) -> Staged:
    """A run whose runner is gone in mid-hold, with promises that it did not keep."""
    made = Staged(base)
    made.begin(pid=2**22 - 1, ticks=1)
    made.write(*promises)
    made.phase(Phase.HOLD, 12)
    made.grow_old()
    return made


def promise(run_id: str, what: str = "stop the demo service") -> events.UndoPlanned:
    """To stop what carries the mark of that run: here nothing does."""
    undo = events.StopMarked(run_id=run_id)
    return events.UndoPlanned(t=0.2, trial=TRIAL, id="u1", what=what, undo=undo)


__all__ = ["COLUMNS", "TRIAL", "Staged", "encode", "killed", "promise"]
