"""`chaosmem scheduled`: a run that nobody watches, from clearing up before it to keeping it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from chaosmem.errors import ChaosmemError, Exit

if TYPE_CHECKING:
    from chaosmem.rundir import RunDir


Keep: TypeAlias = "Callable[[RunDir, str], None]"


def add(app: typer.Typer) -> None:
    """Make this command part of `app`."""
    app.command(epilog="Example: chaosmem scheduled memory-80.yaml --archive s3://chaos/months")(
        scheduled
    )


@dataclass(frozen=True, slots=True)
class Order:
    """What is run, and where it is kept; an empty place is none."""

    spec: Path
    runs: Path
    db: str
    archive: str


def scheduled(
    spec: Annotated[Path, typer.Argument(help="The experiment, a YAML file.", show_default=False)],
    runs_dir: Annotated[
        Path, typer.Option("--runs-dir", envvar="CHAOSMEM_RUNS", help="Where runs are kept.")
    ] = Path("runs"),
    *,
    db: Annotated[
        str, typer.Option(envvar="CHAOSMEM_DB", help="Also import it into this history.")
    ] = "",
    archive: Annotated[
        str, typer.Option(envvar="CHAOSMEM_ARCHIVE", help="Also store it here: s3://BUCKET/PREFIX.")
    ] = "",
) -> None:
    """Run an experiment unattended: sweep what dead runs left, run, keep; exits as `run` does.

    A run that could not be kept exits 3 where its verdict alone would exit 0. Stopped by SIGTERM it
    undoes, judges and keeps what there is.
    """
    sys.exit(_whole(Order(spec, runs_dir, db, archive)))


def _whole(order: Order) -> int:
    from chaosmem.cli.running import Wish, run_experiment  # noqa: PLC0415 - loaded when used
    from chaosmem.clock import new_run_id  # noqa: PLC0415

    _sweep(order.spec)
    wish = Wish(progress="plain", run_id=new_run_id())
    kept = False
    try:
        code = run_experiment(order.spec, order.runs, wish, dry_run=False)
    finally:  # a run whose undo is incomplete has the more reason to be kept
        kept = _keep(order, wish.run_id)
    return code if kept or code != Exit.PASS else Exit.INCONCLUSIVE


def _sweep(spec: Path) -> None:
    """A run that was killed holds its target's lock until somebody sweeps: nobody else will."""
    from chaosmem import spec as specs  # noqa: PLC0415
    from chaosmem.cli.undoing import sweep_cluster  # noqa: PLC0415

    pods = specs.load(spec).experiment.target.kubernetes
    if pods is not None:
        sweep_cluster(pods.control_namespace, pods.context, dry_run=False)


def _keep(order: Order, run_id: str) -> bool:
    """Whether it is in every place that was named; what failed is said."""
    from chaosmem import rundir  # noqa: PLC0415

    found = next((r for r in rundir.runs(order.runs) if r.run_id == run_id), None)
    if found is None:  # refused before it began
        return True
    places: dict[str, Keep] = {
        order.db: _import,
        order.archive: _store,
    }
    failed = [p for p, keep in places.items() if p and not _done(keep, found, p)]
    return not failed


def _done(keep: Keep, found: RunDir, place: str) -> bool:
    try:
        keep(found, place)
    except ChaosmemError as problem:
        typer.echo(f"chaosmem: not kept: {problem}", err=True)
        if problem.hint:
            typer.echo(f"  hint: {problem.hint}", err=True)
        return False
    return True


def _import(found: RunDir, db: str) -> None:
    from chaosmem.cli.history_options import opened, stamp_now  # noqa: PLC0415
    from chaosmem.history import reading, store  # noqa: PLC0415

    with opened(db, create=True) as history:
        done = store.put(history, reading.read(found), stamp_now())
    typer.echo(f"chaosmem: {done} in the history", err=True)


def _store(found: RunDir, url: str) -> None:
    from chaosmem.drivers import archive  # noqa: PLC0415
    from chaosmem.drivers.objectstore import Store  # noqa: PLC0415

    typer.echo(f"chaosmem: {archive.put(Store(url), found)} files stored at {url}", err=True)
