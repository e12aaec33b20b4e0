"""The run: every planned trial in turn, each on a fresh target, and an honest end.

`execute` never raises for what happens to a target: that is evidence. It raises only where the
run directory itself cannot be kept.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Coroutine, Sequence
from dataclasses import dataclass

from chaosmem.clock import RunClock, wall
from chaosmem.drivers import procfs
from chaosmem.errors import ChaosmemError, RunDirError
from chaosmem.plan.model import PlannedTrial
from chaosmem.run import promwatch
from chaosmem.run.control import Desk
from chaosmem.run.job import Job
from chaosmem.run.manner import Manner
from chaosmem.run.observer import Observer
from chaosmem.run.operating import TOGGLES, Operating
from chaosmem.run.stage import Stage
from chaosmem.run.steps import round_step
from chaosmem.run.stop import Cause, StopRequest
from chaosmem.run.supply import Supply, supply_for
from chaosmem.run.target import TargetHandle
from chaosmem.run.trial import Trial
from chaosmem.run.undo import Ledger
from chaosmem.rundir import RunDir, events, layout
from chaosmem.rundir.events import AnyEntry
from chaosmem.rundir.inbox import Inbox
from chaosmem.rundir.journal import JournalWriter

_AS_USUAL = Manner()


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


async def execute(
    job: Job, rundir: RunDir, observer: Observer, manner: Manner = _AS_USUAL
) -> Ended:
    """Run all trials."""
    desk = Desk(manner.longest(job.plan), asks=manner.steps)
    journal = JournalWriter(rundir.path(layout.JOURNAL))
    clock = RunClock.start()
    try:
        return await _Run(job, rundir, journal, observer, clock=clock, desk=desk).execute()
    finally:
        journal.close()


class _Run:
    def __init__(
        self,
        job: Job,
        rundir: RunDir,
        journal: JournalWriter,
        observer: Observer,
        *,
        clock: RunClock,
        desk: Desk,
    ) -> None:
        self._job, self._rundir, self._journal = job, rundir, journal
        self._observer, self._clock = observer, clock
        self._stop = StopRequest()
        self._broken: RunDirError | None = None
        self._operating = Operating(desk, Inbox(rundir), clock, self._write, self._stop)
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
            self._operating,
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
        async with self._signals(), self._operators():
            state, reason = await self._trials()
            await self._ask_prometheus()
        with self._operating.closing():
            ended = events.RunEnded(t=self._clock.now(), state=state, reason=reason)
            self._write(ended)
        if self._broken is not None:
            raise self._broken
        return Ended(ended, self._stop.skip_rest)

    async def _ask_prometheus(self) -> None:
        """Keep what its checks need; without it they are inconclusive, and the run is not."""
        if self._job.experiment.prometheus is None:
            return
        try:
            await promwatch.collect(self._rundir)
        except ChaosmemError as problem:
            self._write(events.Noted(t=self._clock.now(), text=f"Prometheus: {problem}"))

    async def _trials(self) -> tuple[str, str]:
        problem = ""
        try:
            async with supply_for(self._job, self._stage) as supply:
                for lanes in self._job.plan.rounds:
                    problem = await self._round(lanes, supply)
                    if problem or self._stop.event.is_set():
                        break
        except ChaosmemError as error:
            problem = problem or self._worded("", error)
        return self._how_it_ended(problem)

    def _worded(self, key: str, error: ChaosmemError) -> str:
        if isinstance(error, RunDirError):
            self._broken = self._broken or error
        return f"trial {key}: {error}" if key else str(error)

    def _how_it_ended(self, problem: str) -> tuple[str, str]:
        if self._stop.cause is Cause.GUARD:
            return "aborted", self._stop.reason
        if self._stop.cause is Cause.OPERATOR:
            return "interrupted", self._stop.reason
        problem = problem or self._stop.reason
        return ("error", problem) if problem else ("completed", "")

    async def _round(self, lanes: Sequence[PlannedTrial], supply: Supply) -> str:
        """All trials of a round side by side; what went wrong, of each, and empty: nothing."""
        try:
            if not await self._unless_stopped(self._begin(lanes, supply)):
                return ""
            found = await asyncio.gather(*(self._trial(p, supply) for p in lanes))
        except ChaosmemError as error:
            found = [self._worded(lanes[0].key, error)]
        finally:
            await asyncio.shield(supply.end())
        return "; ".join(filter(None, found))

    async def _begin(self, lanes: Sequence[PlannedTrial], supply: Supply) -> None:
        self._operating.round_begins()
        await self._operating.before(round_step(self._job.plan, lanes))
        await supply.begin(lanes)

    async def _trial(self, planned: PlannedTrial, supply: Supply) -> str:
        """One trial to its end, whatever happens in it; what went wrong."""
        try:
            await self._lane(planned, supply.target(planned))
        except ChaosmemError as error:
            return self._worded(planned.key, error)
        return ""

    async def _lane(self, planned: PlannedTrial, target: TargetHandle) -> None:
        key, now = planned.key, self._clock.now
        arm, number = planned.arm, planned.trial
        self._write(
            events.TrialStarted(t=now(), trial=key, arm=arm, number=number, target=target.name)
        )
        trial = Trial(self._stage, planned, target)
        try:
            if await self._unless_stopped(target.start(self._ledger)):
                await trial.run()
        finally:
            await asyncio.shield(target.stop(self._ledger))
            self._write(events.TrialEnded(t=now(), trial=key, complete=trial.complete))

    async def _unless_stopped(self, work: Coroutine[None, None, None]) -> bool:
        """Do it; False, and given up, where a stop is asked for before it is done."""
        working = asyncio.ensure_future(work)
        stopped = asyncio.ensure_future(self._stop.event.wait())
        await asyncio.wait([working, stopped], return_when=asyncio.FIRST_COMPLETED)
        done = working.done()
        for task in (working, stopped):
            task.cancel()
        await asyncio.gather(working, stopped, return_exceptions=True)
        if done:
            working.result()
        return done

    @contextlib.asynccontextmanager
    async def _operators(self) -> AsyncIterator[None]:
        """Requests are heard."""
        listening = asyncio.create_task(self._operating.listen(), name="requests")
        try:
            yield
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)

    @contextlib.asynccontextmanager
    async def _signals(self) -> AsyncIterator[None]:
        """SIGINT and SIGTERM ask to stop, SIGUSR1 and SIGUSR2 to wait; taken back afterwards.

        The latter two are ignored then: by default they would end a run that is being judged.
        """
        loop = asyncio.get_running_loop()
        handlers = {signal.SIGINT: self._signalled, signal.SIGTERM: self._signalled}
        handlers |= dict.fromkeys(TOGGLES, self._operating.toggle)
        before = {sign: signal.getsignal(sign) for sign in handlers}
        for sign, handler in handlers.items():
            loop.add_signal_handler(sign, handler, sign)
        try:
            yield
        finally:
            for sign, former in before.items():
                loop.remove_signal_handler(sign)
                late = sign in TOGGLES and former is signal.SIG_DFL
                signal.signal(sign, signal.SIG_IGN if late else former)

    def _signalled(self, sign: signal.Signals) -> None:
        count = self._stop.signal(sign.name)
        self._write(events.Signalled(t=self._clock.now(), name=sign.name, count=count))
