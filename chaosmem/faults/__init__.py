"""Faults: what the plan names, acted out on a target. `act` gives the one for a spec."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, cast

from chaosmem import plugins
from chaosmem.errors import FaultRefused
from chaosmem.faults.base import FaultAct, OutsideAct, Scene
from chaosmem.faults.inside import Goroutines, Heap, LiveRuntime
from chaosmem.faults.load import ClusterLoad, HttpLoad
from chaosmem.faults.memory import HelperMemory
from chaosmem.faults.restart import RestartRuntime
from chaosmem.faults.rollout import RolloutRuntime
from chaosmem.spec.faults import Fault, LoadFault, MemoryFault

__all__ = ["FaultAct", "OutsideAct", "Scene", "act", "holder", "promised"]


def _load(spec: LoadFault, scene: Scene) -> FaultAct:
    from_here = scene.pod is None or scene.pod.loader is None
    return HttpLoad(spec, scene) if from_here else ClusterLoad(spec, scene)


def _mesh(spec: MemoryFault, scene: Scene) -> FaultAct:
    from chaosmem.faults.chaos_mesh import MeshMemory  # noqa: PLC0415 - a local run does without

    if scene.pod is None or scene.pod.chaos_mesh is None:
        raise FaultRefused("only pods can be pressed by Chaos Mesh")
    return MeshMemory(spec, scene.pod.chaos_mesh, scene.clock)


_ACTS: Final[Mapping[tuple[str, str], Callable[[Any, Scene], FaultAct]]] = {
    ("heap", "agent"): Heap,
    ("goroutines", "agent"): Goroutines,
    ("runtime", "agent"): LiveRuntime,
    ("runtime", "restart"): RestartRuntime,
    ("runtime", "rollout"): RolloutRuntime,
    ("load", ""): _load,
    ("memory", "helper"): HelperMemory,
    ("memory", "chaos-mesh"): _mesh,
}


def act(spec: Fault, scene: Scene) -> FaultAct:
    """The acting fault for a declared one."""
    via = str(getattr(spec, "via", ""))
    found = _ACTS.get((spec.kind, via))
    if found is not None:
        return found(spec, scene)
    plugin = plugins.faults().get(spec.kind)
    if plugin is None:
        raise FaultRefused(f"there is nothing that acts out a {spec.kind} fault via {via}")
    acting: OutsideAct = plugins.call(plugin.act)(spec, scene)
    return acting


def holder(spec: Fault, scene: Scene | None = None) -> str:
    """Who holds what the fault does, under a lease: `agent`, `helper`, `loader`, or nobody ("")."""
    if isinstance(spec, LoadFault):
        return "loader" if scene and scene.pod and scene.pod.loader else ""
    via = str(getattr(spec, "via", ""))
    return via if via in ("agent", "helper") else ""


def promised(spec: Fault, acting: FaultAct) -> Mapping[str, str] | None:
    """What a plugin's fault promises before it acts; None: an own fault, which a lease holds."""
    own = (spec.kind, str(getattr(spec, "via", ""))) in _ACTS
    return None if own else cast("OutsideAct", acting).promise()
