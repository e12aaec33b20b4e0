"""What a trial is given, and what its parts share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from chaosmem.clock import RunClock
from chaosmem.plan.model import Plan
from chaosmem.run.observer import Observer
from chaosmem.run.operating import Operating
from chaosmem.run.stop import StopRequest
from chaosmem.run.undo import Ledger
from chaosmem.rundir import RunDir
from chaosmem.rundir.events import AnyEntry
from chaosmem.spec.model import Experiment


@dataclass(frozen=True, slots=True)
class Stage:
    """The run, as its trials see it."""

    experiment: Experiment
    plan: Plan
    rundir: RunDir
    clock: RunClock
    write: Callable[[AnyEntry], None]
    ledger: Ledger
    observer: Observer
    stop: StopRequest
    operating: Operating

    @property
    def longest_trial(self) -> float:
        """Seconds that a trial may last: its phases, and all the waiting that may be asked for."""
        return self.plan.trial_seconds + self.operating.longest
