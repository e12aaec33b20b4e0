"""Plugins: faults, checks, reporters and endpoint finders of other packages, by entry point.

A package declares, in its pyproject.toml,

    [project.entry-points."chaosmem.faults"]
    descriptors = "my_package.plugin:DESCRIPTORS"

and `DESCRIPTORS` is a `FaultPlugin`. What a plugin does is named by `module:function`, and imported
only when a spec asks for it, so that a plugin costs a command that does not use it next to nothing.
docs/plugins.md tells the contract; `chaosmem.testing` holds tests of it for authors.

Nothing here imports what plugins extend, so that they may import it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final, TypeVar

from chaosmem.errors import UsageError

OFF: Final = "CHAOSMEM_PLUGINS"
"""Environment variable; `off` lets no plugin be loaded."""


@dataclass(frozen=True, slots=True)
class FaultPlugin:
    """A fault. Each reference is `module:function`.

    Attributes:
        model: a `chaosmem.spec.faults.FaultBase` with `kind: Literal[...]`; the spec's section.
        describe: (fault) -> `chaosmem.plan.words.Words`: what it does, its proof, its undo.
        act: (fault, `chaosmem.faults.Scene`) -> `chaosmem.faults.OutsideAct`.
        prove: (fault, record, trial, tolerance) -> tuple of `chaosmem.verify.proofs.Proof`, pure.
        finish: (facts) -> None: undo from what the act promised, by whoever comes after a SIGKILL;
            idempotent, touches nothing else, raises a ChaosmemError where it cannot.
    """

    model: type[Any]
    describe: str
    act: str
    prove: str
    finish: str


@dataclass(frozen=True, slots=True)
class CheckPlugin:
    """A check. Each reference is `module:function`, and both are pure.

    Attributes:
        model: a `chaosmem.spec.checks.CheckBase` with `kind: Literal[...]`; the spec's section.
        claim: (check) -> `chaosmem.verify.ruling.Claim`, known before anything is observed.
        judge: (check, trial, evidence) -> `chaosmem.verify.ruling.Ruling`; raises `Undecided` where
            the evidence cannot decide.
        outlives: it has something to say of a target that died or fell silent.
    """

    model: type[Any]
    claim: str
    judge: str
    outlives: bool = False


@dataclass(frozen=True, slots=True)
class ReporterPlugin:
    """A format of `chaosmem report --format NAME`.

    Attributes:
        render: `module:function`, (verdict, evidence) -> bytes, pure.
    """

    render: str


@dataclass(frozen=True, slots=True)
class FinderPlugin:
    """A driver that finds a running endpoint: `target: {endpoint: {find: {NAME: {...}}}}`.

    Attributes:
        model: a `chaosmem.spec.base.Model`: what stands below NAME.
        find: `module:function`, (model) -> `Found`; looks, and changes nothing.
    """

    model: type[Any]
    find: str


@dataclass(frozen=True, slots=True)
class Found:
    """Where an endpoint is.

    Attributes:
        url: base address, `http://127.0.0.1:8080`.
        pid: its process on this machine; None: it is elsewhere.
        detail: how it was found, for people.
    """

    url: str
    pid: int | None = None
    detail: str = ""


Plugin = TypeVar("Plugin", FaultPlugin, CheckPlugin, ReporterPlugin, FinderPlugin)

GROUPS: Final[Mapping[str, type[Any]]] = {
    "chaosmem.faults": FaultPlugin,
    "chaosmem.checks": CheckPlugin,
    "chaosmem.reporters": ReporterPlugin,
    "chaosmem.finders": FinderPlugin,
}
"""Entry point groups, each with what its entries must be."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One declared entry point.

    Attributes:
        group: the entry point group.
        name: the kind, as specs write it.
        package: the distribution and its version, `my-package 1.2`.
        plugin: what it is; None: it is not usable.
        problem: why not; empty: it is usable.
    """

    group: str
    name: str
    package: str
    plugin: Any = None
    problem: str = ""


def faults() -> Mapping[str, FaultPlugin]:
    """The usable fault plugins by kind."""
    return _usable("chaosmem.faults")


def checks() -> Mapping[str, CheckPlugin]:
    """The usable check plugins by kind."""
    return _usable("chaosmem.checks")


def reporters() -> Mapping[str, ReporterPlugin]:
    """The usable reporters by name."""
    return _usable("chaosmem.reporters")


def finders() -> Mapping[str, FinderPlugin]:
    """The usable endpoint finders by name."""
    return _usable("chaosmem.finders")


def _usable(group: str) -> Mapping[str, Any]:
    return {e.name: e.plugin for e in entries(group) if not e.problem}


@cache
def entries(group: str) -> tuple[Entry, ...]:
    """Every declared plugin of a group, also the unusable ones, each with what is wrong."""
    if os.environ.get(OFF) == "off":
        return ()
    found: dict[str, Entry] = {}
    for point in sorted(entry_points(group=group), key=lambda p: (p.name, _package(p))):
        entry, first = _loaded(point), found.get(point.name)
        if first is not None:
            problem = f"{first.package} and {entry.package} both declare it; uninstall one"
            entry = Entry(group, point.name, first.package, problem=problem)
        found[point.name] = entry
    return tuple(found.values())


def _package(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else "an unnamed package"


def _loaded(point: EntryPoint) -> Entry:
    package = _package(point)
    try:
        plugin = point.load()
    except Exception as error:  # noqa: BLE001 - a broken plugin breaks nothing but itself
        problem = f"{type(error).__name__}: {error}"
        return Entry(point.group, point.name, package, problem=f"cannot be imported: {problem}")
    return Entry(point.group, point.name, package, plugin, _misfit(point, plugin))


def _misfit(point: EntryPoint, plugin: object) -> str:
    wanted = GROUPS[point.group]
    if not isinstance(plugin, wanted):
        return f"{point.value} is a {type(plugin).__name__}, not a {wanted.__name__}"
    if point.group in ("chaosmem.faults", "chaosmem.checks"):
        kind = getattr(plugin.model.model_fields.get("kind"), "default", None)
        if kind != point.name:
            return f"the entry point is named {point.name}, its model's kind is {kind!r}"
    return ""


def call(reference: str) -> Callable[..., Any]:
    """What `module:function` names; UsageError where it is not there."""
    module, _, name = reference.partition(":")
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise UsageError(f"a plugin refers to {reference}, which is not there: {error}") from error
    if not callable(found):
        raise UsageError(f"a plugin refers to {reference}, which cannot be called")
    return found  # type: ignore[no-any-return]
