"""Connections to one target, and the choice of where its samples come from."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from chaosmem.drivers.agent import Agent, Info
from chaosmem.drivers.http import Http
from chaosmem.drivers.sources import AgentSource, MetricsSource, PprofSource, Source, choose
from chaosmem.errors import ProbeFailed, TargetError
from chaosmem.run.target import TargetHandle, Use
from chaosmem.spec.model import Experiment

_CHOOSE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Wires:
    """Clients of one target.

    What samples and acts stays open, so that its goroutines are in the baseline too;
    `profiles` closes its connection after each use.
    """

    profiles: Http
    agent: Agent | None
    info: Info | None
    no_agent: str
    source: Source


@contextlib.asynccontextmanager
async def wired(experiment: Experiment, target: TargetHandle, run_id: str) -> AsyncIterator[Wires]:
    """Connect; TargetError where nothing of the target can be measured."""
    sides: dict[Use, Http] = {
        use: target.http(use, keep=True) for use in ("agent", "metrics", "pprof")
    }
    profiles = target.http("pprof", keep=False)
    try:
        agent, info, why = await find_agent(experiment, sides["agent"], target.token, run_id)
        source = await choose(_candidates(experiment, sides, agent), timeout=_CHOOSE_SECONDS)
        yield Wires(profiles, agent, info, why, source)
    finally:
        for http in (*sides.values(), profiles):
            await http.close()


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


def _candidates(
    experiment: Experiment, sides: dict[Use, Http], agent: Agent | None
) -> list[Source]:
    wanted = experiment.sampling.source
    found = sources(experiment, sides["metrics"], sides["pprof"], agent)
    chosen = [s for s in found if wanted in ("auto", s.name)]
    if not chosen:
        raise TargetError(
            f"sampling.source is {wanted}, but the target has none of it",
            hint="declare it under `target`, or write `source: auto`",
        )
    return chosen


def sources(
    experiment: Experiment, metrics: Http, pprof: Http, agent: Agent | None
) -> list[Source]:
    """Every declared source, the best first."""
    target = experiment.target
    found: list[Source] = [AgentSource(agent)] if agent is not None else []
    if target.metrics is not None:
        found.append(MetricsSource(metrics, target.metrics.path))
    if target.pprof is not None:
        found.append(PprofSource(pprof, target.pprof.path))
    return found
