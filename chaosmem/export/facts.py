"""What every export tells of a run, with true times: from its evidence and verdict alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from chaosmem.errors import RunDirError
from chaosmem.evidence.model import Evidence
from chaosmem.verify.model import Verdict


@dataclass(frozen=True, slots=True)
class Run:
    """A run and its verdict; `zero` is the Unix time at which its clock read 0."""

    evidence: Evidence
    verdict: Verdict
    zero: float

    def unix(self, t: float) -> float:
        """A time of the run's clock as Unix seconds."""
        return self.zero + t


@dataclass(frozen=True, slots=True)
class FaultSpan:
    """One fault in one trial, with the times that the target acknowledged."""

    trial: str
    id: str
    kind: str
    applied: float
    undone: float | None


def of(evidence: Evidence, verdict: Verdict) -> Run:
    """Both together; RunDirError where the run's start is not known."""
    try:
        zero = datetime.fromisoformat(evidence.started).timestamp()
    except ValueError as problem:
        raise RunDirError("the journal does not tell when the run began") from problem
    return Run(evidence, verdict, zero)


def span(run: Run) -> tuple[float, float]:
    """Start and last known time of the run, in its own seconds."""
    ends = [w.end for t in run.evidence.trials for w in t.phases.values()]
    return 0.0, max(ends, default=0.0)


def faults(run: Run) -> Iterator[FaultSpan]:
    """Every fault that was applied."""
    for trial in run.evidence.trials:
        for record in trial.faults:
            if record.applied is not None:
                planned = record.planned
                yield FaultSpan(
                    trial.key, planned.id, planned.fault.kind, record.applied, record.undone
                )
