"""Options of `run` for whoever scrapes it; what they do is imported when they are given."""

from __future__ import annotations

from typing import Annotated

import typer

Port = Annotated[
    str | None,
    typer.Option(
        metavar="[ADDRESS:]PORT",
        envvar="CHAOSMEM_METRICS_PORT",
        help="Meanwhile serve the run's metrics to Prometheus here; loopback unless an address "
        "is named.",
    ),
]
Linger = Annotated[
    str,
    typer.Option(
        envvar="CHAOSMEM_METRICS_LINGER",
        help="Afterwards wait so long for one scrape of the verdict, for example 30s.",
    ),
]
