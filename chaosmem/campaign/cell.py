"""One cell's work, done by a child process or a pod: recover what was cut off, then run.

Kill it at any line: the lock ends with the process, the attempt's run is known from the journal
before it exists, and whoever comes next starts here again.
"""

from __future__ import annotations

import contextlib
import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from chaosmem import evidence, report, verify
from chaosmem.campaign import asked
from chaosmem.campaign.directory import EXPERIMENT, CampaignDir, append
from chaosmem.campaign.events import AttemptEnded, AttemptPlanned, How
from chaosmem.campaign.model import Cell
from chaosmem.campaign.state import Act, Found, Standing, act, standing
from chaosmem.clock import new_run_id
from chaosmem.drivers import procfs
from chaosmem.errors import ChaosmemError, Exit, UndoIncomplete
from chaosmem.evidence.model import RunState
from chaosmem.run import finish
from chaosmem.rundir import RunDir, layout
from chaosmem.rundir.events import RunEnded
from chaosmem.rundir.journal import decode
from chaosmem.verify import Verdict

_UNDO_TRIES = 5
_UNDO_PAUSE = 1.5
"""Seconds between tries: an agent lets go by itself 3 s after the last heartbeat."""


@dataclass(frozen=True, slots=True)
class Request:
    """What to run: an experiment's text, where its paths are relative to, and its run's id."""

    spec: Path
    base: Path
    run_id: str


Run = Callable[[Request], int]
"""Runs an experiment to its verdict; ChaosmemError where it could not be begun or kept."""


def work(home: CampaignDir, cell: Cell, most: int, run: Run) -> Standing:
    """Bring a cell as far as it goes: at most one run. The caller holds the cell's lock.

    Raises:
        UndoIncomplete: what a killed run left could not be undone; nothing else was begun.
        SystemExit: SIGINT or SIGTERM came before anything was touched.
    """
    worker = _Worker(home, cell, most)
    with asked.kept() as stop:
        now = worker.recovered()
    if not stop.is_set() and act(now, Found.NOTHING, most) is Act.BEGIN:
        worker.begin(now, run)
    return worker.standing()


class _Worker:
    def __init__(self, home: CampaignDir, cell: Cell, most: int) -> None:
        self._home, self._cell, self._most = home, cell, most

    def standing(self) -> Standing:
        return standing(self._home.cell_entries(self._cell))

    def recovered(self) -> Standing:
        """The standing after everything that an earlier attempt left is in order."""
        now = self.standing()
        if now.planned is None:
            return now
        found = self._run(now.planned)
        what = act(now, look(found), self._most)
        if what is Act.JUDGE:
            self._write(now.planned, judged(found, undo(found), anew=True))
        elif what is Act.UNDO:
            self._write(now.planned, _cut(look(found), undo(found)))
        now = self.standing()
        if now.left:
            raise UndoIncomplete(f"cell {self._cell.name}: {now.left}")
        return now

    def begin(self, now: Standing, run: Run) -> None:
        planned = AttemptPlanned(
            t=time.time(),
            attempt=now.attempts + 1,
            run_id=new_run_id(),
            experiment=self._cell.experiment,
            host=platform.node(),
            pid=os.getpid(),
            ticks=procfs.started_ticks(os.getpid()) or 0,
        )
        append(self._home.cell(self._cell), planned)
        place = self._home.cell(self._cell) / EXPERIMENT
        with asked.before_and_after(lambda: look(self._run(planned))):
            try:
                run(Request(place, Path(self._cell.base), planned.run_id))
            except ChaosmemError as problem:
                self._failed(planned, problem)
                return
            self._end(planned)

    def _end(self, planned: AttemptPlanned) -> None:
        found = self._run(planned)
        if look(found) is Found.ENDED:
            self._write(planned, judged(found))
        else:
            self._write(planned, _cut(look(found), undo(found)))

    def _failed(self, planned: AttemptPlanned, problem: ChaosmemError) -> None:
        """It could not be begun (that is its result), or its directory could not be kept."""
        found = self._run(planned)
        if look(found) is not Found.NOTHING:
            self._end(planned)
            return
        says = f"not run: {problem}"
        self._write(planned, Result("failed", problem.exit_code, "INCONCLUSIVE", says))

    def _run(self, planned: AttemptPlanned) -> RunDir:
        return self._home.run(planned.experiment, planned.run_id)

    def _write(self, planned: AttemptPlanned, result: Result) -> None:
        entry = AttemptEnded(
            t=time.time(),
            attempt=planned.attempt,
            run_id=planned.run_id,
            how=result.how,
            exit_code=result.exit_code,
            outcome=result.outcome,
            says=result.says,
            left=result.left,
        )
        append(self._home.cell(self._cell), entry)


@dataclass(frozen=True, slots=True)
class Result:
    """How an attempt ended."""

    how: How
    exit_code: int
    outcome: str
    says: str
    left: str = ""


def look(found: RunDir) -> Found:
    """What is there of a run, by its journal."""
    if not found.has(layout.JOURNAL):
        return Found.NOTHING
    lines = decode(found.read(layout.JOURNAL)).lines
    ended = [n.entry for n in lines if isinstance(n.entry, RunEnded)]
    if not ended:
        return Found.CUT
    return Found.STOPPED if ended[0].state == RunState.INTERRUPTED else Found.ENDED


def undo(found: RunDir) -> str:
    """Fulfil what a run promised; what is left, with its reason."""
    left: list[str] = []
    for attempt in range(_UNDO_TRIES):
        if attempt:
            time.sleep(_UNDO_PAUSE)
        done = finish.finish(found) if found.has(layout.JOURNAL) else ()
        left = [f"{item.promise.what}: {item.error}" for item in done if item.error]
        if not left:
            break
    return "; ".join(left)


def judged(found: RunDir, left: str = "", *, anew: bool = False) -> Result:
    """The run's result: the verdict that is kept; `anew`, or where none is, computed and kept."""
    kept = found.has(layout.VERDICT) and not anew
    if kept and found.has(layout.REPORT):
        return _finished(verify.from_json(found.read(layout.VERDICT)), left)
    seen = evidence.load(found)
    verdict = verify.verify(seen)
    found.write(layout.VERDICT, verify.to_json(verdict))
    with contextlib.suppress(Exception):  # a page that cannot be drawn takes no verdict away
        found.write(layout.REPORT, report.html(verdict, seen).encode())
    return _finished(verdict, left)


def _finished(verdict: Verdict, left: str) -> Result:
    return Result("finished", verdict.exit_code, str(verdict.outcome), verdict.says, left)


_SAYS = {
    Found.NOTHING: "ended before anything was touched",
    Found.STOPPED: "stopped by the operator",
    Found.CUT: "cut off in mid-run",
}
_HOW: dict[Found, How] = {
    Found.NOTHING: "not-begun",
    Found.STOPPED: "stopped",
    Found.CUT: "cut",
}


def _cut(found: Found, left: str) -> Result:
    code = Exit.UNDO_INCOMPLETE if left else Exit.INCONCLUSIVE
    says = _SAYS[found] + (f"; not undone: {left}" if left else "")
    return Result(_HOW[found], code, "INCONCLUSIVE", says, left)
