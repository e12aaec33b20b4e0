"""Finishing what a killed run left: its open promises, fulfilled by somebody else.

Works from the run directory alone, is idempotent, and says of each promise what became of it.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass

from chaosmem.clock import RunClock
from chaosmem.drivers import process
from chaosmem.drivers.agent import Agent
from chaosmem.drivers.http import Http
from chaosmem.errors import ChaosmemError, UndoIncomplete, UsageError
from chaosmem.run import byplugin
from chaosmem.run.owner import owner_of
from chaosmem.run.tokens import read_token
from chaosmem.run.undo import Promise, open_promises
from chaosmem.rundir import RunDir, events, layout
from chaosmem.rundir.events import ClusterUndo, FinishByPlugin, ReleaseAgent, StopMarked
from chaosmem.rundir.journal import Journal, JournalWriter, decode
from chaosmem.spec.target import AgentAccess


@dataclass(frozen=True, slots=True)
class Fulfilled:
    """One promise, and what is wrong with it if it could not be kept."""

    promise: Promise
    error: str = ""


def finish(rundir: RunDir) -> tuple[Fulfilled, ...]:
    """Fulfil every open promise of the run, newest first; UsageError while its owner runs."""
    journal = decode(rundir.read(layout.JOURNAL) if rundir.has(layout.JOURNAL) else b"")
    promises = open_promises(journal)
    if not promises:
        return ()
    _refuse_running(rundir, journal)
    return asyncio.run(_finish(rundir, _processes_first(promises)))


def _processes_first(promises: tuple[Promise, ...]) -> list[Promise]:
    """What acts inside an owned process ends with it, so the process is stopped first."""
    return sorted(promises, key=lambda p: not isinstance(p.undo, StopMarked))


def _refuse_running(rundir: RunDir, journal: Journal) -> None:
    owner = owner_of(journal)
    if owner is not None and owner != os.getpid():
        raise UsageError(
            f"run {rundir.run_id} is still going on (process {owner})",
            hint=f"stop it with: kill -INT {owner}",
        )


async def _finish(rundir: RunDir, promises: list[Promise]) -> tuple[Fulfilled, ...]:
    writer = JournalWriter(rundir.path(layout.JOURNAL))
    clock = RunClock.start()
    done: list[Fulfilled] = []
    stopped: set[str] = set()
    try:
        for promise in promises:
            error = await _fulfil(promise, clock, ended=promise.trial in stopped)
            if isinstance(promise.undo, StopMarked) and not error:
                stopped.add(promise.trial)
            done.append(Fulfilled(promise, error))
            writer.write(_entry(promise, error))
    finally:
        writer.close()
    return tuple(done)


def _entry(promise: Promise, error: str) -> events.AnyEntry:
    if error:
        return events.UndoFailed(t=0.0, trial=promise.trial, id=promise.id, error=error)
    return events.UndoDone(t=0.0, trial=promise.trial, id=promise.id, by="undo")


async def _fulfil(promise: Promise, clock: RunClock, *, ended: bool) -> str:
    match promise.undo:
        case StopMarked(run_id=run_id):
            left = process.stop_marked(run_id)
            return f"still running: pid {', '.join(map(str, left))}" if left else ""
        case ReleaseAgent() as release:
            return "" if ended else await _release(release, clock)
        case FinishByPlugin() as finished:
            return await _by_plugin(finished)
        case _ as undo:
            return await _in_cluster(undo, clock)


async def _by_plugin(undo: FinishByPlugin) -> str:
    try:
        await byplugin.fulfil(undo)
    except ChaosmemError as problem:
        return _with_hint(problem)
    return ""


async def _release(release: ReleaseAgent, clock: RunClock) -> str:
    access = AgentAccess(token_env=release.token_env, token_file=release.token_file or None)
    async with Http(release.url, clock, keep=False) as http:
        agent = Agent(http, path="", token=read_token(access), run_id=release.run_id)
        try:
            await agent.end()
        except ChaosmemError as problem:
            return f"{release.url}: {problem}"
    return ""


async def _in_cluster(undo: ClusterUndo, clock: RunClock) -> str:
    from chaosmem.drivers.kube.connect import Cluster  # noqa: PLC0415 - 0.4 s
    from chaosmem.run import clusterundo  # noqa: PLC0415

    try:
        async with Cluster.open(context=undo.context or None) as cluster:
            await clusterundo.fulfil(cluster, undo, clock)
    except ChaosmemError as problem:
        return _with_hint(problem)
    return ""


def _with_hint(problem: ChaosmemError) -> str:
    return f"{problem}" + (f" ({problem.hint})" if problem.hint else "")


def raise_if_open(done: tuple[Fulfilled, ...]) -> None:
    """UndoIncomplete that names what is still changed."""
    left = [f"{f.promise.id} ({f.promise.what}): {f.error}" for f in done if f.error]
    if left:
        raise UndoIncomplete(
            "still not undone:\n  " + "\n  ".join(left),
            hint="the agent lets go by itself when its lease ends; then run this again",
        )
