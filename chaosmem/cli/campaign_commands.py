"""The commands of `chaosmem campaign`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from chaosmem.campaign import directory
from chaosmem.campaign.directory import CampaignDir
from chaosmem.campaign.rollup import Rollup
from chaosmem.errors import UsageError

app = typer.Typer(
    help="Many experiments as one, resumable after any crash, with one verdict.",
    epilog="Example: chaosmem campaign run experiments/campaigns/sizing.yaml",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

File = Annotated[Path, typer.Argument(help="The campaign, a YAML file.", show_default=False)]
Name = Annotated[
    str, typer.Argument(help="A campaign: its directory, id, part of an id, name, or `latest`.")
]
RunsDir = Annotated[
    Path,
    typer.Option("--runs-dir", envvar="CHAOSMEM_RUNS", help="Where run directories are kept."),
]
RUNS = Path("runs")
Output = Literal["text", "json", "markdown", "junit"]
Format = Annotated[Output, typer.Option("--format", "-o", help="What stdout gets at the end.")]
Short = Annotated[Literal["text", "json"], typer.Option("--format", "-o")]
Junit = Annotated[Path | None, typer.Option(help="Also write JUnit XML here.")]
Markdown = Annotated[Path | None, typer.Option(help="Also write Markdown here.")]


@app.command(epilog="Example: chaosmem campaign plan experiments/campaigns/sizing.yaml")
def plan(file: File, *, output: Short = "text") -> None:
    """Show the cells, their order, and what is never run side by side."""
    from chaosmem.campaign import planning  # noqa: PLC0415 - loaded when used

    prepared, loaded = planning.prepare(file)
    if output == "json":
        typer.echo(prepared.model_dump_json(indent=1, by_alias=True))
        return
    for line in planning.lines(prepared, loaded):
        typer.echo(line)


@app.command(epilog="Example: chaosmem campaign run experiments/campaigns/sizing.yaml")
def run(
    file: File,
    runs_dir: RunsDir = RUNS,
    *,
    on: Annotated[
        Literal["local", "cluster"],
        typer.Option(help="Child processes here, or an Indexed Job in the cluster."),
    ] = "local",
    output: Format = "text",
    junit: Junit = None,
    markdown: Markdown = None,
) -> None:
    """Run a campaign and give its verdict."""
    from chaosmem.campaign import planning  # noqa: PLC0415 - loaded when used

    home = planning.create(file, runs_dir, on)
    _say(f"campaign {home.root}")
    _go_on(home, output, junit, markdown)


@app.command(epilog="Example: chaosmem campaign resume latest")
def resume(
    name: Name = "latest",
    runs_dir: RunsDir = RUNS,
    *,
    output: Format = "text",
    junit: Junit = None,
    markdown: Markdown = None,
) -> None:
    """Go on with a campaign that was stopped or killed; no verdict is asked for twice."""
    _go_on(directory.find(runs_dir, name), output, junit, markdown)


@app.command(epilog="Example: chaosmem campaign status latest")
def status(
    name: Name = "latest",
    runs_dir: RunsDir = RUNS,
    *,
    output: Short = "text",
) -> None:
    """Show where a campaign stands now, without waiting for anything."""
    from chaosmem.campaign import reports  # noqa: PLC0415 - loaded when used

    home = directory.find(runs_dir, name)
    if home.prepared().engine == "cluster":
        from chaosmem.campaign.cluster import engine  # noqa: PLC0415 - 0.4 s

        _say(f"{engine.status(home)}; the cells as they were gathered last:")
    _emit(reports.render(output, _now(home), color=_colored()))


@app.command(epilog="Example: chaosmem campaign report latest --format junit > campaign.xml")
def report(
    name: Name = "latest",
    runs_dir: RunsDir = RUNS,
    *,
    output: Annotated[
        Literal["html", "text", "json", "markdown", "junit"], typer.Option("--format", "-o")
    ] = "html",
    out: Annotated[
        Path | None, typer.Option("--out", help="File (default: stdout; html: beside the cells).")
    ] = None,
) -> None:
    """Write the roll-up report of a campaign."""
    from chaosmem.campaign import reports  # noqa: PLC0415 - loaded when used

    home = directory.find(runs_dir, name)
    place = out or (home.root / reports.PAGE if output == "html" else None)
    data = reports.render(output, _now(home), color=place is None and _colored())
    if place is None:
        _emit(data)
        return
    _write(place, data)
    typer.echo(str(place))


@app.command(epilog="Example: chaosmem campaign gather latest")
def gather(name: Name = "latest", runs_dir: RunsDir = RUNS) -> None:
    """Fetch what the pods of a campaign have written so far; safe to repeat."""
    from chaosmem.campaign.cluster import engine  # noqa: PLC0415 - loaded when used

    home = directory.find(runs_dir, name)
    typer.echo(f"{engine.gather(home, _say)} files are new in {home.base}")


@app.command(hidden=True)
def cell(
    place: Annotated[Path, typer.Argument(help="The campaign's directory.")],
    *,
    index: Annotated[int, typer.Option(help="Which cell.")],
    lock_fd: Annotated[
        int | None, typer.Option(help="Descriptor that holds the cell's lock already.")
    ] = None,
) -> None:
    """Work on one cell: what the children of `run` do."""
    from chaosmem.cli.campaign_cell import work_locally  # noqa: PLC0415 - loaded when used

    sys.exit(work_locally(CampaignDir(place.resolve()), index, lock_fd))


@app.command(hidden=True)
def nursery(
    *, fd: Annotated[int, typer.Option(help="Descriptor of the socket to the runner.")]
) -> None:
    """Fork a process for each cell that is asked for: what `run` starts."""
    from chaosmem.cli.campaign_cell import nurse  # noqa: PLC0415 - loaded when used

    nurse(fd)


@app.command(hidden=True)
def pod(
    packed: Annotated[Path, typer.Argument(help="The campaign, packed.")],
    runs_dir: RunsDir,
    *,
    index: Annotated[int, typer.Option(envvar="JOB_COMPLETION_INDEX", help="Which cell.")],
) -> None:
    """Work on one cell in a pod: what the Job of `run --on cluster` starts."""
    from chaosmem.cli.campaign_cell import work_in_pod  # noqa: PLC0415 - loaded when used

    sys.exit(work_in_pod(packed, runs_dir, index))


@app.command(hidden=True)
def share(
    runs_dir: RunsDir,
    *,
    campaign: Annotated[str, typer.Option(help="NAME/ID of the campaign.")],
    port: Annotated[int, typer.Option(help="Port to answer on.")] = 8080,
    seconds: Annotated[float, typer.Option(help="How long, at most.")] = 3600.0,
) -> None:
    """Hand a campaign's files out over HTTP: what the pod of `gather` does."""
    from chaosmem.campaign.cluster.share import serve  # noqa: PLC0415 - loaded when used

    serve(runs_dir, campaign, port, seconds)


def _go_on(home: CampaignDir, output: Output, junit: Path | None, markdown: Path | None) -> None:
    """Run what is still to be run, and report."""
    from chaosmem.campaign import reports  # noqa: PLC0415 - loaded when used

    if home.prepared().engine == "cluster":
        from chaosmem.campaign.cluster import engine  # noqa: PLC0415 - 0.4 s

        engine.run(home, _say)
    else:
        from chaosmem.campaign import runner  # noqa: PLC0415 - loaded when used

        runner.run(home, _say)
    result = _now(home)
    home.write(reports.ROLLUP, reports.render("json", result))
    home.write(reports.PAGE, reports.render("html", result))
    for kind, place in (("junit", junit), ("markdown", markdown)):
        if place is not None:
            _write(place, reports.render(kind, result))
    sys.stderr.flush()
    _emit(reports.render(output, result, color=_colored()))
    _say(f"report {home.root / reports.PAGE}")
    sys.exit(result.exit_code)


def _now(home: CampaignDir) -> Rollup:
    from chaosmem.campaign.gathered import gather as read  # noqa: PLC0415 - loaded when used

    return read(home)


def _colored() -> bool:
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ


def _emit(data: bytes) -> None:
    sys.stdout.buffer.write(data if data.endswith(b"\n") else data + b"\n")
    sys.stdout.buffer.flush()


def _write(place: Path, data: bytes) -> None:
    try:
        place.write_bytes(data)
    except OSError as problem:
        raise UsageError(f"cannot write {place}: {problem.strerror}") from problem


def _say(text: str) -> None:
    typer.echo(f"chaosmem: {text}", err=True)
