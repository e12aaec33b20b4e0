"""The secrets that a spec names, each with its place: what has to be there before a run begins."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from chaosmem.spec.errors import Path
from chaosmem.spec.notify import AnyChannel, Secret
from chaosmem.spec.prometheus import Prometheus


@dataclass(frozen=True, slots=True)
class Named:
    """A secret by where it is: a variable or a file, and the place that says so."""

    path: Path
    env: str | None = None
    file: str | None = None
    lines: bool = False
    """Whether it is a file of many lines: a certificate or a key."""


def of_prometheus(where: Prometheus | None) -> Iterator[Named]:
    """What the connection to Prometheus needs; certificates too, since a missing one ends it."""
    if where is None:
        return
    here = ("prometheus",)
    yield from _one((*here, "bearerEnv"), env=where.bearer_env)
    yield from _one((*here, "bearerFile"), file=where.bearer_file)
    yield from _one((*here, "basicPasswordEnv"), env=where.basic_password_env)
    yield from _one((*here, "basicPasswordFile"), file=where.basic_password_file)
    for header, variable in where.headers_env.items():
        yield Named((*here, "headersEnv", header), env=variable)
    if where.tls is not None:
        tls = where.tls
        for name, file in (
            ("caFile", tls.ca_file),
            ("certFile", tls.cert_file),
            ("keyFile", tls.key_file),
        ):
            if file is not None:
                yield Named((*here, "tls", name), file=file, lines=True)


def _one(path: Path, env: str | None = None, file: str | None = None) -> Iterator[Named]:
    if env is not None or file is not None:
        yield Named(path, env, file)


def of_channels(channels: Iterable[AnyChannel]) -> Iterator[Named]:
    """What the channels need."""
    for i, channel in enumerate(channels):
        for name, info in type(channel).model_fields.items():
            here: Path = ("notify", i, channel.kind, info.alias or name)
            yield from _within(here, getattr(channel, name))


def _within(path: Path, value: object) -> Iterator[Named]:
    if isinstance(value, Secret):
        yield Named((*path, "env" if value.env else "file"), value.env, value.file)
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _within((*path, name), inner)
