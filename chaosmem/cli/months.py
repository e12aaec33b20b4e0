"""`history`, `baseline` and `trend` as `chaosmem` lists them; what they do is imported when run.

One level more than the other commands: to build their twelve commands costs `--help` 15 ms.
"""

from __future__ import annotations

import typer

from chaosmem.cli.passing import PASS_ON


def add(app: typer.Typer) -> None:
    """Make these commands part of `app`."""
    for command in (history, baseline, trend):
        app.command(context_settings=PASS_ON)(command)


def history(context: typer.Context) -> None:
    """Runs over months, in a database: import, list, show, prune."""
    from chaosmem.cli import history as commands  # noqa: PLC0415

    commands.history(args=context.args, prog_name="chaosmem history")


def baseline(context: typer.Context) -> None:
    """Approved sets of runs that others are held against."""
    from chaosmem.cli.baselines import baseline as commands  # noqa: PLC0415

    commands(args=context.args, prog_name="chaosmem baseline")


def trend(context: typer.Context) -> None:
    """A check over the months: its level, its band, and since when it has shifted."""
    from chaosmem.cli import history as commands  # noqa: PLC0415

    commands.trends(args=context.args, prog_name="chaosmem trend")
