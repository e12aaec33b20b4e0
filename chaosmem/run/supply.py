"""Where the targets of a run come from: this machine, or a cluster."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from chaosmem.plan.model import PlannedTrial
from chaosmem.run.job import Job
from chaosmem.run.local import EndpointTarget, Ground, OwnedTarget
from chaosmem.run.stage import Stage
from chaosmem.run.target import Changed, TargetHandle
from chaosmem.rundir import events
from chaosmem.spec.model import Arm


class Supply(Protocol):
    """Gives each trial its target; open while the run goes on."""

    async def __aenter__(self) -> Self:
        """Make ready what all rounds share."""
        ...

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give it back."""
        ...

    async def begin(self, lanes: Sequence[PlannedTrial]) -> None:
        """Make ready what the trials of one round share."""
        ...

    async def end(self) -> None:
        """Give back what the round shared."""
        ...

    def target(self, planned: PlannedTrial) -> TargetHandle:
        """The target of one trial of the round, not yet started."""
        ...


class LocalSupply:
    """Processes and endpoints: each trial has its own, and they share nothing."""

    def __init__(self, job: Job, stage: Stage) -> None:
        self._job, self._stage = job, stage

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        pass

    async def begin(self, lanes: Sequence[PlannedTrial]) -> None:
        """Nothing is shared."""

    async def end(self) -> None:
        """Nothing was shared."""

    def target(self, planned: PlannedTrial) -> TargetHandle:
        """A process to start, or an endpoint to attach to."""
        stage, key = self._stage, planned.key
        run_id, told = stage.rundir.run_id, teller(stage, key)
        ground = Ground(self._job.experiment.target, key, run_id, stage.clock, told)
        log = stage.rundir.path(f"logs/{key}.log")
        return local_target(self._job, arm_of(self._job, planned), ground, log)


def local_target(job: Job, arm: Arm, ground: Ground, log: Path) -> TargetHandle:
    """The job's target under `arm`, not yet started."""
    if ground.target.process is not None:
        return OwnedTarget(ground, ground.target.process, arm, job.program, cwd=job.cwd, log=log)
    assert ground.target.endpoint is not None  # noqa: S101 - pods have a supply of their own
    return EndpointTarget(ground, ground.target.endpoint.url or "", ground.target.endpoint.pid)


def load(job: Job) -> None:
    """Import what the job's target needs beyond the engine, before anything runs beside it."""
    if job.experiment.target.kubernetes is not None:
        from chaosmem.run import fleet  # noqa: F401, PLC0415 - 0.4 s that a local run saves


def supply_for(job: Job, stage: Stage) -> Supply:
    """The supply that the job's target asks for."""
    if job.experiment.target.kubernetes is not None:
        from chaosmem.run.fleet import PodSupply  # noqa: PLC0415 - 0.4 s that a local run saves

        return PodSupply(job, stage)
    return LocalSupply(job, stage)


def arm_of(job: Job, planned: PlannedTrial) -> Arm:
    """The arm of a trial."""
    return next(a for a in job.experiment.arms if a.name == planned.arm)


def teller(stage: Stage, key: str) -> Changed:
    """Writes the changes of a target into the journal."""

    def changed(state: str, pid: int | None, by_us: bool, detail: str) -> None:
        entry = events.TargetChanged(
            t=stage.clock.now(), trial=key, state=state, pid=pid, by_us=by_us, detail=detail
        )
        stage.write(entry)

    return changed
