"""`undo`."""

from __future__ import annotations

from pathlib import Path

import typer

from chaosmem import rundir
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
