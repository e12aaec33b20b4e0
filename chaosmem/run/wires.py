"""Connections to one target, and the choice of where its samples come from."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from chaosmem.clock import RunClock
from chaosmem.drivers.agent import Agent, Info
from chaosmem.drivers.http import Http
from chaosmem.drivers.sources import AgentSource, MetricsSource, PprofSource, Source, choose
from chaosmem.errors import ProbeFailed, TargetError
from chaosmem.spec.model import Experiment

_CHOOSE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Wires:
    """Two clients of one target.

    `kept` stays open for samples and acts, so that its goroutines are in the baseline too;
    `brief` closes its connection after each use.
    """

    kept: Http
    brief: Http
    agent: Agent | None
    info: Info | None
    no_agent: str
    source: Source


@contextlib.asynccontextmanager
async def wired(
    experiment: Experiment, url: str, token: str, run_id: str, *, clock: RunClock
) -> AsyncIterator[Wires]:
    """Connect; TargetError where nothing of the target can be measured."""
    kept = Http(url, clock)
    brief = Http(url, clock, keep=False)
    try:
        agent, info, why = await find_agent(experiment, kept, token, run_id)
        candidates = _candidates(experiment, kept, agent)
        source = await choose(candidates, timeout=_CHOOSE_SECONDS)
        yield Wires(kept, brief, agent, info, why, source)
    finally:
        await kept.close()
        await brief.close()


async def find_agent(
    experiment: Experiment, http: Http, token: str, run_id: str
) -> tuple[Agent | None, Info | None, str]:
    """The agent and what it says of itself, or why there is none."""
    access = experiment.target.agent
    if access is None:
        return None, None, "target.agent is null"
    agent = Agent(http, path=access.path, token=token, run_id=run_id)
    try:
        return agent, await agent.info(), ""
    except ProbeFailed as problem:
        return None, None, str(problem)


def _candidates(experiment: Experiment, http: Http, agent: Agent | None) -> list[Source]:
    target, wanted = experiment.target, experiment.sampling.source
    found: list[Source] = []
    if agent is not None:
        found.append(AgentSource(agent))
    if target.metrics is not None:
        found.append(MetricsSource(http, target.metrics.path))
    if target.pprof is not None:
        found.append(PprofSource(http, target.pprof.path))
    chosen = [s for s in found if wanted in ("auto", s.name)]
    if not chosen:
        raise TargetError(
            f"sampling.source is {wanted}, but the target has none of it",
            hint="declare it under `target`, or write `source: auto`",
        )
    return chosen
