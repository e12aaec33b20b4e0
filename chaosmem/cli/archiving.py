"""`chaosmem archive`: run directories in object storage, whole and checked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Run directories in S3-compatible storage.", no_args_is_help=True)

Url = Annotated[str, typer.Argument(help="s3://BUCKET/PREFIX; also gs://, az://, file:///DIR.")]
Base = Annotated[Path, typer.Option("--runs-dir", envvar="CHAOSMEM_RUNS", help="Where runs are.")]
RUNS = Path("runs")


@app.command(epilog="Example: chaosmem archive put latest s3://chaos/months")
def put(
    run: Annotated[str, typer.Argument(help="A run: its directory, id, or `latest`.")],
    url: Url,
    runs_dir: Base = RUNS,
) -> None:
    """Store a run; again is safe, and stores what has changed."""
    from chaosmem import rundir  # noqa: PLC0415 - loaded when used
    from chaosmem.drivers import archive  # noqa: PLC0415 - loaded when used
    from chaosmem.drivers.objectstore import Store  # noqa: PLC0415 - loaded when used

    found = rundir.find(runs_dir, run)
    sent = archive.put(Store(url), found)
    typer.echo(f"{found.run_id}: {sent} files stored at {url}")


@app.command(epilog="Example: chaosmem archive get 20261101-abc s3://chaos/months")
def get(
    run: Annotated[str, typer.Argument(help="A run's id, or a part of it that is unique.")],
    url: Url,
    runs_dir: Base = RUNS,
) -> None:
    """Fetch a run; it is there only when every file is what was stored."""
    from chaosmem.drivers import archive  # noqa: PLC0415 - loaded when used
    from chaosmem.drivers.objectstore import Store  # noqa: PLC0415 - loaded when used

    typer.echo(archive.get(Store(url), run, runs_dir).root)


@app.command("list", epilog="Example: chaosmem archive list s3://chaos/months")
def list_(url: Url) -> None:
    """List the runs that are stored whole."""
    from chaosmem.drivers import archive  # noqa: PLC0415 - loaded when used
    from chaosmem.drivers.objectstore import Store  # noqa: PLC0415 - loaded when used

    for name in archive.stored(Store(url)):
        typer.echo(name)
