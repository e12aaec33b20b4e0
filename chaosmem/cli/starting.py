"""`schema`, `init`, `version --all`."""

from __future__ import annotations

import json
import platform
from importlib.metadata import version
from pathlib import Path

import typer

from chaosmem import __version__, spec
from chaosmem.drivers import gotool
from chaosmem.errors import ToolchainMissing, UsageError

_SHOWN = ("pydantic", "numpy", "aiohttp", "typer", "rich", "pyyaml", "jinja2", "kubernetes")


def print_schema() -> None:
    """The JSON Schema of an experiment."""
    typer.echo(json.dumps(spec.json_schema(), indent=2))


def write_template(path: Path, *, force: bool) -> None:
    """A commented spec; UsageError where the file is there already."""
    if path.exists() and not force:
        raise UsageError(f"{path} is there already", hint="--force overwrites it")
    try:
        path.write_text(spec.template())
    except OSError as problem:
        raise UsageError(f"cannot write {path}: {problem.strerror}") from problem
    typer.echo(f"wrote {path}; next: chaosmem plan {path}, then chaosmem run {path}")


def print_versions() -> None:
    """chaosmem, Go, Python, host and the libraries that the numbers rest on."""
    rows = [("chaosmem", __version__), ("go", _go()), ("python", platform.python_version())]
    rows += [("kernel", f"{platform.system()} {platform.release()} {platform.machine()}")]
    rows += [(name, version(name)) for name in _SHOWN]
    for name, value in rows:
        typer.echo(f"{name:<12} {value}")


def _go() -> str:
    try:
        go = gotool.find()
    except ToolchainMissing as problem:
        return f"missing: {problem}"
    return go.version
