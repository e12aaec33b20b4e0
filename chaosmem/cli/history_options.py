"""Options that `history`, `baseline` and `trend` share, and what they do alike."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from chaosmem.history.database import History
    from chaosmem.history.model import Wanted

Db = Annotated[
    str,
    typer.Option("--db", envvar="CHAOSMEM_DB", help="Database: a file, or postgresql://...",
                 show_default="~/.local/state/chaosmem/history.db"),
]  # fmt: skip
RunsDir = Annotated[Path, typer.Option("--runs-dir", envvar="CHAOSMEM_RUNS")]
Json = Annotated[bool, typer.Option("--json", help="As JSON.")]
Experiment = Annotated[str, typer.Option(help="Only runs of this experiment.")]
Since = Annotated[str, typer.Option(help="Not before: `2026-11-01`, or `90d` ago.")]
Until = Annotated[str, typer.Option(help="Not after: `2026-11-30`, or `30d` ago.")]
Target = Annotated[str, typer.Option(help="Only runs of a target with this in its name.")]
Version = Annotated[str, typer.Option(help="Only of versions with this in them.")]
Image = Annotated[str, typer.Option(help="Only of images with this in them.")]
Spec = Annotated[str, typer.Option(help="Only of the spec whose SHA-256 begins so.")]
RUNS = Path("runs")


def now() -> datetime:
    """Now, in UTC."""
    return datetime.now(UTC)


def stamp_now() -> str:
    """Now, as the history has it."""
    from chaosmem.history.times import stamp  # noqa: PLC0415

    return stamp(now())


def opened(db: str, *, create: bool = False) -> AbstractContextManager[History]:
    """The history that `--db` names."""
    from chaosmem.history import database, place  # noqa: PLC0415

    return database.opened(place.resolve(db), create=create)


def wanted(since: str, until: str, **fields: Any) -> Wanted:
    """Which runs are asked for, with moments as people write them."""
    from chaosmem.history.model import Wanted  # noqa: PLC0415
    from chaosmem.history.times import moment  # noqa: PLC0415

    at = now()
    return Wanted(since=moment(since, at), until=moment(until, at, end=True), **fields)


def print_lines(lines: Iterable[str]) -> None:
    """Lines on stdout."""
    text = "\n".join(lines)
    if text:
        typer.echo(text)


def print_json(value: object) -> None:
    """A value on stdout."""
    typer.echo(json.dumps(value, indent=1, ensure_ascii=True))
