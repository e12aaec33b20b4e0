"""One trial: the phases, the faults in them, and everything taken back at the end.

The phases run as one task beside the sampler. Whatever ends first (the phases, a
wish to stop, the target) the undo comes after it, while the sampler still watches.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Any

from chaosmem import metrics
from chaosmem.drivers.load import Result
from chaosmem.drivers.sources import Reading
from chaosmem.faults import Scene
from chaosmem.plan.model import PlannedCapture, PlannedTrial
from chaosmem.run import captures
from chaosmem.run.board import Board
from chaosmem.run.guards import Seen, tripped
from chaosmem.run.promwatch import PromGuard
from chaosmem.run.recorder import Recorder
from chaosmem.run.sampler import Sampler
from chaosmem.run.stage import Stage
from chaosmem.run.steps import Step, phase_step
from chaosmem.run.stop import Cause
from chaosmem.run.target import TargetHandle
from chaosmem.run.wires import Wires, wired
from chaosmem.rundir import events
from chaosmem.spec.base import Phase

_HISTOGRAM_MOMENTS = {
    Phase.BASELINE: "baseline.end",
    Phase.HOLD: "hold.end",
    Phase.RECOVER: "recover.end",
}
_VERSIONS = ("vcs.revision", "vcs.time", "vcs.modified")
"""Of the build settings: what the service was built from."""
_SILENT_SECONDS, _SILENT_SAMPLES = 2.0, 3.0
"""A target that answered no sample for so long (the longer of both) is not asked for a profile:
each would wait 15 s in vain."""


class Trial:
    """One pass through the phases."""

    def __init__(self, stage: Stage, planned: PlannedTrial, target: TargetHandle) -> None:
        self._stage, self._target = stage, target
        self._planned, self._operating = planned, stage.operating
        self._clock = stage.clock
        self._recorder = Recorder(stage.rundir.path(f"series/{planned.key}"))
        self._seen = Seen()
        self._cycles = 0.0
        self.key = planned.key
        self.complete = False

    async def run(self) -> None:
        """The whole trial on a target that is ready; everything is undone, or listed as open."""
        experiment, rundir = self._stage.experiment, self._stage.rundir
        try:
            async with wired(experiment, self._target, rundir.run_id) as wires:
                self._introduce(wires)
                await self._watched(wires, self._board(wires))
        finally:
            self._operating.trial_ends(self.key)
            self._recorder.close()

    def _introduce(self, wires: Wires) -> None:
        if wires.info is None:
            text = f"no agent in the target: {wires.no_agent}"
            self._stage.write(events.Noted(t=self._clock.now(), trial=self.key, text=text))
            return
        said = wires.info.model_dump(exclude={"build_settings", "limits"})
        facts = {k: _words(v) for k, v in said.items() if v not in ("", (), None)}
        facts |= {k: v for k, v in wires.info.build_settings.items() if k in _VERSIONS}
        self._stage.write(events.TargetFacts(t=self._clock.now(), trial=self.key, facts=facts))

    def _board(self, wires: Wires) -> Board:
        target = self._target
        scene = Scene(
            clock=self._clock,
            url=target.url,
            agent=wires.agent,
            restart=target.restart,
            environment=target.environment,
            on_request=self._on_request,
            seed=self._stage.experiment.seed,
            inject_seconds=self._stage.experiment.phases.inject,
            pod=target.pod_scene(),
            pid=lambda: target.pid,
        )
        return Board(self._stage, self.key, scene, holders=target.holders(), gone=target.gone)

    async def _watched(self, wires: Wires, board: Board) -> None:
        """Phases, then undo, with the sampler beside both; one last sample after all."""
        sampler = self._sampler(wires)
        loops = [asyncio.create_task(sampler.run(), name="sampler")]
        prometheus = PromGuard(self._stage.experiment, self._target.name)
        self._seen.promql = prometheus.values
        if prometheus.wanted:
            loops.append(asyncio.create_task(prometheus.run(), name="promql guards"))
        try:
            await self._raced(self._phases(wires, board), loops)
        finally:
            await board.undo_all()
            await _cancel(loops)
        if self.complete:
            await sampler.once()

    def _sampler(self, wires: Wires) -> Sampler:
        sampling = self._stage.experiment.sampling
        return Sampler(
            wires.source,
            self._recorder,
            self._seen,
            self._clock,
            rate=sampling.rate,
            timeout=sampling.timeout,
            pid=lambda: self._target.pid,
            on_reading=self._on_reading,
            on_trouble=self._on_trouble,
            beside=self._target.beside(),
        )

    async def _raced(self, work: Awaitable[None], loops: Sequence[asyncio.Task[None]]) -> None:
        """Run `work` until it ends, a stop is asked for, the target goes, or a loop breaks."""
        main = asyncio.ensure_future(work)
        ends: list[asyncio.Future[Any]] = [
            asyncio.ensure_future(self._stage.stop.event.wait()),
            asyncio.ensure_future(self._target.gone.wait()),
        ]
        try:
            await asyncio.wait([main, *ends, *loops], return_when=asyncio.FIRST_COMPLETED)
        finally:
            await _cancel([main, *ends])
        for task in (main, *loops):
            if task.done() and not task.cancelled():
                task.result()

    # --- phases

    async def _phases(self, wires: Wires, board: Board) -> None:
        ended: Phase | None = None
        for phase in Phase:
            await self._operating.before(self._step(phase), trial=self.key)
            if ended is not None:
                await board.end(ended)
            await self._target.settled(phase)
            await self._phase(phase, wires, board)
            ended = phase
        await board.end(Phase.RECOVER)
        self.complete = True

    def _step(self, phase: Phase) -> Step:
        return phase_step(self._stage.plan, self._planned, phase)

    async def _phase(self, phase: Phase, wires: Wires, board: Board) -> None:
        begin = self._clock.now()
        planned = begin + self._stage.experiment.phases.of(phase)
        self._stage.write(events.PhaseBegun(t=begin, trial=self.key, phase=phase))
        self._operating.phase_begins(self.key, phase, planned)
        await board.begin(phase)
        await self._captures_inside(phase, begin, wires)
        await self._operating.stay(self.key, phase, planned)
        if phase is Phase.INJECT:
            await board.prove()
        await self._captures_at_end(phase, wires)
        now = self._clock.now()
        self._stage.write(events.PhaseEnded(t=now, trial=self.key, phase=phase))

    async def _captures_inside(self, phase: Phase, begin: float, wires: Wires) -> None:
        planned = self._stage.plan.phase(phase)
        for capture in self._captures(phase, edge="start"):
            await self._clock.until(begin + capture.at - planned.start)
            await self._capture(capture, wires)

    async def _captures_at_end(self, phase: Phase, wires: Wires) -> None:
        for capture in self._captures(phase, edge="end"):
            await self._capture(capture, wires)
        moment = _HISTOGRAM_MOMENTS.get(phase)
        if moment is None or wires.agent is None:
            return
        taken = await captures.histograms(
            wires.agent, moment, rundir=self._stage.rundir, trial=self.key
        )
        if taken is not None:
            self._stage.write(taken)

    def _captures(self, phase: Phase, *, edge: str) -> list[PlannedCapture]:
        return [
            c
            for c in self._stage.plan.captures
            if c.moment.phase is phase and c.moment.edge == edge
        ]

    async def _capture(self, capture: PlannedCapture, wires: Wires) -> None:
        access = self._stage.experiment.target.pprof
        if access is None:
            return
        silent = self._clock.now() - self._seen.answered
        rate = self._stage.experiment.sampling.rate
        if silent > max(_SILENT_SECONDS, _SILENT_SAMPLES / rate):
            why = f"not asked for: the target has not answered for {silent:.1f} s"
            taken = captures.missed(capture, self.key, self._clock.now(), why)
        else:
            taken = await captures.take(
                capture,
                wires.profiles,
                access.path,
                rundir=self._stage.rundir,
                trial=self.key,
                clock=self._clock,
            )
        self._stage.write(taken)

    # --- what the loops report

    def _on_request(self, result: Result) -> None:
        self._recorder.request(result)
        self._seen.request(result)

    def _on_reading(self, reading: Reading) -> None:
        self._stage.observer.reading(reading)
        self._notice_restart(reading)
        self._guard()

    def _notice_restart(self, reading: Reading) -> None:
        """An attached target whose GC count went back is another process behind the same URL."""
        cycles = reading.values.get(metrics.GC_CYCLES.name, self._cycles)
        if cycles < self._cycles and not self._target.watches_itself:
            self._seen.restarts += 1
            self._stage.write(
                events.TargetChanged(
                    t=reading.t,
                    trial=self.key,
                    state="restarted",
                    detail=f"its GC count went back from {self._cycles:.0f} to {cycles:.0f}",
                )
            )
        self._cycles = cycles

    def _on_trouble(self, source: str, text: str, missed: int) -> None:
        now = self._clock.now()
        self._stage.write(
            events.ProbeTrouble(t=now, trial=self.key, source=source, text=text, missed=missed)
        )
        self._guard()

    def _guard(self) -> None:
        now = self._clock.now()
        found = tripped(self._stage.experiment.guards, self._seen, now)
        if found is None or self._stage.stop.event.is_set():
            return
        kind, words = found
        self._stage.write(events.GuardTripped(t=now, trial=self.key, guard=kind, text=words))
        self._stage.stop.ask(Cause.GUARD, f"guard {kind}: {words}")


def _words(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


async def _cancel(tasks: Sequence[asyncio.Future[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
