"""`runbook` and `handover`: papers for the people of a game day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from chaosmem.errors import UsageError

if TYPE_CHECKING:
    from chaosmem.drivers.kube.envpatch import EnvUndo
    from chaosmem.plan.model import Plan
    from chaosmem.runbook.document import Paper
    from chaosmem.runbook.handover import Moment
    from chaosmem.rundir.events import AnyEntry
    from chaosmem.spec.model import Experiment

Form = Annotated[Literal["markdown", "html", "text"], typer.Option("--format", help="Its form.")]
File = Annotated[Path | None, typer.Option("-o", "--out", help="File to write; else stdout.")]
RUNS = Path("runs")


def add(app: typer.Typer) -> None:
    """Make these commands part of `app`."""
    app.command(epilog="Example: chaosmem runbook experiments/quickstart.yaml -o day.md")(runbook)
    app.command(epilog="Example: chaosmem handover latest --format html -o day.html")(handover)


def runbook(
    spec: Annotated[Path, typer.Argument(help="The experiment, a YAML file.", show_default=False)],
    form: Form = "markdown",
    out: File = None,
    *,
    start: Annotated[
        str, typer.Option(help="When it begins, `2026-11-26T14:00`: the table has times of day.")
    ] = "",
) -> None:
    """Write the runbook of a game day: who, what, when, how to stop, how to undo by hand."""
    from chaosmem import spec as specs  # noqa: PLC0415
    from chaosmem.run import resolve  # noqa: PLC0415
    from chaosmem.runbook import runbook as papers  # noqa: PLC0415
    from chaosmem.runbook.byhand import of_experiment  # noqa: PLC0415

    loaded = specs.load(spec)
    plan = resolve.plan(loaded)
    left = None
    if loaded.experiment.target.kubernetes is not None:
        pods = [t.pod for t in plan.targets if t.pod is not None]
        left = of_experiment(loaded.experiment, pods, _formers(loaded.experiment, plan))
    ground = papers.Ground(loaded.experiment, plan, str(spec), left, _moment(start))
    _write(papers.runbook(ground), form, out)


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError as problem:
        raise UsageError(f"--start {text!r} is no time", hint="2026-11-26T14:00") from problem


def _formers(experiment: Experiment, plan: Plan) -> list[EnvUndo]:
    """Each workload's variables that the run will change, as they are now; nothing is touched."""
    import asyncio  # noqa: PLC0415

    from chaosmem.plan.environment import merge  # noqa: PLC0415
    from chaosmem.run.rolling import environment_of  # noqa: PLC0415

    changes: dict[str, str] = {}
    for arm in experiment.arms:
        changes = merge(changes, environment_of(experiment, arm))
    return asyncio.run(_asked(experiment, plan, changes)) if changes else []


async def _asked(experiment: Experiment, plan: Plan, changes: dict[str, str]) -> list[EnvUndo]:
    from chaosmem.drivers.kube import pods, rollout  # noqa: PLC0415
    from chaosmem.drivers.kube.connect import Cluster  # noqa: PLC0415

    spec = experiment.target.kubernetes
    found: dict[str, EnvUndo] = {}
    async with Cluster.open(context=spec.context if spec else None) as cluster:
        for planned in (t.pod for t in plan.targets if t.pod is not None):
            ref = (await pods.get_pod(cluster, planned.namespace, planned.name)).workload
            if ref is not None and ref.uid not in found:
                undo = await rollout.plan_change(cluster, ref, planned.container, changes)
                found[ref.uid] = undo
    return list(found.values())


def handover(
    run_name: Annotated[
        str, typer.Argument(metavar="RUN", help="A run: its directory, id, or `latest`.")
    ] = "latest",
    runs_dir: Annotated[
        Path,
        typer.Option("--runs-dir", envvar="CHAOSMEM_RUNS", help="Where run directories are kept."),
    ] = RUNS,
    form: Form = "markdown",
    out: File = None,
) -> None:
    """Write the hand-over after a run: what was done, said and found, what is open and next."""
    from chaosmem import rundir  # noqa: PLC0415
    from chaosmem.cli import looking  # noqa: PLC0415
    from chaosmem.run.owner import owner_of  # noqa: PLC0415
    from chaosmem.run.undo import open_promises  # noqa: PLC0415
    from chaosmem.runbook import handover as papers  # noqa: PLC0415
    from chaosmem.rundir import events, layout  # noqa: PLC0415
    from chaosmem.rundir.journal import decode  # noqa: PLC0415

    found = rundir.find(runs_dir, run_name)
    evidence, verdict = looking.judged(found)
    journal = decode(found.read(layout.JOURNAL) if found.has(layout.JOURNAL) else b"")
    entries = [line.entry for line in journal.lines]
    failed = {e.id: e.error for e in entries if isinstance(e, events.UndoFailed)}
    left = [papers.Open(p.what, p.undo, failed.get(p.id, "")) for p in open_promises(journal)]
    moments = _moments(entries)
    ground = papers.Handover(
        evidence, verdict, tuple(moments), tuple(left), str(found.root), owner_of(journal)
    )
    _write(papers.handover(ground), form, out)


def _moments(entries: Sequence[AnyEntry]) -> list[Moment]:
    """What people want to read of the journal, in its order."""
    from chaosmem.rundir import events  # noqa: PLC0415

    found, last, ended = [], 0.0, False
    for entry in entries:
        later = (
            ended or entry.t < last
        )  # `undo` writes behind a dead run's journal, without a clock
        made = _moment_of(entry, later="afterwards" if later else "")
        if made is not None:
            found.append(made)
        last, ended = max(last, entry.t), ended or isinstance(entry, events.RunEnded)
    return found


def _moment_of(entry: AnyEntry, later: str) -> Moment | None:
    from chaosmem.cli.lines import sentence  # noqa: PLC0415
    from chaosmem.runbook.handover import Moment  # noqa: PLC0415
    from chaosmem.rundir import events  # noqa: PLC0415
    from chaosmem.rundir.acts import ControlAnswered  # noqa: PLC0415

    if isinstance(entry, events.CaptureTaken) and not entry.error:
        return None
    by = "operator" if isinstance(entry, events.Signalled) else ""
    if isinstance(entry, ControlAnswered):
        by, later = entry.by or "somebody", (entry.at or later) if entry.late else later
        entry = entry.model_copy(update={"by": "", "late": False})
    words = sentence(entry)
    return Moment(entry.t, words, by, entry.trial, later) if words else None


def _write(paper: Paper, form: str, out: Path | None) -> None:
    from chaosmem.runbook.html import html  # noqa: PLC0415
    from chaosmem.runbook.markdown import markdown  # noqa: PLC0415
    from chaosmem.runbook.plaintext import plaintext  # noqa: PLC0415

    text = {"html": html, "markdown": markdown, "text": plaintext}[form](paper)
    if out is None:
        typer.echo(text, nl=False)
        return
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as problem:
        raise UsageError(f"cannot write {out}: {problem.strerror}") from problem
    typer.echo(str(out))
