"""`schema`, `init`, `version --all`."""

from __future__ import annotations

import json
import platform
from importlib.metadata import version
from pathlib import Path

import typer

from chaosmem import __version__, plugins, spec
from chaosmem.drivers import gotool
from chaosmem.errors import ToolchainMissing, UsageError

_SHOWN = ("pydantic", "numpy", "aiohttp", "typer", "rich", "pyyaml", "jinja2", "kubernetes")


def print_schema(kind: str = "experiment") -> None:
    """The JSON Schema of an experiment, or of a campaign."""
    if kind == "campaign":
        from chaosmem.spec.campaign_schema import campaign_schema  # noqa: PLC0415 - when used

        typer.echo(json.dumps(campaign_schema(), indent=2))
        return
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


def write_agent(directory: Path, *, force: bool) -> None:
    """The agent as a Go module of its own, to be replaced into a service's go.mod."""
    if directory.exists() and not force:
        raise UsageError(f"{directory} is there already", hint="--force overwrites it")
    source = gotool.builtin_module()
    files = [source / "go.mod", *sorted((source / "agent").glob("*.go"))]
    try:
        for file in files:
            if not file.name.endswith("_test.go"):
                place = directory / file.relative_to(source)
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(file.read_bytes())
    except OSError as problem:
        raise UsageError(f"cannot write {directory}: {problem.strerror}") from problem
    typer.echo(f"wrote the agent to {directory}; next, in your service's module:")
    typer.echo(f"  go mod edit -require=chaosmem@v0.0.0 -replace=chaosmem={_relative(directory)}")
    typer.echo('  import "chaosmem/agent", and call agent.Mount(mux) beside net/http/pprof')


def _relative(directory: Path) -> str:
    """A path as go.mod wants it: absolute, or beginning with ./ or ../."""
    text = directory.as_posix()
    return text if directory.is_absolute() or text.startswith("..") else f"./{text}"


def print_versions() -> None:
    """chaosmem, Go, Python, host and the libraries that the numbers rest on."""
    rows = [("chaosmem", __version__), ("go", _go()), ("python", platform.python_version())]
    rows += [("kernel", f"{platform.system()} {platform.release()} {platform.machine()}")]
    rows += [(name, version(name)) for name in _SHOWN]
    for name, value in rows:
        typer.echo(f"{name:<12} {value}")
    for entry in (e for group in plugins.GROUPS for e in plugins.entries(group)):
        what = entry.problem or entry.group.removeprefix("chaosmem.")
        typer.echo(f"plugin       {entry.name} ({entry.package}): {what}")


def _go() -> str:
    try:
        go = gotool.find()
    except ToolchainMissing as problem:
        return f"missing: {problem}"
    return go.version
