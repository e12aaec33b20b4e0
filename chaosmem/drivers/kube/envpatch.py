"""A container's environment changed, and given back exactly. Pure: JSON in, JSON out.

Each variable's former entry is kept as it was written (a literal, `valueFrom`, or none), and so is
ours. On the way back a variable that is neither was changed by somebody else in the meantime: then
nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict

from chaosmem.drivers.kube.kinds import JsonObject, Ref
from chaosmem.errors import PlanRefused, UndoIncomplete
from chaosmem.plan.environment import merge

Entry = dict[str, Any]


class Variable(BaseModel):
    """One variable: its entry before (None: there was none), and ours."""

    model_config = ConfigDict(frozen=True)

    name: str
    before: Entry | None
    ours: Entry


class EnvUndo(BaseModel):
    """Everything that a revert needs; written down before the change."""

    model_config = ConfigDict(frozen=True)

    ref: Ref
    container: str
    variables: tuple[Variable, ...]
    had_env: bool
    """Whether the container had an `env` list at all."""


def env_path(workload: JsonObject, container: str) -> tuple[str, JsonObject]:
    """JSON pointer to the container, and the container; PlanRefused where there is none."""
    containers = workload["spec"]["template"]["spec"]["containers"]
    for index, found in enumerate(containers):
        if found["name"] == container:
            return f"/spec/template/spec/containers/{index}", found
    names = ", ".join(c["name"] for c in containers)
    raise PlanRefused(f"the workload has no container {container!r}; it has: {names}")


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What variables have from ConfigMaps: by `valueFrom`, or by `envFrom`."""

    values: Mapping[str, str]


def plan_env(
    ref: Ref, workload: JsonObject, container: str, changes: Mapping[str, str], found: Elsewhere
) -> EnvUndo:
    """The change, worked out; GODEBUG is merged into its present value, others replace theirs."""
    _, there = env_path(workload, container)
    entries = {e["name"]: e for e in there.get("env") or []}
    variables = tuple(
        Variable(
            name=name,
            before=entries.get(name),
            ours={"name": name, "value": _value(name, value, entries.get(name), found)},
        )
        for name, value in changes.items()
    )
    return EnvUndo(ref=ref, container=container, variables=variables, had_env="env" in there)


def _value(name: str, value: str, entry: Entry | None, found: Elsewhere) -> str:
    if name != "GODEBUG":
        return value
    if entry is not None and "valueFrom" in entry and name not in found.values:
        source = next(iter(entry["valueFrom"]))
        raise PlanRefused(
            f"{name} comes from a {source}, which is not read, so nothing can be merged into it",
            hint="write it as a literal, or take it from a ConfigMap",
        )
    now = (entry or {}).get("value") or found.values.get(name, "")
    return merge({name: now}, {name: value})[name]


def applied(undo: EnvUndo, env: list[Entry]) -> list[Entry]:
    """`env` with our entries in their places, new ones at the end."""
    ours = {v.name: v.ours for v in undo.variables}
    kept = [ours.pop(e["name"], e) for e in env]
    return [*kept, *ours.values()]


def reverted(undo: EnvUndo, env: list[Entry]) -> list[Entry]:
    """`env` as it was; UndoIncomplete names what somebody else has changed since."""
    now = {e["name"]: e for e in env}
    foreign = [v.name for v in undo.variables if now.get(v.name) not in (_bare(v.ours), v.before)]
    if foreign:
        raise UndoIncomplete(
            f"{undo.ref}: {', '.join(foreign)} of container {undo.container} was changed by "
            "somebody else since",
            hint="put it right by hand; what it was before is in the run's plan of its undo",
        )
    before = {v.name: v.before for v in undo.variables}
    found = [before.get(e["name"], e) if e["name"] in before else e for e in env]
    return [e for e in found if e is not None]


def _bare(entry: Entry) -> Entry:
    """As the API server keeps it: an empty value is left out."""
    return {k: v for k, v in entry.items() if v != ""}
