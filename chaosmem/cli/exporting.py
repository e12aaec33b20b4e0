"""`chaosmem export`: a finished run for Prometheus, OpenTelemetry and Grafana."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from chaosmem.errors import UsageError

if TYPE_CHECKING:
    from chaosmem.export.facts import Run

app = typer.Typer(help="A finished run for other eyes.", no_args_is_help=True)

Runs = Annotated[list[str], typer.Argument(help="Runs: directories, ids, `latest`.")]
AnyRuns = Annotated[
    list[str] | None,
    typer.Argument(help="Runs: directories, ids, `latest`; none: the newest of each experiment."),
]
Base = Annotated[Path, typer.Option("--runs-dir", envvar="CHAOSMEM_RUNS", help="Where runs are.")]
RUNS = Path("runs")


@app.command(epilog="Example: chaosmem export metrics latest --out /var/lib/node/chaosmem.prom")
def metrics(
    runs: AnyRuns = None,
    runs_dir: Base = RUNS,
    *,
    out: Annotated[Path | None, typer.Option(help="File, replaced as a whole; else stdout.")] = (
        None
    ),
    openmetrics: Annotated[bool, typer.Option(help="OpenMetrics instead of text 0.0.4.")] = False,
    listen: Annotated[
        str | None,
        typer.Option(
            metavar="[ADDRESS:]PORT", help="Serve them to Prometheus until stopped; loopback alone."
        ),
    ] = None,
) -> None:
    """Give chaosmem_* metrics of runs as Prometheus text: to stdout, a file, or who scrapes."""
    from chaosmem.cli import scraping  # noqa: PLC0415 - loaded when used
    from chaosmem.export import standing, text, textfile  # noqa: PLC0415 - loaded when used

    if listen is not None:
        if out is not None or openmetrics:
            raise UsageError(
                "--listen goes without --out and --openmetrics",
                hint="who scrapes asks for the format by its Accept header",
            )
        scraping.listen(runs_dir, runs or [], listen, _say)
        return
    found = [standing.rows(run) for run in scraping.which(runs_dir, runs or [])]
    made = text.text(found, openmetrics=openmetrics)
    if out is None:
        typer.echo(made.decode(), nl=False)
    else:
        textfile.replace(out, made)


@app.command(epilog="Example: chaosmem export otlp latest --endpoint http://HOST:4318")
def otlp(
    runs: Runs,
    runs_dir: Base = RUNS,
    *,
    endpoint: Annotated[
        str,
        typer.Option(
            envvar="OTEL_EXPORTER_OTLP_ENDPOINT", help="Base address of an OTLP/HTTP receiver."
        ),
    ],
    signal: Annotated[
        Literal["all", "traces", "metrics"], typer.Option(help="Only these of a run.")
    ] = "all",
) -> None:
    """Send each run's trace and metrics, with their true times."""
    for name in runs:
        try:
            said = _send(_run(runs_dir, name), endpoint, signal)
        except ModuleNotFoundError as problem:
            raise UsageError(
                "OpenTelemetry is not installed", hint="pip install 'chaosmem[otel]'"
            ) from problem
        typer.echo(f"{name}: {', '.join(said)}")


def _send(run: Run, endpoint: str, signal: str) -> list[str]:
    """Send what is asked for; what was sent."""
    from chaosmem.drivers import otlp as receiver  # noqa: PLC0415 - an extra
    from chaosmem.export import otlp as traces  # noqa: PLC0415
    from chaosmem.export import otlp_metrics  # noqa: PLC0415

    said: list[str] = []
    if signal != "metrics":
        spans = traces.spans(run)
        receiver.send_spans(spans, endpoint)
        said.append(f"{len(spans)} spans")
    if signal != "traces":
        data = otlp_metrics.data(run)
        receiver.send_metrics(data, endpoint)
        said.append(f"{otlp_metrics.points(data)} points of metrics")
    return said


@app.command(epilog="Example: chaosmem export grafana latest --url http://HOST:3000")
def grafana(
    runs: Runs,
    runs_dir: Base = RUNS,
    *,
    url: Annotated[str, typer.Option(help="Grafana.")],
    token_env: Annotated[str, typer.Option(help="Variable that holds the token.")] = (
        "GRAFANA_TOKEN"  # noqa: S107 - a variable's name
    ),
) -> None:
    """Annotate phases and faults in Grafana."""
    from chaosmem.drivers.grafana import annotate  # noqa: PLC0415 - loaded when used
    from chaosmem.drivers.secrets import secret  # noqa: PLC0415 - loaded when used
    from chaosmem.export.grafana import regions  # noqa: PLC0415 - loaded when used

    token = secret(token_env, None) or ""
    for name in runs:
        sent = asyncio.run(annotate(url, token, regions(_run(runs_dir, name))))
        typer.echo(f"{name}: {sent} annotations")


def _run(base: Path, name: str) -> Run:
    from chaosmem import evidence, rundir, verify  # noqa: PLC0415 - loaded when used
    from chaosmem.export import facts  # noqa: PLC0415 - loaded when used

    found = evidence.load(rundir.find(base, name))
    return facts.of(found, verify.verify(found))


def _say(words: str) -> None:
    typer.echo(f"chaosmem: {words}", err=True)
