"""A look at the target before an experiment: started, read and stopped, nothing injected."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from chaosmem import metrics, units
from chaosmem.clock import RunClock, new_run_id
from chaosmem.drivers.agent import Info
from chaosmem.drivers.http import CAPTURE_LIMIT, Http
from chaosmem.drivers.sources import Source
from chaosmem.errors import ChaosmemError, ProbeFailed
from chaosmem.faults import holder
from chaosmem.run.job import Job
from chaosmem.run.local import Ground
from chaosmem.run.supply import local_target
from chaosmem.run.target import Use
from chaosmem.run.undo import Ledger
from chaosmem.run.wires import find_agent, sources
from chaosmem.spec.faults import GoroutinesFault, HeapFault
from chaosmem.spec.model import Experiment

_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Ailment:
    """One thing examined: what was found, and how to mend it where it is not well.

    `needed` false: a run does without it, so it is told and does not count.
    """

    what: str
    well: bool
    found: str
    mend: str = ""
    needed: bool = True

    @classmethod
    def of(cls, what: str, problem: ChaosmemError, *, needed: bool = True) -> Ailment:
        """What an error says."""
        return cls(what, well=False, found=str(problem), mend=problem.hint, needed=needed)


@dataclass(frozen=True, slots=True)
class Section:
    """Things that are examined together, under a heading (empty: none)."""

    heading: str
    findings: Awaitable[Sequence[Ailment]]


class Spoken(Protocol):
    """A target that can be spoken to."""

    @property
    def token(self) -> str:
        """The agent's token."""
        ...

    def http(self, use: Use, *, keep: bool) -> Http:
        """Connections to one of its sides; the caller closes them."""
        ...


async def diagnose(job: Job, scratch: Path, clock: RunClock) -> list[Ailment]:
    """Start (or attach to) the target, look at everything the experiment needs, stop it."""
    ground = Ground(job.experiment.target, "doctor", new_run_id(), clock, lambda *_: None)
    target = local_target(job, job.experiment.arms[0], ground, scratch / "target.log")
    ledger = Ledger(lambda _: None, lambda _: None, clock)
    try:
        await target.start(ledger)
        found = [Ailment("target", well=True, found=f"ready at {target.url}")]
        return found + await examine(job.experiment, target)
    except ChaosmemError as problem:
        return [Ailment.of("target", problem)]
    finally:
        await target.stop(ledger)


async def examine(experiment: Experiment, target: Spoken) -> list[Ailment]:
    """The agent, the runtime's settings, the sources of samples, pprof."""
    agents, scrapes, profiles = (target.http(u, keep=False) for u in ("agent", "metrics", "pprof"))
    async with agents, scrapes, profiles:
        agent, info, why = await find_agent(experiment, agents, target.token, "doctor")
        found = [_agent(experiment, info, why)]
        if info is not None:
            found += [_limits(info), *_points(experiment, info)]
        every = sources(experiment, scrapes, profiles, agent)
        found += _enough(experiment, every, [await _source(s) for s in every])
        if experiment.target.pprof:
            found.append(await _heap_profile(profiles, experiment.target.pprof.path))
        return found


def _agent(experiment: Experiment, info: Info | None, why: str) -> Ailment:
    needed = any(holder(f) == "agent" for f in experiment.faults)
    if info is not None:
        return Ailment("agent", well=True, found=f"version {info.agent}, {info.go}")
    return Ailment(
        "agent",
        well=False,
        needed=needed,
        found=why + (" (a fault needs it)" if needed else " (no fault needs it)"),
        mend="mount chaosmem/agent and set CHAOSMEM_AGENT_TOKEN: docs/agent-protocol.md",
    )


def _limits(info: Info) -> Ailment:
    gogc = "off" if info.gogc < 0 else str(info.gogc)
    limit = "none" if info.gomemlimit >= 2**62 else units.human_bytes(info.gomemlimit)
    rate = info.memprofilerate
    return Ailment(
        "go runtime",
        well=rate > 0,
        found=f"GOGC={gogc}, GOMEMLIMIT {limit}, GOMAXPROCS={info.gomaxprocs}, "
        f"MemProfileRate={rate}" + ("" if rate else ": heap profiles will be empty"),
        mend="set runtime.MemProfileRate above 0 and keep a use of pprof.Lookup in the program",
    )


def _points(experiment: Experiment, info: Info) -> list[Ailment]:
    wanted = [(f.at, info.heap_points) for f in experiment.faults if isinstance(f, HeapFault)]
    wanted += [
        (f.at, info.goroutine_points) for f in experiment.faults if isinstance(f, GoroutinesFault)
    ]
    return [
        Ailment(
            "injection point",
            well=at in known,
            found=at if at in known else f"{at} is not registered; known: {', '.join(known)}",
            mend="register it in the target with agent.HeapPoint or agent.GoroutinePoint",
        )
        for at, known in wanted
        if at
    ]


def _enough(experiment: Experiment, every: Sequence[Source], said: list[Ailment]) -> list[Ailment]:
    """Only the wanted source is needed; with `auto` one that answers is enough."""
    wanted = experiment.sampling.source
    if wanted == "auto":
        return [replace(a, needed=False) for a in said] if any(a.well for a in said) else said
    return [replace(a, needed=s.name == wanted) for s, a in zip(every, said, strict=True)]


async def _source(source: Source) -> Ailment:
    what = f"samples from {source.name}"
    try:
        reading = await source.read(timeout=_SECONDS)
    except ProbeFailed as problem:
        return Ailment.of(what, problem)
    count = reading.values.get(metrics.GOROUTINES.name, 0.0)
    return Ailment(
        what,
        well=True,
        found=f"{len(reading.values)} metrics, {count:.0f} goroutines, "
        f"± {units.human_seconds(reading.u)}",
    )


async def _heap_profile(http: Http, path: str) -> Ailment:
    try:
        answer = await http.get(f"{path.rstrip('/')}/heap", timeout=_SECONDS, limit=CAPTURE_LIMIT)
    except ProbeFailed as problem:
        return Ailment(
            "pprof", well=False, found=str(problem), mend='import _ "net/http/pprof" and serve it'
        )
    return Ailment(
        "pprof", well=True, found=f"heap profile of {units.human_bytes(len(answer.body))}"
    )
