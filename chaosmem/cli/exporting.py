"""`chaosmem export`: a finished run for Prometheus, OpenTelemetry and Grafana."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from chaosmem.export.facts import Run

app = typer.Typer(help="A finished run for other eyes.", no_args_is_help=True)

Runs = Annotated[list[str], typer.Argument(help="Runs: directories, ids, `latest`.")]
Base = Annotated[Path, typer.Option("--runs-dir", envvar="CHAOSMEM_RUNS", help="Where runs are.")]
RUNS = Path("runs")


@app.command(epilog="Example: chaosmem export metrics latest --out /var/lib/node/chaosmem.prom")
def metrics(
    runs: Runs,
    runs_dir: Base = RUNS,
    *,
    out: Annotated[Path | None, typer.Option(help="File, replaced as a whole; else stdout.")] = (
        None
    ),
    openmetrics: Annotated[bool, typer.Option(help="OpenMetrics instead of text 0.0.4.")] = False,
) -> None:
    """Write chaosmem_* metrics of runs as Prometheus text."""
    from chaosmem.export import text  # noqa: PLC0415 - loaded when used

    made = text.text([_run(runs_dir, name) for name in runs], openmetrics=openmetrics)
    if out is None:
        typer.echo(made.decode(), nl=False)
        return
    part = out.with_name(out.name + ".part")
    part.write_bytes(made)
    part.replace(out)


@app.command(epilog="Example: chaosmem export otlp latest --endpoint http://HOST:4318/v1/traces")
def otlp(
    runs: Runs,
    runs_dir: Base = RUNS,
    *,
    endpoint: Annotated[str, typer.Option(help="An OTLP/HTTP receiver of traces.")],
) -> None:
    """Send each run's trace, with its true times."""
    try:
        from chaosmem.export import otlp as sender  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as problem:
        from chaosmem.errors import UsageError  # noqa: PLC0415 - loaded when used

        raise UsageError(
            "OpenTelemetry is not installed", hint="pip install 'chaosmem[otel]'"
        ) from problem
    for name in runs:
        typer.echo(f"{name}: {sender.send(_run(runs_dir, name), endpoint)} spans")


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
    from chaosmem.drivers.prometheus import secret  # noqa: PLC0415 - loaded when used
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
