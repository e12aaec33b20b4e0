"""Proof that a fault took effect: the agent's own count and the runtime's, side by side."""

from __future__ import annotations

from chaosmem import plugins
from chaosmem.evidence.model import FaultRecord, Trial
from chaosmem.spec.faults import (
    FaultBase,
    GoroutinesFault,
    HeapFault,
    LoadFault,
    MemoryFault,
    RuntimeFault,
)
from chaosmem.verify.proofs.base import Proof
from chaosmem.verify.proofs.goroutines import goroutines
from chaosmem.verify.proofs.heap import churn, retained
from chaosmem.verify.proofs.load import load
from chaosmem.verify.proofs.memory import memory
from chaosmem.verify.proofs.settings import settings
from chaosmem.verify.ruling import Undecided

__all__ = ["Proof", "prove"]


def prove(record: FaultRecord, trial: Trial, tolerance: float) -> tuple[Proof, ...]:
    """The proofs of one fault, at least one; `Undecided` where there is nothing to go by."""
    match record.planned.fault:
        case HeapFault() as fault:
            kept = (retained(fault, record, trial, tolerance),) if fault.retain else ()
            garbage = (churn(fault, record, trial, tolerance),) if fault.churn else ()
            return kept + garbage
        case GoroutinesFault() as fault:
            return (goroutines(fault, record, trial, tolerance),)
        case RuntimeFault() as fault:
            return settings(fault, record, trial)
        case LoadFault() as fault:
            return (load(fault, record, trial, tolerance),)
        case MemoryFault() as fault:
            return (memory(fault, record, trial, tolerance),)
        case _ as fault:  # a plugin's
            return _by_plugin(fault, record, trial, tolerance)


def _by_plugin(
    fault: FaultBase, record: FaultRecord, trial: Trial, tolerance: float
) -> tuple[Proof, ...]:
    kind = str(getattr(fault, "kind", ""))
    plugin = plugins.faults().get(kind)
    if plugin is None:
        raise Undecided(f"the plugin of the fault {kind} is not installed here")
    return tuple(plugins.call(plugin.prove)(fault, record, trial, tolerance))
