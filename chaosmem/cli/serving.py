"""`chaosmem serve`: the runs, their history and what goes on now, in a browser."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from chaosmem.errors import UsageError

RUNS = Path("runs")
TOKEN = "CHAOSMEM_SERVE_TOKEN"  # noqa: S105 - a variable's name


def add(app: typer.Typer) -> None:
    """Make the command part of `app`."""
    app.command(epilog="Example: chaosmem serve --runs-dir runs")(serve)


def serve(  # noqa: PLR0917 - typer calls it by names
    runs_dir: Annotated[
        Path, typer.Option("--runs-dir", envvar="CHAOSMEM_RUNS", help="Where runs are kept.")
    ] = RUNS,
    database: Annotated[
        str,
        typer.Option(
            "--database", "--db", envvar="CHAOSMEM_DB",
            help="The history: a file, or postgresql://...",
            show_default="~/.local/state/chaosmem/history.db",
        ),
    ] = "",
    host: Annotated[
        str, typer.Option(help="Address to listen at; beyond loopback a token is asked for.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: a free one.")] = 8787,
    token_file: Annotated[
        Path | None,
        typer.Option(help=f"File that holds the token (else ${TOKEN}, else one is made)."),
    ] = None,
    allow_host: Annotated[
        list[str] | None, typer.Option(help="A host name by which browsers call this server.")
    ] = None,
    *,
    read_only: Annotated[bool, typer.Option("--read-only", help="Only show.")] = False,
) -> None:  # fmt: skip
    """Runs, history and what goes on now, in a browser; with buttons."""
    from chaosmem.cli.lines import sentence  # noqa: PLC0415 - loaded when used
    from chaosmem.history import place  # noqa: PLC0415 - loaded when used

    try:
        from chaosmem.serve import server  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as problem:
        missing = (problem.name or "").partition(".")[0]
        if missing not in {"starlette", "uvicorn"}:
            raise
        raise UsageError(
            f"the web server is not installed: {missing} is missing",
            hint="pip install 'chaosmem[serve]'",
        ) from problem
    from chaosmem.serve.settings import Settings  # noqa: PLC0415 - loaded when used

    token, made = _token(token_file, host)
    settings = Settings(
        base=runs_dir, history=place.resolve(database), sentence=sentence, host=host, port=port,
        token=token, names=tuple(allow_host or ()), read_only=read_only,
    )  # fmt: skip
    server.serve(settings, lambda url: _ready(url, token if made else "", host))


def _token(file: Path | None, host: str) -> tuple[str, bool]:
    """The token to ask for (empty: none), and whether it was made just now."""
    from chaosmem.serve import settings  # noqa: PLC0415 - loaded when used

    if file is not None:
        return settings.read_token(file), False
    if os.environ.get(TOKEN):
        return settings.checked(os.environ[TOKEN], f"${TOKEN}"), False
    if settings.is_loopback(host):
        return "", False
    return settings.fresh_token(), True


def _ready(url: str, token: str, host: str) -> None:
    from chaosmem.serve.settings import is_loopback  # noqa: PLC0415 - loaded when used

    typer.echo(f"chaosmem: serving at {url} (Ctrl-C ends it)", err=True)
    if token:
        typer.echo(f"chaosmem: token, shown this once: {token}", err=True)
    if not is_loopback(host):
        typer.echo(
            "chaosmem: HTTP is not encrypted; over a network that you do not trust use "
            "`ssh -L` to a loopback port, or a proxy that speaks TLS",
            err=True,
        )
