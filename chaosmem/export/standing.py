"""The rows of a run directory, whether its run goes on, has ended, or was killed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from chaosmem import evidence, verify
from chaosmem.drivers import procfs
from chaosmem.errors import ChaosmemError
from chaosmem.export import facts, families, finished
from chaosmem.export.families import Rows
from chaosmem.export.live import Progress
from chaosmem.plan.model import Plan
from chaosmem.rundir import RunDir, events, layout
from chaosmem.rundir.journal import Journal, decode
from chaosmem.verify.model import Finding


def rows(found: RunDir) -> Rows:
    """Live ones while its run goes on, else those of its verdict, computed from its evidence."""
    journal = decode(found.read(layout.JOURNAL) if found.has(layout.JOURNAL) else b"")
    if not _goes_on(journal):
        return of_finished(found)
    plan = Plan.model_validate_json(found.read(layout.PLAN))
    progress = Progress(plan, found.run_id)
    for line in journal.lines:
        progress.entry(line.entry)
    return progress.rows(of_ended(found, progress.ended))


def of_finished(found: RunDir) -> Rows:
    """The rows of a run that is over."""
    seen = evidence.load(found)
    return finished.rows(facts.of(seen, verify.verify(seen)))


def of_ended(found: RunDir, trials: Iterable[str]) -> tuple[Finding, ...]:
    """What the checks say of those trials of a run that still goes on."""
    ended = frozenset(trials)
    if not ended:
        return ()
    verdict = verify.verify(evidence.load(found))
    return tuple(f for f in verdict.findings if f.trial_key in ended)


def _goes_on(journal: Journal) -> bool:
    """Whether the process that wrote it is still there; false for one of another PID namespace."""
    entries = [line.entry for line in journal.lines]
    if any(isinstance(entry, events.RunEnded) for entry in entries):
        return False
    started = next((e for e in entries if isinstance(e, events.RunStarted)), None)
    return started is not None and (
        procfs.started_ticks(started.owner_pid) == started.owner_ticks != 0
    )


@dataclass(frozen=True, slots=True)
class _Kept:
    size: int
    rows: Rows

    @property
    def goes_on(self) -> bool:
        """Whether it must be looked at again: its process may be killed without a last word."""
        return any(row.value > 0 for row in self.rows.of(families.ACTIVE))


class Watch:
    """Rows of the runs that `which` names at each asking; one that is over is computed once.

    A run that cannot be read is told to `trouble`, once, and left out: one broken directory must
    not take the others from whoever scrapes.
    """

    def __init__(
        self, which: Callable[[], Iterable[RunDir]], trouble: Callable[[str], None]
    ) -> None:
        self._which, self._trouble = which, trouble
        self._kept: dict[str, _Kept] = {}
        self._told: set[str] = set()

    def __call__(self) -> list[Rows]:
        """The rows now."""
        now = {str(run.root): self._one(run) for run in self._which()}
        self._kept = {name: kept for name, kept in now.items() if kept is not None}
        return [kept.rows for kept in self._kept.values()]

    def _one(self, run: RunDir) -> _Kept | None:
        place = run.path(layout.JOURNAL)
        size = place.stat().st_size if place.is_file() else 0
        kept = self._kept.get(str(run.root))
        if kept is not None and kept.size == size and not kept.goes_on:
            return kept
        try:
            return _Kept(size, rows(run))
        except (ChaosmemError, ValueError) as problem:
            self._tell(f"{run.root}: {problem}")
            return None

    def _tell(self, text: str) -> None:
        if text not in self._told:
            self._told.add(text)
            self._trouble(text)
