"""`run`: from a spec to a verdict, and what people see meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import typer

from chaosmem import rundir, spec
from chaosmem.cli.control import Game
from chaosmem.cli.planning import plan_lines, tell_rehearsal
from chaosmem.cli.secrets import refuse_missing
from chaosmem.errors import Exit, UsageError
from chaosmem.run import resolve
from chaosmem.run.job import Job
from chaosmem.rundir import RunDir

if TYPE_CHECKING:
    from chaosmem.cli.scraping import LiveRun
    from chaosmem.notify.bell import Bell
    from chaosmem.notify.channels import Ready

Progress = Literal["auto", "live", "plain", "none"]
_ALONE = Game()


@dataclass(frozen=True, slots=True)
class Wish:
    """How the user wants to see the run and its result."""

    progress: Progress = "auto"
    events: Literal["none", "jsonl"] = "none"
    output: str = "text"
    junit: Path | None = None
    markdown: Path | None = None
    metrics_port: str | None = None
    """[ADDRESS:]PORT on which Prometheus finds the run."""
    metrics_linger: str = "0s"
    """How long a scrape of the verdict is waited for."""
    run_id: str = ""
    """The run's id, where somebody has written it down already; empty: a fresh one."""
    relative_to: Path | None = None
    """Directory that the spec's paths are relative to; None: the spec's own."""
    game: Game = _ALONE
    """Whether somebody plays along."""
    notify: Path | None = None
    """A file of channels that are told besides those of the spec."""


def run_experiment(path: Path, base: Path, wish: Wish, *, dry_run: bool) -> int:
    """Run a spec; the exit code."""
    wish.game.demand_terminal(wish.progress, wish.events)
    loaded = spec.load(path)
    for warning in loaded.warnings:
        _say(f"warning: {warning}")
    channels = refuse_missing(loaded, str(path), wish.notify)
    job = resolve.job(loaded, wish.relative_to or path.resolve().parent, _say, load_engine)
    if dry_run:
        typer.echo("\n".join(plan_lines(job.plan)))
        allowed = tell_rehearsal(loaded)
        typer.echo("\ndry run: nothing was touched")
        return Exit.PASS if allowed else Exit.INCONCLUSIVE
    with told(channels, job) as bell, _scraped(wish) as scraped:
        found, skip_rest = execute(job, base, wish, bell, scraped)
        if skip_rest:
            _say(f"not verified; `chaosmem verify {found.run_id}` gives the verdict")
            return Exit.ABORTED
        return _judge(found, wish, bell)


@contextlib.contextmanager
def told(channels: tuple[Ready, ...], job: Job) -> Iterator[Bell | None]:
    """What tells the channels of a run, heard to its end; None: nobody is to be told."""
    if not channels:
        yield None
        return
    from chaosmem.notify.bell import Bell  # noqa: PLC0415 - only where somebody is told

    bell = Bell(channels, job.experiment.metadata.labels, _say)
    with bell.heard():
        yield bell


def _scraped(wish: Wish) -> contextlib.AbstractContextManager[LiveRun | None]:
    """The endpoint that was asked for."""
    if wish.metrics_port is None:
        return contextlib.nullcontext()
    from chaosmem.cli import scraping  # noqa: PLC0415 - only where somebody scrapes

    return scraping.endpoint(wish.metrics_port, wish.metrics_linger, _say)


def execute(
    job: Job, base: Path, wish: Wish, bell: Bell | None = None, scraped: LiveRun | None = None
) -> tuple[RunDir, bool]:
    """The run itself: its directory, and whether the operator wants no more."""
    from chaosmem.cli.watching import watcher  # noqa: PLC0415 - after its import elsewhere
    from chaosmem.clock import new_run_id  # noqa: PLC0415
    from chaosmem.run import engine, supply  # noqa: PLC0415
    from chaosmem.run.manner import Manner  # noqa: PLC0415

    manner = Manner(steps=wish.game.steps, max_hold=wish.game.max_hold)
    manner.longest(job.plan)  # refused before there is a run directory

    found = rundir.create(base, job.plan.experiment, wish.run_id or new_run_id())
    engine.prepare(job, found)
    supply.load(job)  # the rehearsal's thread is the only one that imports from here on
    rehearsal = threading.Thread(target=_rehearse, args=(found,), daemon=True)
    rehearsal.start()
    playing = manner if wish.game.interactive else None
    with watcher(job.plan, found, wish.progress, wish.events, playing) as shown:
        observer = bell.watching(shown, job.plan, found) if bell else shown
        observer = scraped.watching(observer, job.plan, found) if scraped else observer
        ended = asyncio.run(engine.execute(job, found, observer, manner))
    return found, ended.skip_rest


def load_engine() -> None:
    """0.5 s of imports while the Go toolchain builds; whoever needs it imports it again.

    Here, and not on a thread: where one thread imports `package.part` while another imports
    `package`, which needs that part, CPython breaks the deadlock by handing out a half-imported
    module (cpython#83065), and the run ends in an ImportError.
    """
    from chaosmem.run import engine  # noqa: F401, PLC0415 - see above


def _say(text: str) -> None:
    typer.echo(f"chaosmem: {text}", err=True)


def _rehearse(found: RunDir) -> None:
    """Judge and report the run as far as it is, while its first phases pass, and keep nothing.

    So numpy, the templates and rich are there when the run ends: 0.3 s that nobody waits for.
    What fails here (there is hardly any evidence yet) is of no account.
    """
    with contextlib.suppress(Exception):
        from chaosmem.cli import looking  # noqa: PLC0415

        seen, verdict = looking.judged(found)
        for output in ("text", "html"):
            looking.render(output, seen, verdict)


def _judge(found: RunDir, wish: Wish, bell: Bell | None) -> int:
    from chaosmem.cli import looking  # noqa: PLC0415

    seen, verdict = looking.judged(found)
    looking.keep_verdict(found, verdict)
    if bell:
        bell.verdict(seen, verdict)
    for output, place in (("junit", wish.junit), ("markdown", wish.markdown)):
        if place is not None:
            _write(place, looking.render(output, seen, verdict))
    sys.stderr.flush()
    looking.emit(looking.render(wish.output, seen, verdict, str(found.root)))
    looking.keep_report(found, seen, verdict)
    _say(f"report {found.path('report.html')}")
    return verdict.exit_code


def _write(place: Path, data: bytes) -> None:
    try:
        place.write_bytes(data)
    except OSError as problem:
        raise UsageError(f"cannot write {place}: {problem.strerror}") from problem
