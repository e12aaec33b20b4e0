"""`baseline`: approved sets of runs that others are held against."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chaosmem.cli.history_options import (
    RUNS,
    Db,
    Experiment,
    Json,
    RunsDir,
    opened,
    print_json,
    print_lines,
    stamp_now,
)
from chaosmem.errors import UsageError

if TYPE_CHECKING:
    from chaosmem.history.database import History
    from chaosmem.history.model import Run

baseline = typer.Typer(
    name="baseline",
    help="Approved sets of runs that others are held against.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Example: chaosmem baseline compare latest",
)

Name = Annotated[str, typer.Option("--name", help="Name of the baseline.")]
By = Annotated[str, typer.Option("--by", envvar="USER", help="Who does it.")]
Note = Annotated[str, typer.Option("--note", help="Why.")]


@baseline.command("record", epilog="Example: chaosmem baseline record latest --note 'after 1.4'")
def record(
    run: Annotated[list[str], typer.Argument(help="Runs: directories or ids.")],
    *,
    name: Name = "default",
    by: By = "",
    note: Note = "",
    runs_dir: RunsDir = RUNS,
    db: Db = "",
    fresh: Annotated[bool, typer.Option("--fresh", help="Without the earlier runs.")] = False,
) -> None:
    """Add runs to a baseline: a new revision, in force once it is approved."""
    from chaosmem.history import baselines, store, text  # noqa: PLC0415

    with opened(db, create=True) as open_history:
        found = [_run(open_history, one, runs_dir) for one in run]
        for one in found:
            store.put(open_history, one, stamp_now())
        act = baselines.Act(by or "unknown", stamp_now(), note)
        made = baselines.record(open_history, name, found, act, fresh=fresh)
    print_lines(text.baseline(made))


def _run(history: History, name: str, runs_dir: Path) -> Run:
    """The run from its directory where `name` is one, else from the history, else by its name."""
    from chaosmem import rundir  # noqa: PLC0415
    from chaosmem.history import queries, reading  # noqa: PLC0415

    if Path(name).is_dir():
        return reading.read(rundir.find(runs_dir, name))
    try:
        return queries.load(history, [queries.find(history, name)])[0]
    except UsageError as unknown:
        if "more than one" in str(unknown) or not runs_dir.is_dir():
            raise
        return reading.read(rundir.find(runs_dir, name))


@baseline.command("approve", epilog="Example: chaosmem baseline approve cart --by ann")
def approve(
    experiment: Annotated[str, typer.Argument(help="The experiment's name.")],
    name: Name = "default",
    by: By = "",
    note: Note = "",
    db: Db = "",
) -> None:
    """Approve a baseline's newest revision."""
    from chaosmem.history import baselines, text  # noqa: PLC0415

    if not by:
        raise UsageError("an approval needs a name", hint="give --by WHO")
    with opened(db) as open_history:
        done = baselines.approve(
            open_history, experiment, name, baselines.Act(by, stamp_now(), note)
        )
    print_lines(text.baseline(done))


@baseline.command("show", epilog="Example: chaosmem baseline show cart")
def show_baseline(
    experiment: Annotated[str, typer.Argument(help="The experiment's name.")],
    name: Name = "default",
    db: Db = "",
    *,
    as_json: Json = False,
) -> None:
    """Show the revision in force, and one that awaits approval."""
    from chaosmem.history import baselines, text  # noqa: PLC0415

    with opened(db) as open_history:
        found = baselines.revisions(open_history, experiment, name)
    chosen = [b for b in (baselines.in_force(found), found[-1] if found else None) if b]
    if not chosen:
        raise UsageError(f"there is no baseline {experiment}/{name}", hint="`baseline list`")
    if as_json:
        print_json([asdict(b) for b in dict.fromkeys(chosen)])
    else:
        print_lines(line for b in dict.fromkeys(chosen) for line in text.baseline(b))


@baseline.command("list", epilog="Example: chaosmem baseline list")
def list_baselines(experiment: Experiment = "", db: Db = "", *, as_json: Json = False) -> None:
    """List every revision of every baseline."""
    from chaosmem.history import baselines, text  # noqa: PLC0415

    with opened(db) as open_history:
        found = baselines.revisions(open_history, experiment)
    if as_json:
        print_json([asdict(b) for b in found])
    else:
        print_lines(next(iter(text.baseline(b))) for b in found)


@baseline.command("compare", epilog="Example: chaosmem baseline compare latest")
def compare(
    run: Annotated[str, typer.Argument(help="A run: directory or id.")] = "latest",
    name: Name = "default",
    runs_dir: RunsDir = RUNS,
    db: Db = "",
    *,
    fewest: Annotated[int, typer.Option(min=2, help="Fewest earlier runs that decide.")] = 6,
    k: Annotated[
        float | None, typer.Option(min=0.1, help="The band's factor; default: 1 % by chance.")
    ] = None,
    share: Annotated[float, typer.Option(min=0, help="Narrowest half-width / median.")] = 0.05,
    across_specs: Annotated[bool, typer.Option("--across-specs")] = False,
    as_json: Json = False,
) -> None:
    """Hold a run against the approved baseline; exits 0, 1 or 3 as a verdict does."""
    from chaosmem.history import against, baselines, comparison, queries  # noqa: PLC0415

    rules = against.Rules(fewest, k, share, across_specs)
    with opened(db) as open_history:
        one = _run(open_history, run, runs_dir)
        force = baselines.in_force(baselines.revisions(open_history, one.experiment, name))
        members = queries.load(open_history, force.runs if force else ())
    found = against.compare(one, force, members, rules)
    if as_json:
        print_json(asdict(found))
    else:
        print_lines(comparison.lines(found))
    sys.exit(found.exit_code)
