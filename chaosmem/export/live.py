"""Rows of a run that goes on: from its journal's entries as they come.

Follows entries in this process (it is an observer of a run) or those of another process's journal;
both give the same rows, but for the count of samples, which no journal has.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime

from chaosmem.drivers.sources import Reading
from chaosmem.export import families, finished
from chaosmem.export.families import Row, Rows
from chaosmem.plan.model import Plan
from chaosmem.rundir import events
from chaosmem.rundir.events import AnyEntry
from chaosmem.verify.model import Finding


class Progress:
    """Where a run stands. Entries come by one thread, rows are asked for by others."""

    def __init__(self, plan: Plan, run_id: str) -> None:
        self._plan, self._run_id = plan, run_id
        self._kinds = {p.id: p.fault.kind for p in plan.faults}
        self._lock = threading.Lock()
        self._t = self._zero = 0.0
        self._arms: dict[str, str] = {}
        self._ended: dict[str, bool] = {}
        self._phase: dict[str, tuple[str, float]] = {}
        self._phases: dict[tuple[str, str], tuple[float, float]] = {}
        self._faults: dict[tuple[str, str], tuple[float, float | None]] = {}
        self._promised: set[str] = set()
        self._captures: Counter[bool] = Counter()
        self._troubles: Counter[str] = Counter()
        self._guards: Counter[str] = Counter()
        self._samples = 0
        self.over = False

    @property
    def ended(self) -> frozenset[str]:
        """Keys of the trials that have ended."""
        with self._lock:
            return frozenset(self._ended)

    def reading(self, reading: Reading) -> None:
        """Count it."""
        with self._lock:
            self._t = max(self._t, reading.t)
            self._samples += 1

    def entry(self, entry: AnyEntry) -> None:
        """Take in what happened."""
        with self._lock:
            self._t = max(self._t, entry.t)
            self._run(entry)
            self._trial(entry)
            self._changed(entry)

    def _run(self, entry: AnyEntry) -> None:
        match entry:
            case events.RunStarted():
                self._zero = datetime.fromisoformat(entry.wall).timestamp()
            case events.RunEnded():
                self.over = True
            case events.GuardTripped():
                self._guards[entry.guard] += 1
            case events.ProbeTrouble() if entry.text:
                self._troubles[entry.source] += 1
            case events.CaptureTaken():
                self._captures[bool(entry.error)] += 1

    def _trial(self, entry: AnyEntry) -> None:
        match entry:
            case events.TrialStarted():
                self._arms[entry.trial] = entry.arm
            case events.TrialEnded():
                self._ended[entry.trial] = entry.complete
                self._phase.pop(entry.trial, None)
            case events.PhaseBegun():
                self._phase[entry.trial] = (entry.phase, entry.t)
            case events.PhaseEnded():
                phase, begun = self._phase.pop(entry.trial, (entry.phase, entry.t))
                self._phases[entry.trial, phase] = (begun, entry.t)

    def _changed(self, entry: AnyEntry) -> None:
        match entry:
            case events.FaultApplied():
                self._faults[entry.trial, entry.fault] = (entry.at, None)
            case events.FaultUndone():
                applied, _ = self._faults.get((entry.trial, entry.fault), (entry.at, None))
                self._faults[entry.trial, entry.fault] = (applied, entry.at)
            case events.UndoPlanned():
                self._promised.add(entry.id)
            case events.UndoDone():
                self._promised.discard(entry.id)

    def rows(self, findings: Iterable[Finding] = ()) -> Rows:
        """How it stands now; `findings` are those of trials that have ended."""
        with self._lock:
            found = [*self._whole(), *self._of_phases(), *self._of_faults(), *self._counts()]
            found += finished.findings(findings, self._t)
        return Rows(self._plan.experiment, self._run_id, tuple(found))

    def _whole(self) -> Iterator[Row]:
        yield Row(families.ACTIVE, (), float(not self.over), self._t)
        yield Row(families.START, (), self._zero, self._t)
        yield Row(families.UNDO_PENDING, (), float(len(self._promised)), self._t)
        complete = sum(self._ended.values())
        planned = len(self._plan.trials)
        yield from finished.counts(planned, len(self._arms), complete, self._t)

    def _of_phases(self) -> Iterator[Row]:
        for trial, (phase, begun) in self._phase.items():
            labels = (trial, self._arms.get(trial, ""), phase)
            yield Row(families.PHASE_ACTIVE, labels, 1.0, begun)
        for (trial, phase), (begun, end) in self._phases.items():
            labels = (trial, self._arms.get(trial, ""), phase)
            yield Row(families.PHASE_DURATION, labels, end - begun, end)

    def _of_faults(self) -> Iterator[Row]:
        for (trial, fault), (applied, undone) in self._faults.items():
            labels = (trial, fault, self._kinds.get(fault, ""))
            at = applied if undone is None else undone
            yield Row(families.FAULT_ACTIVE, labels, float(undone is None), at)
            if undone is not None:
                yield Row(families.FAULT_DURATION, labels, undone - applied, undone)

    def _counts(self) -> Iterator[Row]:
        yield from finished.captures(self._captures[False], self._captures[True], self._t)
        if self._samples:
            yield Row(families.SAMPLES, (), float(self._samples), self._t)
        for source, count in self._troubles.items():
            yield Row(families.TROUBLES, (source,), float(count), self._t)
        for guard, count in self._guards.items():
            yield Row(families.GUARDS, (guard,), float(count), self._t)
