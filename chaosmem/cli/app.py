"""The commands. Each one's module is imported when it runs, so that `--help` is quick."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from chaosmem import __version__
from chaosmem.cli import (
    archiving,
    campaigning,
    control,
    exporting,
    gameday,
    gating,
    metrics,
    months,
    notifying,
    retiring,
    scheduled,
    scrape_options,
    serving,
)
from chaosmem.cli.passing import PASS_ON

app = typer.Typer(
    name="chaosmem",
    help="Memory experiments on Go services, with a verdict that can be recomputed.",
    epilog="Exit codes: 0 pass, 1 fail, 2 usage, 3 inconclusive, 4 aborted, 5 undo incomplete, "
    "6 spec invalid, 70 internal.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Spec = Annotated[Path, typer.Argument(help="The experiment, a YAML file.", show_default=False)]
Run = Annotated[
    str,
    typer.Argument(help="A run: its directory, id, part of an id, experiment name, or `latest`."),
]
RunsDir = Annotated[
    Path,
    typer.Option("--runs-dir", envvar="CHAOSMEM_RUNS", help="Where run directories are kept."),
]
RUNS = Path("runs")


@app.command(epilog="Example: chaosmem run experiments/quickstart.yaml")
def run(
    spec: Spec,
    runs_dir: RunsDir = RUNS,
    *,
    progress: Annotated[
        Literal["auto", "live", "plain", "none"],
        typer.Option(help="How to show the run: on a terminal, as lines, or not at all."),
    ] = "auto",
    events: Annotated[
        Literal["none", "jsonl"],
        typer.Option(help="`jsonl`: every journal entry as a JSON line on stderr, nothing else."),
    ] = "none",
    output: Annotated[
        Literal["text", "json", "markdown", "junit"],
        typer.Option("--format", "-o", help="What stdout gets at the end."),
    ] = "text",
    junit: Annotated[Path | None, typer.Option(help="Also write JUnit XML here.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="Also write Markdown here.")] = None,
    metrics_port: scrape_options.Port = None,
    metrics_linger: scrape_options.Linger = "0s",
    notify: notifying.Machine = None,
    interactive: control.Interactive = False,
    steps: control.Steps = None,
    max_hold: control.MaxHold = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Plan and build, touch nothing.")] = (
        False
    ),
) -> None:
    """Run an experiment and give its verdict."""
    from chaosmem.cli.running import Wish, run_experiment  # noqa: PLC0415

    wish = Wish(
        progress=progress,
        events=events,
        output=output,
        junit=junit,
        markdown=markdown,
        game=control.game(interactive=interactive, steps=steps, max_hold=max_hold),
        notify=notify,
        metrics_port=metrics_port,
        metrics_linger=metrics_linger,
    )
    sys.exit(run_experiment(spec, runs_dir, wish, dry_run=dry_run))


@app.command(epilog="Example: chaosmem plan experiments/quickstart.yaml")
def plan(
    spec: Spec,
    *,
    output: Annotated[Literal["text", "json"], typer.Option("--format", "-o")] = "text",
    explain: Annotated[
        bool,
        typer.Option("--explain", help="Also why each thing is done, and what could go wrong."),
    ] = False,
) -> None:
    """Show what a run would do, to whom, when, and how it is undone."""
    from chaosmem.cli.planning import show_plan  # noqa: PLC0415

    show_plan(spec, output, explain=explain)


@app.command(epilog="Example: chaosmem verify latest")
def verify(
    run_name: Run,
    runs_dir: RunsDir = RUNS,
    *,
    output: Annotated[Literal["text", "json"], typer.Option("--format", "-o")] = "text",
    write: Annotated[
        bool, typer.Option("--write", help="Also write verdict.json and report.html anew.")
    ] = False,
) -> None:
    """Compute the verdict of a run again, from its directory alone."""
    from chaosmem.cli.looking import verify_run  # noqa: PLC0415

    sys.exit(verify_run(runs_dir, run_name, output, write=write))


@app.command(epilog="Example: chaosmem show latest")
def show(run_name: Run = "latest", runs_dir: RunsDir = RUNS) -> None:
    """Show a run: its verdict and what happened when."""
    from chaosmem.cli.looking import show_run  # noqa: PLC0415

    show_run(runs_dir, run_name)


@app.command("list", epilog="Example: chaosmem list")
def list_(
    runs_dir: RunsDir = RUNS,
    *,
    experiment: Annotated[str, typer.Option(help="Only runs of this experiment.")] = "",
    output: Annotated[Literal["text", "json"], typer.Option("--format", "-o")] = "text",
) -> None:
    """List the runs, newest last."""
    from chaosmem.cli.looking import list_runs  # noqa: PLC0415

    list_runs(runs_dir, experiment, output)


@app.command(epilog="Example: chaosmem report latest --format junit > junit.xml")
def report(
    run_name: Run = "latest",
    runs_dir: RunsDir = RUNS,
    *,
    output: Annotated[
        str,
        typer.Option("--format", "-o", help="html, text, json, markdown, junit, or a plugin's."),
    ] = "html",
    out: Annotated[
        Path | None, typer.Option("--out", help="File to write (default: stdout; html: in RUN).")
    ] = None,
) -> None:
    """Write a report of a run."""
    from chaosmem.cli.looking import report_run  # noqa: PLC0415

    report_run(runs_dir, run_name, output, out)


@app.command(epilog="Example: chaosmem undo latest")
def undo(run_name: Run, runs_dir: RunsDir = RUNS) -> None:
    """Finish the undo of a run that was killed; safe to repeat."""
    from chaosmem.cli.undoing import undo_run  # noqa: PLC0415

    undo_run(runs_dir, run_name)


@app.command(epilog="Example: chaosmem sweep --namespace chaosmem")
def sweep(
    *,
    namespace: Annotated[
        str, typer.Option("--namespace", "-n", help="Where runs keep their records.")
    ] = "chaosmem",
    context: Annotated[str | None, typer.Option(help="Context of the kubeconfig.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be undone.")] = False,
) -> None:
    """Undo what killed runs left in a cluster; needs nothing but the cluster."""
    from chaosmem.cli.undoing import sweep_cluster  # noqa: PLC0415

    sweep_cluster(namespace, context, dry_run=dry_run)


@app.command(epilog="Example: chaosmem doctor experiments/quickstart.yaml")
def doctor(
    spec: Annotated[Path | None, typer.Argument(help="Check this experiment's target too.")] = None,
    runs_dir: RunsDir = RUNS,
    *,
    output: Annotated[Literal["text", "json"], typer.Option("--format", "-o")] = "text",
) -> None:
    """Check what runs need: Go, disk, and with a spec its target."""
    from chaosmem.cli.doctor import examine  # noqa: PLC0415

    sys.exit(examine(spec, runs_dir, output))


@app.command(epilog="Example: chaosmem schema > chaosmem.schema.json")
def schema(
    *,
    kind: Annotated[
        Literal["experiment", "campaign"], typer.Option(help="Of which kind of file.")
    ] = "experiment",
) -> None:
    """Print the JSON Schema of experiments or campaigns, for editors."""
    from chaosmem.cli.starting import print_schema  # noqa: PLC0415

    print_schema(kind)


@app.command(epilog="Example: chaosmem init my-experiment.yaml")
def init(
    path: Annotated[Path, typer.Argument(help="File to write.")] = Path("experiment.yaml"),
    *,
    agent: Annotated[
        Path | None,
        typer.Option(help="Instead: copy the Go agent's source here, to be built into a service."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite what is there.")] = False,
) -> None:
    """Write a commented experiment to start from, or the Go agent's source."""
    from chaosmem.cli.starting import write_agent, write_template  # noqa: PLC0415

    if agent is not None:
        write_agent(agent, force=force)
    else:
        write_template(path, force=force)


@app.command(epilog="Example: chaosmem version --all")
def version(
    *, everything: Annotated[bool, typer.Option("--all", help="Also Go, Python, host.")] = False
) -> None:
    """Print the version."""
    if not everything:
        typer.echo(f"chaosmem {__version__}")
        return
    from chaosmem.cli.starting import print_versions  # noqa: PLC0415

    print_versions()


@app.command(
    context_settings=PASS_ON,
    epilog="Example: chaosmem profile top runs/quickstart/latest/captures",
)
def profile(context: typer.Context) -> None:
    """Analyse profiles, goroutine dumps, GC traces and memory layers."""
    from chaosmem.cli import profile as reports  # noqa: PLC0415
    from chaosmem.cli import profile_pages, profile_text  # noqa: PLC0415

    for more in (profile_text, profile_pages):
        reports.app.registered_commands.extend(more.app.registered_commands)
    reports.app(args=context.args, prog_name="chaosmem profile")


campaigning.add(app)
months.add(app)
serving.add(app)
control.add(app)
gating.add(app)
gameday.add(app)
metrics.add(app)
scheduled.add(app)
retiring.add(app)
app.add_typer(archiving.app, name="archive")
app.add_typer(exporting.app, name="export")
app.add_typer(notifying.app, name="notify")
