"""`campaign` as `chaosmem` lists it; its commands are imported when one is run."""

from __future__ import annotations

import typer

from chaosmem.cli.passing import PASS_ON


def add(app: typer.Typer) -> None:
    """Make the command part of `app`."""
    app.command(context_settings=PASS_ON)(campaign)


def campaign(context: typer.Context) -> None:
    """Many experiments as one: plan, run, resume, status, report, gather."""
    from chaosmem.cli.campaign_commands import app as commands  # noqa: PLC0415

    commands(args=context.args, prog_name="chaosmem campaign")
