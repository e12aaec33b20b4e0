"""`chaosmem notify`: whether messages arrive."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from chaosmem.spec.notifyfile import Channels

app = typer.Typer(help="Who is told of verdicts and guards.", no_args_is_help=True)

Machine = Annotated[
    Path | None,
    typer.Option("--notify", envvar="CHAOSMEM_NOTIFY", help="YAML file of channels for all runs."),
]


@app.callback()
def _group() -> None:
    """Keep `test` a command of its own, though it is the only one."""


@app.command("test", epilog="Example: chaosmem notify test --spec experiments/quickstart.yaml")
def try_channels(
    *,
    spec: Annotated[
        Path | None, typer.Option(help="An experiment, whose channels are tried too.")
    ] = None,
    notify: Machine = None,
) -> None:
    """Send a test message to every channel, and say of each whether it arrived."""
    from chaosmem.cli.secrets import channels_of  # noqa: PLC0415 - loaded when used
    from chaosmem.errors import Exit, UsageError  # noqa: PLC0415
    from chaosmem.notify import compose  # noqa: PLC0415
    from chaosmem.notify.delivery import Dispatcher  # noqa: PLC0415

    name, sources = _sources(spec, notify)
    channels = channels_of(sources)
    if not channels:
        raise UsageError(
            "there is no channel to try", hint="name a spec or a file that has a `notify:` section"
        )
    sender = Dispatcher(channels, lambda _: None)
    sender.send(compose.of_test(name))
    ended = sender.finish()
    for one in ended:
        said = f"arrived {one.detail}".rstrip() if one.ok else f"NOT told: {one.error}"
        typer.echo(f"{one.to}: {said} ({one.seconds:.1f} s)")
    sys.exit(Exit.PASS if all(one.ok for one in ended) else Exit.FAIL)


def _sources(spec: Path | None, notify: Path | None) -> tuple[str, list[Channels]]:
    """The experiment's name, and the channels of the spec and of the machine's file."""
    from chaosmem.spec import load, nodes  # noqa: PLC0415 - loaded when used
    from chaosmem.spec.notifyfile import Channels, load_channels  # noqa: PLC0415

    name, found = "", []
    if spec is not None:
        loaded = load(spec)
        name = loaded.experiment.metadata.name
        document = nodes.read(loaded.text, file=str(spec))
        found.append(Channels(loaded.experiment.notify, document))
    if notify is not None:
        found.append(load_channels(notify))
    return name, found
