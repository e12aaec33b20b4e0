"""Rows of a run that is over: from its evidence and verdict."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from chaosmem.evidence.model import Trial
from chaosmem.export import facts, families
from chaosmem.export.facts import Run
from chaosmem.export.families import Row, Rows
from chaosmem.verify.model import Finding, Outcome


def rows(run: Run) -> Rows:
    """Everything that is told of it."""
    end = facts.span(run)[1]
    found = [*_whole(run, end), *_trials(run, end), *_phases(run), *_faults(run, end)]
    found += findings(run.verdict.findings, end)
    return Rows(run.verdict.experiment, run.evidence.run_id, tuple(found))


def _whole(run: Run, end: float) -> Iterator[Row]:
    pending = sum(not undo.done for undo in run.evidence.undo)
    yield Row(families.ACTIVE, (), 0.0, end)
    yield Row(families.START, (), run.zero, end)
    yield Row(families.DURATION, (), end, end)
    for outcome in Outcome:
        is_it = float(run.verdict.outcome is outcome)
        yield Row(families.OUTCOME, (outcome.value,), is_it, end)
    yield Row(families.EXIT_CODE, (), float(run.verdict.exit_code), end)
    yield Row(families.UNDO_PENDING, (), float(pending), end)


def _trials(run: Run, end: float) -> Iterator[Row]:
    trials = run.evidence.trials
    complete = sum(t.complete for t in trials)
    yield from counts(len(run.evidence.plan.trials), len(trials), complete, end)
    taken = [capture for trial in trials for capture in trial.captures]
    yield from captures(sum(not c.error for c in taken), sum(bool(c.error) for c in taken), end)
    yield from _troubles(trials, end)


def _troubles(trials: Iterable[Trial], end: float) -> Iterator[Row]:
    sources = [problem.source for trial in trials for problem in trial.problems]
    for source in sorted(set(sources)):
        yield Row(families.TROUBLES, (source,), float(sources.count(source)), end)


def counts(planned: int, begun: int, complete: int, t: float) -> Iterator[Row]:
    """How many trials there are, began, and ran all their phases."""
    for state, count in (("planned", planned), ("begun", begun), ("complete", complete)):
        yield Row(families.TRIALS, (state,), float(count), t)


def captures(taken: int, failed: int, t: float) -> Iterator[Row]:
    """How many there are, and how many could not be had."""
    yield Row(families.CAPTURES, ("taken",), float(taken), t)
    yield Row(families.CAPTURES, ("failed",), float(failed), t)


def _phases(run: Run) -> Iterator[Row]:
    for trial in run.evidence.trials:
        for phase, window in trial.phases.items():
            labels = (trial.key, trial.arm, phase.value)
            yield Row(families.PHASE_DURATION, labels, window.seconds, window.end)


def _faults(run: Run, end: float) -> Iterator[Row]:
    for fault in facts.faults(run):
        labels = (fault.trial, fault.id, fault.kind)
        held = fault.undone is None
        length = float("nan") if fault.undone is None else fault.undone - fault.applied
        at = end if fault.undone is None else fault.undone
        yield Row(families.FAULT_ACTIVE, labels, float(held), at)
        yield Row(families.FAULT_DURATION, labels, length, at)


def findings(found: Iterable[Finding], t: float) -> Iterator[Row]:
    """What checks said, and their headline numbers."""
    for f in found:
        advisory = str(f.advisory).lower()
        labels = (f.trial_key, f.arm, f.name, f.outcome.value, advisory)
        yield Row(families.FINDING, labels, 1.0, t)
        if f.headline is not None:
            labels_of_number = (f.trial_key, f.arm, f.name, f.headline.unit)
            yield Row(families.FINDING_VALUE, labels_of_number, f.headline.value, t)
