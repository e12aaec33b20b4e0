"""Secrets that a spec or a file of channels names: all there, or nothing is begun."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from chaosmem.drivers.secrets import readable, secret
from chaosmem.errors import ChaosmemError
from chaosmem.spec import nodes, secrets
from chaosmem.spec.errors import Problem, SpecInvalid
from chaosmem.spec.notifyfile import Channels, load_channels
from chaosmem.spec.reader import Loaded
from chaosmem.spec.secrets import Named

if TYPE_CHECKING:
    from chaosmem.notify.channels import Ready


def refuse_missing(loaded: Loaded, name: str, machine: Path | None = None) -> tuple[Ready, ...]:
    """The channels of the spec and of the machine's file, ready to send.

    Raises:
        SpecInvalid: naming the place of every secret that is not there, or of no use.
        SpecError: there is no such file.
    """
    more = load_channels(machine) if machine else None
    experiment = loaded.experiment
    if experiment.prometheus is None and not experiment.notify and more is None:
        return ()
    document = nodes.read(loaded.text, file=name)
    own = Channels(experiment.notify, document)
    problems = list(_missing(secrets.of_prometheus(experiment.prometheus), document))
    ready = [r for source in (own, more) if source for r in _ready(source, problems)]
    if problems:
        raise SpecInvalid(problems)
    return tuple(ready)


def channels_of(sources: Iterable[Channels]) -> tuple[Ready, ...]:
    """The channels of `sources`, ready to send; SpecInvalid as above."""
    problems: list[Problem] = []
    ready = [r for source in sources for r in _ready(source, problems)]
    if problems:
        raise SpecInvalid(problems)
    return tuple(ready)


def _ready(source: Channels, problems: list[Problem]) -> list[Ready]:
    missing = list(_missing(secrets.of_channels(source.channels), source.document))
    problems += missing
    if missing or not source.channels:
        return []
    from chaosmem.notify.channels import made_ready  # noqa: PLC0415 - only where there is one

    found: list[Ready] = []
    for i, channel in enumerate(source.channels):
        try:
            found.append(made_ready(channel))
        except ChaosmemError as problem:
            problems.append(source.document.problem(("notify", i, channel.kind), _worded(problem)))
    return found


def _missing(named: Iterable[Named], document: nodes.Document) -> Iterator[Problem]:
    for one in named:
        try:
            if one.lines and one.file is not None:
                readable(one.file)
            else:
                secret(one.env, one.file)
        except ChaosmemError as problem:
            yield document.problem(one.path, _worded(problem))


def _worded(problem: ChaosmemError) -> str:
    return f"{problem}; {problem.hint}" if problem.hint else str(problem)
