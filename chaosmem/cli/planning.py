"""`plan`: what a run would do, on one screen."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from chaosmem import spec, units
from chaosmem.cli.secrets import refuse_missing
from chaosmem.run import resolve

if TYPE_CHECKING:
    from chaosmem.plan import Plan
    from chaosmem.spec.reader import Loaded

_BAR = 60


def show_plan(path: Path, output: str, *, explain: bool = False) -> None:
    """Print the plan of a spec; `explain`: also why each thing is done, and what could go wrong."""
    loaded = spec.load(path)
    refuse_missing(loaded, str(path))
    planned = resolve.plan(loaded)
    if output == "json":
        typer.echo(planned.model_dump_json(indent=1))
        return
    for line in plan_lines(planned):
        typer.echo(line)
    if explain:
        from chaosmem.runbook.explain import explanation  # noqa: PLC0415 - loads the checks
        from chaosmem.runbook.plaintext import plaintext  # noqa: PLC0415

        typer.echo(f"\n{plaintext(explanation(loaded.experiment, planned))}", nl=False)
    tell_rehearsal(loaded)
    for warning in loaded.warnings:
        typer.echo(f"warning  {warning}", err=True)


def tell_rehearsal(loaded: Loaded) -> bool:
    """What a cluster says to what a run would make there; whether all that is needed may be made.

    By the API server's dry runs: admission, quotas and rights are asked, and nothing is changed.
    """
    if loaded.experiment.target.kubernetes is None:
        return True
    import asyncio  # noqa: PLC0415 - only for pods

    from chaosmem.cli.doctor import tell  # noqa: PLC0415
    from chaosmem.run.diagnose_pods import rehearse  # noqa: PLC0415

    found = asyncio.run(rehearse(loaded))
    typer.echo("\ncontrol namespace, by dry runs")
    tell(found)
    return all(ailment.well or not ailment.needed for ailment in found)


def plan_lines(plan: Plan) -> list[str]:
    """The plan for people."""
    arms = sorted({t.arm for t in plan.trials})
    return [
        f"{plan.experiment}: {len(plan.rounds)} trial(s) of "
        f"{units.human_seconds(plan.trial_seconds)}"
        + (f" on {len(plan.targets)} targets side by side" if len(plan.targets) > 1 else "")
        + (f", arms {', '.join(arms)}" if len(arms) > 1 else ""),
        *(f"target   {t.name}: {t.detail}" for t in plan.targets),
        "",
        *_timeline(plan),
        "",
        *(line for f in plan.faults for line in _fault(f.id, f.does, f.proof, f.undo)),
        *(
            f"capture  {c.profile:<12} at {c.moment}{' after a forced GC' if c.gc else ''}"
            for c in plan.captures
        ),
        *(f"note     {n}" for n in plan.notes),
    ]


def _timeline(plan: Plan) -> list[str]:
    shown = [p for p in plan.phases if p.end > p.start]
    total = plan.trial_seconds or 1.0
    bar, names = "", []
    for phase in shown:
        width = max(2, round(_BAR * (phase.end - phase.start) / total))
        bar += "├" + "─" * (width - 1)
        names.append(f"{phase.phase} {units.human_seconds(phase.end - phase.start)}")
    return [f"phases   {bar}┤", f"         {' · '.join(names)}"]


def _fault(name: str, does: str, proof: str, undo: str) -> list[str]:
    return [
        f"fault    {name}: {does}",
        f"         proven when {proof}",
        f"         undone: {undo}",
    ]
