"""The run: every planned trial in turn, each on a fresh target, and an honest end.

`execute` never raises for what happens to a target: that is evidence. It raises only where the
run directory itself cannot be kept.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from chaosmem.clock import RunClock, wall
from chaosmem.drivers import procfs
from chaosmem.errors import ChaosmemError, RunDirError
from chaosmem.plan.model import PlannedTrial
from chaosmem.run.job import Job
from chaosmem.run.observer import Observer
from chaosmem.run.stage import Stage
from chaosmem.run.stop import Cause, StopRequest
from chaosmem.run.target import Changed, EndpointTarget, OwnedTarget, TargetHandle
from chaosmem.run.trial import Trial
from chaosmem.run.undo import Ledger, Promise
from chaosmem.rundir import RunDir, events, layout
from chaosmem.rundir.events import AnyEntry, StopMarked
from chaosmem.rundir.journal import JournalWriter
from chaosmem.spec.model import Arm


def prepare(job: Job, rundir: RunDir) -> None:
    """Write what the run is about, before anything is touched."""
    rundir.write(layout.EXPERIMENT_TEXT, job.text.encode())
    rundir.write(layout.EXPERIMENT, job.experiment.model_dump_json(indent=1).encode())
    rundir.write(layout.PLAN, job.plan.model_dump_json(indent=1).encode())


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended: its last journal entry, and what its operator still wants."""

    entry: events.RunEnded
    skip_rest: bool
    """A second signal came: do not verify or report now (`chaosmem verify RUN` can, later)."""


async def execute(job: Job, rundir: RunDir, observer: Observer) -> Ended:
    """Run all trials."""
    journal = JournalWriter(rundir.path(layout.JOURNAL))
    clock = RunClock.start()
    try:
        return await _Run(job, rundir, journal, observer, clock).execute()
    finally:
        journal.close()


def open_target(
    job: Job, arm: Arm, *, run_id: str, log: Path, clock: RunClock, changed: Changed
) -> TargetHandle:
    """The job's target under `arm`, not yet started."""
    target = job.experiment.target
    if target.process is not None:
        return OwnedTarget(
            target.process,
            arm,
            job.program,
            run_id=run_id,
            cwd=job.cwd,
            log=log,
            clock=clock,
            changed=changed,
        )
    assert target.endpoint is not None  # noqa: S101 - the resolver makes no other jobs
    return EndpointTarget(target.endpoint.url, target.endpoint.pid, target.agent, changed)


class _Run:
    def __init__(
        self, job: Job, rundir: RunDir, journal: JournalWriter, observer: Observer, clock: RunClock
    ) -> None:
        self._job, self._rundir, self._journal = job, rundir, journal
        self._observer, self._clock = observer, clock
        self._stop = StopRequest()
        self._broken: RunDirError | None = None
        self._ledger = Ledger(self._write, self._write_ahead, clock)
        self._stage = Stage(
            job.experiment,
            job.plan,
            rundir,
            clock,
            self._write,
            self._ledger,
            observer,
            self._stop,
        )

    def _write_ahead(self, entry: AnyEntry) -> None:
        self._journal.write(entry)
        self._observer.entry(entry)

    def _write(self, entry: AnyEntry) -> None:
        """Write; where that fails, stop the run, but never what undoes it."""
        try:
            self._write_ahead(entry)
        except RunDirError as problem:
            self._broken = self._broken or problem
            self._stop.ask(Cause.EVIDENCE, str(problem))
            self._observer.entry(entry)

    async def execute(self) -> Ended:
        self._write(
            events.RunStarted(
                t=0.0,
                format=layout.FORMAT,
                run_id=self._rundir.run_id,
                wall=wall(),
                owner_pid=os.getpid(),
                owner_ticks=procfs.started_ticks(os.getpid()) or 0,
                facts=dict(self._job.facts),
            )
        )
        async with self._signals():
            state, reason = await self._trials()
        ended = events.RunEnded(t=self._clock.now(), state=state, reason=reason)
        self._write(ended)
        if self._broken is not None:
            raise self._broken
        return Ended(ended, self._stop.skip_rest)

    async def _trials(self) -> tuple[str, str]:
        problem = ""
        for planned in self._job.plan.trials:
            try:
                await self._trial(planned)
            except ChaosmemError as error:
                if isinstance(error, RunDirError):
                    self._broken = self._broken or error
                problem = f"trial {planned.key}: {error}"
                break
            if self._stop.event.is_set():
                break
        return self._how_it_ended(problem)

    def _how_it_ended(self, problem: str) -> tuple[str, str]:
        if self._stop.cause is Cause.GUARD:
            return "aborted", self._stop.reason
        if self._stop.cause is Cause.OPERATOR:
            return "interrupted", self._stop.reason
        problem = problem or self._stop.reason
        return ("error", problem) if problem else ("completed", "")

    async def _trial(self, planned: PlannedTrial) -> None:
        key = planned.key
        target = self._target(planned)
        self._write(
            events.TrialStarted(
                t=self._clock.now(),
                trial=key,
                arm=planned.arm,
                number=planned.trial,
                target=self._job.plan.targets[0].name,
            )
        )
        trial = Trial(self._stage, planned, target)
        try:
            if await self._start(key, target):
                await trial.run()
        finally:
            await asyncio.shield(self._stop_target(key, target))
            done = events.TrialEnded(t=self._clock.now(), trial=key, complete=trial.complete)
            self._write(done)

    async def _start(self, key: str, target: TargetHandle) -> bool:
        """Start the target; False where a stop was asked for before it was ready."""
        if isinstance(target, OwnedTarget):
            undo = StopMarked(run_id=self._rundir.run_id)
            self._ledger.promise(Promise(f"{key}.process", key, "stop the target process", undo))
        starting = asyncio.ensure_future(target.start())
        stopped = asyncio.ensure_future(self._stop.event.wait())
        await asyncio.wait([starting, stopped], return_when=asyncio.FIRST_COMPLETED)
        ready = starting.done()
        for task in (starting, stopped):
            task.cancel()
        if ready:
            starting.result()
        return ready

    async def _stop_target(self, key: str, target: TargetHandle) -> None:
        """Stop an owned target; with its process everything that acted inside it has ended."""
        try:
            await target.stop()
        except ChaosmemError as problem:
            self._ledger.failed(f"{key}.process", str(problem))
            return
        if isinstance(target, OwnedTarget):
            for promise in self._ledger.of_trial(key):
                by = "run" if promise.id == f"{key}.process" else "process-ended"
                self._ledger.done(promise.id, by=by)

    def _target(self, planned: PlannedTrial) -> TargetHandle:
        key = planned.key

        def changed(state: str, pid: int | None, by_us: bool, detail: str) -> None:
            now = self._clock.now()
            self._write(
                events.TargetChanged(
                    t=now, trial=key, state=state, pid=pid, by_us=by_us, detail=detail
                )
            )

        return open_target(
            self._job,
            next(a for a in self._job.experiment.arms if a.name == planned.arm),
            run_id=self._rundir.run_id,
            log=self._rundir.path(f"logs/{key}.log"),
            clock=self._clock,
            changed=changed,
        )

    @contextlib.asynccontextmanager
    async def _signals(self) -> AsyncIterator[None]:
        """SIGINT and SIGTERM ask to stop; the handlers are taken back afterwards."""
        loop = asyncio.get_running_loop()
        before = {sign: signal.getsignal(sign) for sign in (signal.SIGINT, signal.SIGTERM)}
        for sign in before:
            loop.add_signal_handler(sign, self._signalled, sign)
        try:
            yield
        finally:
            for sign, handler in before.items():
                loop.remove_signal_handler(sign)
                signal.signal(sign, handler)

    def _signalled(self, sign: signal.Signals) -> None:
        count = self._stop.signal(sign.name)
        self._write(events.Signalled(t=self._clock.now(), name=sign.name, count=count))
