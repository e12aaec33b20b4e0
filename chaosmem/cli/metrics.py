"""`chaosmem metrics`: what is measured, under which name and version, in which unit."""

from __future__ import annotations

import json
from typing import Annotated, Literal

import typer


def add(app: typer.Typer) -> None:
    """Make the command part of `app`."""
    app.command(epilog="Example: chaosmem metrics memory.heap.live")(metrics)


def metrics(
    name: Annotated[
        str | None,
        typer.Argument(help="One of them: with or without version, or its Prometheus name."),
    ] = None,
    *,
    layer: Annotated[
        Literal["runtime", "os", "cgroup", "app", "stress"] | None,
        typer.Option(help="Only those that this layer counts."),
    ] = None,
    output: Annotated[Literal["text", "json", "markdown"], typer.Option("--format", "-o")] = "text",
) -> None:
    """List every measured series: name with version, unit, source, meaning."""
    from chaosmem.metrics import Layer, find, words  # noqa: PLC0415 - loaded when used

    if output == "markdown":
        typer.echo(words.markdown(), nl=False)
        return
    found = [find(name)] if name else list(words.of_layer(Layer(layer) if layer else None))
    if output == "json":
        typer.echo(json.dumps([words.as_json(m) for m in found], indent=1))
        return
    typer.echo("\n".join(words.one(found[0]) if name else words.table(found)))
