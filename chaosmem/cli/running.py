"""`run`: from a spec to a verdict, and what people see meanwhile."""

from __future__ import annotations

import asyncio
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import typer

from chaosmem import run, rundir, spec
from chaosmem.cli.planning import plan_lines
from chaosmem.cli.watching import watcher
from chaosmem.clock import new_run_id
from chaosmem.errors import Exit, UsageError
from chaosmem.run import resolve
from chaosmem.rundir import RunDir

Progress = Literal["auto", "live", "plain", "none"]


@dataclass(frozen=True, slots=True)
class Wish:
    """How the user wants to see the run and its result."""

    progress: Progress = "auto"
    events: Literal["none", "jsonl"] = "none"
    output: str = "text"
    junit: Path | None = None
    markdown: Path | None = None


def run_experiment(path: Path, base: Path, wish: Wish, *, dry_run: bool) -> int:
    """Run a spec; the exit code."""
    loaded = spec.load(path)
    for warning in loaded.warnings:
        _say(f"warning: {warning}")
    job = resolve.job(loaded, path.resolve().parent, _say)
    if dry_run:
        typer.echo("\n".join([*plan_lines(job.plan), "", "dry run: nothing was touched"]))
        return Exit.PASS
    found = rundir.create(base, job.plan.experiment, new_run_id())
    run.prepare(job, found)
    threading.Thread(target=_preload, daemon=True).start()
    with watcher(job.plan, found, wish.progress, wish.events) as observer:
        ended = asyncio.run(run.execute(job, found, observer))
    if ended.skip_rest:
        _say(f"not verified; `chaosmem verify {found.run_id}` gives the verdict")
        return Exit.ABORTED
    return _judge(found, wish)


def _say(text: str) -> None:
    typer.echo(f"chaosmem: {text}", err=True)


def _preload() -> None:
    """Import what the end of the run needs while the phases pass."""
    import chaosmem.cli.looking  # noqa: F401, PLC0415


def _judge(found: RunDir, wish: Wish) -> int:
    from chaosmem.cli import looking  # noqa: PLC0415

    seen, verdict = looking.judged(found)
    looking.keep(found, seen, verdict)
    for output, place in (("junit", wish.junit), ("markdown", wish.markdown)):
        if place is not None:
            _write(place, looking.render(output, seen, verdict))
    sys.stderr.flush()
    looking.emit(looking.render(wish.output, seen, verdict))
    _say(f"report {found.path('report.html')}")
    return verdict.exit_code


def _write(place: Path, data: bytes) -> None:
    try:
        place.write_bytes(data)
    except OSError as problem:
        raise UsageError(f"cannot write {place}: {problem.strerror}") from problem
