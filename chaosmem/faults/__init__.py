"""Faults: what the plan names, acted out on a target. `act` gives the one for a spec."""

from __future__ import annotations

from chaosmem.errors import FaultRefused
from chaosmem.faults.base import FaultAct, Scene
from chaosmem.faults.inside import Goroutines, Heap, LiveRuntime
from chaosmem.faults.load import HttpLoad
from chaosmem.faults.restart import RestartRuntime
from chaosmem.spec.faults import Fault, GoroutinesFault, HeapFault, LoadFault, RuntimeFault

__all__ = ["FaultAct", "Scene", "act", "holder"]


def act(spec: Fault, scene: Scene) -> FaultAct:
    """The acting fault for a declared one."""
    match spec:
        case HeapFault():
            return Heap(spec, scene)
        case GoroutinesFault():
            return Goroutines(spec, scene)
        case RuntimeFault(via="agent"):
            return LiveRuntime(spec, scene)
        case RuntimeFault(via="restart"):
            return RestartRuntime(spec, scene)
        case LoadFault():
            return HttpLoad(spec, scene)
        case _:
            raise FaultRefused(f"the {spec.kind} fault needs a cluster; there is no driver for it")


def holder(spec: Fault) -> str:
    """Who holds what the fault does, under a lease: `agent`, `helper`, or nobody (empty)."""
    via = str(getattr(spec, "via", ""))
    return via if via in ("agent", "helper") else ""
