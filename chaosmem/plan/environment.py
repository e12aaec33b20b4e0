"""The environment of a Go process: settings merged, never overwritten blindly.

GODEBUG is a comma-separated list that Go reads left to right, the last one winning
(runtime1.go parsegodebug), so a merge replaces a key in its place and appends a new one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from chaosmem.spec.faults import RuntimeFault
from chaosmem.spec.model import Arm
from chaosmem.spec.target import ProcessTarget

Off = Literal["off"]


def merge_godebug(value: str, changes: Mapping[str, str]) -> str:
    """`value` with `changes` merged in: `("a=1,b=2", {"b": "3"})` gives `a=1,b=3`."""
    merged: dict[str, str] = {}
    for item in value.split(","):
        name, equals, setting = item.strip().partition("=")
        if name:
            merged[name] = setting if equals else ""
    merged |= changes
    return ",".join(f"{name}={setting}" for name, setting in merged.items())


def runtime_changes(
    gogc: int | Off | None, gomemlimit: int | Off | None, godebug: Mapping[str, str]
) -> dict[str, str]:
    """Environment changes for these settings; GODEBUG's value is still to be merged."""
    changes: dict[str, str] = {}
    if gogc is not None:
        changes["GOGC"] = str(gogc)
    if gomemlimit is not None:
        changes["GOMEMLIMIT"] = "off" if gomemlimit == "off" else f"{gomemlimit}B"
    if godebug:
        changes["GODEBUG"] = ",".join(f"{k}={v}" for k, v in godebug.items())
    return changes


def merge(base: Mapping[str, str], changes: Mapping[str, str]) -> dict[str, str]:
    """`base` with `changes`, GODEBUG merged key by key."""
    merged = dict(base)
    for name, value in changes.items():
        if name == "GODEBUG":
            pairs = (item.partition("=")[::2] for item in value.split(",") if item)
            merged[name] = merge_godebug(base.get(name, ""), dict(pairs))
        else:
            merged[name] = value
    return merged


def process_environment(
    inherited: Mapping[str, str], target: ProcessTarget, arm: Arm, *, own: Mapping[str, str]
) -> dict[str, str]:
    """The whole environment: inherited, then the target's, the arm's, and chaosmem's own."""
    env = merge(inherited, target.env)
    env = merge(env, arm.env)
    env = merge(env, runtime_changes(arm.gogc, arm.gomemlimit, arm.godebug))
    if target.gctrace:
        env = merge(env, {"GODEBUG": "gctrace=1"})
    return env | dict(own)


def fault_changes(fault: RuntimeFault) -> dict[str, str]:
    """Environment changes of a runtime fault."""
    return runtime_changes(fault.gogc, fault.gomemlimit, fault.godebug)
