"""`gate` and `validate`: what a CI calls."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from chaosmem.cli.notifying import Machine
from chaosmem.errors import Exit

Trials = Annotated[
    int | None,
    typer.Option(min=1, max=100, help="Trials an arm, in one analysis; never tries again."),
]
Annotate = Annotated[
    Literal["auto", "github", "none"],
    typer.Option(help="Workflow commands on stdout; `auto`: where GITHUB_ACTIONS is set."),
]
RUNS, OUT = Path("runs"), Path("chaosmem-gate")


def add(app: typer.Typer) -> None:
    """Make these commands part of `app`."""
    app.command(epilog="Example: chaosmem gate experiments/quickstart.yaml --trials 3")(gate)
    app.command(epilog="Example: chaosmem validate experiments/*.yaml")(validate)


def gate(
    spec: Annotated[Path, typer.Argument(help="The experiment, a YAML file.", show_default=False)],
    runs_dir: Annotated[
        Path,
        typer.Option("--runs-dir", envvar="CHAOSMEM_RUNS", help="Where run directories are kept."),
    ] = RUNS,
    *,
    out: Annotated[Path, typer.Option("--out", help="Directory for everything a CI keeps.")] = OUT,
    fail_on: Annotated[
        list[str] | None,
        typer.Option(help="fail, inconclusive, regression; several, or with commas [default: all]"),
    ] = None,
    baseline: Annotated[
        Literal["required", "optional", "none"],
        typer.Option(help="Required: what it cannot decide is inconclusive; none: not looked at."),
    ] = "optional",
    baseline_name: Annotated[str, typer.Option(help="Name of the baseline.")] = "default",
    db: Annotated[
        str, typer.Option("--db", envvar="CHAOSMEM_DB", help="The history: a file, or a URL.")
    ] = "",
    trials: Trials = None,
    annotations: Annotate = "auto",
    progress: Annotated[
        Literal["auto", "live", "plain", "none"], typer.Option(help="How to show the run.")
    ] = "auto",
    notify: Machine = None,
) -> None:
    """Run, judge, compare with the approved baseline; one exit code, and files for a CI."""
    from chaosmem.cli.gatekeeping import Order, keep_gate  # noqa: PLC0415
    from chaosmem.gate.policy import Policy  # noqa: PLC0415
    from chaosmem.gate.policy import fail_on as read  # noqa: PLC0415

    policy = Policy(read(fail_on or ()), baseline, baseline_name)
    marks = _marked(annotations)
    order = Order(
        spec, runs_dir, out, policy, db, trials, annotate=marks, progress=progress, notify=notify
    )
    sys.exit(keep_gate(order))


def validate(
    specs: Annotated[list[Path], typer.Argument(help="Experiments.", show_default=False)],
    *,
    annotations: Annotate = "auto",
    sarif: Annotated[Path | None, typer.Option(help="Also write SARIF 2.1.0 here.")] = None,
) -> None:
    """Say everything that is wrong with specs, without looking at their targets."""
    from chaosmem.gate import annotations as github  # noqa: PLC0415
    from chaosmem.gate.sarif import of_problems  # noqa: PLC0415
    from chaosmem.gate.validation import problems  # noqa: PLC0415
    from chaosmem.spec.errors import Severity  # noqa: PLC0415

    found = [problem for path in specs for problem in problems(path)]
    for problem in found:
        typer.echo(str(problem), err=True)
    if _marked(annotations):
        for command in github.of_problems(found):
            typer.echo(command)
    bad = any(p.severity is Severity.ERROR for p in found)
    code = Exit.SPEC_INVALID if bad else Exit.PASS
    if sarif is not None:
        from chaosmem.cli.gatekeeping import write  # noqa: PLC0415

        write(sarif, of_problems(found, code))
    if not found:
        typer.echo(f"{len(specs)} spec(s), nothing wrong")
    sys.exit(code)


def _marked(annotations: str) -> bool:
    import os  # noqa: PLC0415

    wanted = os.environ.get("GITHUB_ACTIONS") == "true"
    return annotations == "github" or (annotations == "auto" and wanted)
