"""`undo` and `sweep`."""

from __future__ import annotations

import asyncio
from pathlib import Path

import typer

from chaosmem import rundir
from chaosmem.errors import UndoIncomplete
from chaosmem.run import finish


def undo_run(base: Path, name: str) -> None:
    """Fulfil the run's open promises and say of each what became of it."""
    found = rundir.find(base, name)
    done = finish.finish(found)
    if not done:
        typer.echo(f"{found.run_id}: nothing is left to undo")
        return
    for item in done:
        mark = f"not undone: {item.error}" if item.error else "undone"
        typer.echo(f"{item.promise.id}: {item.promise.what}: {mark}")
    finish.raise_if_open(done)


def sweep_cluster(namespace: str, context: str | None, *, dry_run: bool) -> None:
    """Finish what dead runs left in a cluster; UndoIncomplete names what could not be."""
    from chaosmem.run.sweep import sweep  # noqa: PLC0415 - 0.4 s that `undo` saves

    def say(text: str) -> None:
        typer.echo(f"chaosmem: {text}", err=True)

    found = asyncio.run(sweep(namespace, context, say, dry_run=dry_run))
    if not found:
        typer.echo(f"no run has left a record in namespace {namespace}")
    for run in found:
        state = "still going on, left alone" if run.alive else "dead"
        typer.echo(f"{run.run_id} ({run.experiment}, {run.holder}): {state}")
        for words in run.done:
            typer.echo(f"  undone: {words}")
        for words in run.left:
            typer.echo(f"  left: {words}")
    left = [words for run in found for words in run.left]
    if left and not dry_run:
        raise UndoIncomplete("still not undone:\n  " + "\n  ".join(left))
