"""Proof that a fault took effect: the agent's own count and the runtime's, side by side."""

from __future__ import annotations

from chaosmem.evidence.model import FaultRecord, Trial
from chaosmem.spec.faults import (
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
