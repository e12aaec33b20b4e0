"""`chaosmem retire`: what the chart runs before it is uninstalled."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from chaosmem.errors import UndoIncomplete


def add(app: typer.Typer) -> None:
    """Make this command part of `app`."""
    app.command(
        epilog="Example: chaosmem retire --namespace runner --selector "
        "app.kubernetes.io/instance=monthly"
    )(retire)


def retire(
    *,
    namespace: Annotated[str, typer.Option(help="Where the release's CronJobs and Jobs are.")],
    selector: Annotated[str, typer.Option(help="Labels of its CronJobs, Jobs and pods.")],
    control: Annotated[str, typer.Option(help="The control namespace, to be swept.")] = "chaosmem",
    context: Annotated[str | None, typer.Option(help="Context of the kubeconfig.")] = None,
    within: Annotated[float, typer.Option(help="Seconds that all of it may take.")] = 600.0,
) -> None:
    """End a release's runs, wait for their undo, sweep what killed runs left.

    Run by the chart before it is uninstalled, while the rights to undo are still there.
    """
    from chaosmem.run.retire import end_runs, sweep_all  # noqa: PLC0415 - 0.4 s

    async def work() -> None:
        async with asyncio.timeout(within):
            await end_runs(namespace, selector, context, _say)
            await sweep_all(control, context, _say)

    try:
        asyncio.run(work())
    except TimeoutError as problem:
        raise UndoIncomplete(
            f"not within {within:g} s: the release still has runs, or another's go on in {control}",
            hint=f"kubectl -n {namespace} get jobs,pods; chaosmem sweep --namespace {control}",
        ) from problem


def _say(text: str) -> None:
    typer.echo(f"chaosmem: {text}", err=True)
