"""`history` and `trend`: runs over months. What each needs is imported when it runs."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer

from chaosmem.cli.history_options import (
    RUNS,
    Db,
    Experiment,
    Image,
    Json,
    RunsDir,
    Since,
    Spec,
    Target,
    Until,
    Version,
    now,
    opened,
    print_json,
    print_lines,
    stamp_now,
    wanted,
)
from chaosmem.errors import ChaosmemError, UsageError

history = typer.Typer(
    name="history",
    help="Runs over months, in a database: import, list, show, prune.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Example: chaosmem history import --all runs",
)
trends = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@history.command("import", epilog="Example: chaosmem history import runs/cart/latest")
def import_(
    run: Annotated[list[str] | None, typer.Argument(help="Run directories, ids, `latest`.")] = None,
    every: Annotated[Path | None, typer.Option("--all", help="Every run below here.")] = None,
    fact: Annotated[
        list[str] | None, typer.Option("--fact", help="Add a fact: `version=1.4.2`.")
    ] = None,
    runs_dir: RunsDir = RUNS,
    db: Db = "",
    *,
    anew: Annotated[
        bool, typer.Option("--anew", help="Judge again; do not read verdict.json.")
    ] = False,
) -> None:
    """Take runs into the history; again is safe, and updates what has changed."""
    from chaosmem import rundir  # noqa: PLC0415
    from chaosmem.history import reading, store  # noqa: PLC0415

    said = _facts(fact or [])
    found = [rundir.find(runs_dir, name) for name in run or ()]
    found += list(rundir.runs(every)) if every is not None else []
    if not found:
        raise UsageError("no run to import", hint="give run directories, or --all DIR")
    problems: list[ChaosmemError] = []
    with opened(db, create=True) as open_history:
        for one in found:
            try:
                row = reading.read(one, said, anew=anew)
                typer.echo(
                    f"{store.put(open_history, row, stamp_now()):<10} {row.run_id} {row.outcome}"
                )
            except ChaosmemError as problem:
                typer.echo(f"{'refused':<10} {one.root}: {problem}", err=True)
                problems.append(problem)
    if problems:
        sys.exit(problems[0].exit_code)


def _facts(said: Sequence[str]) -> dict[str, str]:
    pairs = [text.partition("=") for text in said]
    for name, equals, _ in pairs:
        if not name or not equals:
            raise UsageError(f"--fact {name!r} is no NAME=VALUE", hint="--fact version=1.4.2")
    return {name: value for name, _, value in pairs}


@history.command("list", epilog="Example: chaosmem history list --experiment cart --since 90d")
def list_(
    *,
    experiment: Experiment = "",
    since: Since = "",
    until: Until = "",
    outcome: Annotated[
        Literal["", "PASS", "FAIL", "INCONCLUSIVE"], typer.Option(case_sensitive=False)
    ] = "",
    target: Target = "",
    version: Version = "",
    image: Image = "",
    spec: Spec = "",
    limit: Annotated[int, typer.Option(min=0, help="At most the newest so many; 0: all.")] = 50,
    db: Db = "",
    as_json: Json = False,
) -> None:
    """List runs, newest last."""
    from chaosmem.history import queries, text  # noqa: PLC0415

    asked = wanted(
        since, until, experiment=experiment, outcome=outcome, target=target, version=version,
        image=image, spec=spec, newest=limit or None,
    )  # fmt: skip
    with opened(db) as open_history:
        found = queries.listed(open_history, asked)
    if as_json:
        print_json([asdict(row) for row in found.rows])
    else:
        print_lines(text.rows(found.rows))
    if len(found.rows) < found.total:
        left = f"the newest {len(found.rows)} of {found.total} runs; --limit 0 lists all"
        typer.echo(left, err=True)
    elif not found.rows:
        typer.echo("no such run in the history", err=True)


@history.command("show", epilog="Example: chaosmem history show latest")
def show(run: Annotated[str, typer.Argument()], db: Db = "", *, as_json: Json = False) -> None:
    """Show a run as the history has it."""
    from chaosmem.history import queries, text  # noqa: PLC0415

    with opened(db) as open_history:
        (found,) = queries.load(open_history, [queries.find(open_history, run)])
    if as_json:
        print_json(asdict(found) | {"spec": json.loads(found.spec)})
    else:
        print_lines(text.run(found))


@history.command("prune", epilog="Example: chaosmem history prune --older-than 400d --dry-run")
def prune(
    keep: Annotated[
        int | None, typer.Option(min=0, help="Each experiment's newest so many stay.")
    ] = None,
    older_than: Annotated[str, typer.Option(help="What is younger stays: `400d`.")] = "",
    db: Db = "",
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
) -> None:
    """Forget old runs; never those of a baseline. Run directories are not touched."""
    from chaosmem.history import store  # noqa: PLC0415
    from chaosmem.history.times import age, stamp  # noqa: PLC0415

    before = stamp(now() - age(older_than)) if older_than else ""
    with opened(db) as open_history:
        done = store.prune(open_history, keep=keep, before=before, dry_run=dry_run)
    print_lines(f"{'would go' if dry_run else 'gone'}  {run_id}" for run_id in done.gone)
    print_lines(f"stays, a baseline uses it  {run_id}" for run_id in done.protected)


@trends.command(epilog="Example: chaosmem trend goroutine-recovery")
def trend(
    check: Annotated[str, typer.Argument(help="A check's name or kind.")],
    *,
    experiment: Experiment = "",
    since: Since = "",
    until: Until = "",
    arm: Annotated[str, typer.Option(help="Only this arm.")] = "",
    target: Target = "",
    spec: Spec = "",
    db: Db = "",
    across_specs: Annotated[
        bool, typer.Option("--across-specs", help="Runs of every spec in one line.")
    ] = False,
    every: Annotated[bool, typer.Option("--all", help="Show every point.")] = False,
    gate: Annotated[bool, typer.Option("--gate", help="Exit 1, 3 as the trend says.")] = False,
    as_json: Json = False,
) -> None:
    """A check over the months: its level, its band, and since when it has shifted."""
    from chaosmem.history import overview  # noqa: PLC0415

    asked = wanted(since, until, experiment=experiment, target=target, spec=spec)
    with opened(db) as open_history:
        found = overview.look(open_history, check, asked, arm=arm, across_specs=across_specs)
    if as_json:
        print_json(overview.as_json(found))
    else:
        print_lines(overview.lines(found, every=every))
    if gate:
        sys.exit(overview.exit_code(found))
