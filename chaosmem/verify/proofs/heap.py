"""Retained heap and churn: what the agent holds and allocates, and what the Go runtime measures."""

from __future__ import annotations

import numpy as np

from chaosmem.evidence.model import FaultRecord, Series, Trial, Window
from chaosmem.metrics import CHURNED, GC_CYCLES, HEAP_ALLOC, HEAP_ALLOCATED, HEAP_HELD, HEAP_LIVE
from chaosmem.spec.base import Phase
from chaosmem.spec.faults import HeapFault
from chaosmem.units import human_bytes
from chaosmem.verify import ground
from chaosmem.verify.proofs.base import (
    ACTED,
    Proof,
    baseline_median,
    claim_fault,
    plateau,
    pointers,
    rate,
)
from chaosmem.verify.ruling import number


def retained(fault: HeapFault, record: FaultRecord, trial: Trial, tolerance: float) -> Proof:
    """Held heap and the runtime's heap must both have risen by the asked bytes, less tolerance.

    The runtime's number is the live heap where a GC cycle ended on the plateau (it counts what is
    really reachable), else the heap objects (live or not yet swept).
    """
    least = fault.retain * (1 - tolerance)
    top = plateau(record, trial, HEAP_HELD, least)
    name, rise, seen = _risen(trial, top.window or ground.acts(record, trial))
    why = claim_fault(top, human_bytes(fault.retain), fault.retain, tolerance, "By")
    if not why and rise < least:
        why = (
            f"the agent claims {human_bytes(top.peak)} of retained heap, but the runtime's {name} "
            f"rose by only {human_bytes(rise)} above the baseline"
        )
    return Proof(
        "retained heap",
        human_bytes(fault.retain),
        f"{human_bytes(top.peak)} held",
        f"{name} {'+' if rise >= 0 else ''}{human_bytes(rise)}",
        not why,
        why,
        {"held heap": number(top.peak, "By"), f"risen {name}": number(rise, "By")},
        pointers(top.held, *seen),
    )


def _risen(trial: Trial, window: Window) -> tuple[str, float, tuple[Series, ...]]:
    """How far the runtime's heap rose from the baseline to `window`: name, bytes, samples."""
    cycles = trial.of(GC_CYCLES).within(window)
    live = trial.of(HEAP_LIVE)
    if len(cycles) and cycles.v[-1] > cycles.v[0] and len(live.within(window)):
        base, before = baseline_median(trial, HEAP_LIVE)
        top = live.within(window)
        return "live heap", float(top.v.max()) - base, (before, top)
    base, before = baseline_median(trial, HEAP_ALLOC)
    top = ground.samples(trial, HEAP_ALLOC, window, 1, "the time that the heap was held")
    return "heap objects", float(np.median(top.v)) - base, (before, top)


def churn(fault: HeapFault, record: FaultRecord, trial: Trial, tolerance: float) -> Proof:
    """Garbage claimed and /gc/heap/allocs must both grow at the asked rate, less tolerance.

    From the runtime's rate the baseline's is subtracted: the service allocates by itself.
    """
    acted, least = ground.acts(record, trial), fault.churn * (1 - tolerance)
    claimed = ground.covering(trial, CHURNED, acted, ACTED)
    allocated = ground.covering(trial, HEAP_ALLOCATED, acted, ACTED)
    baseline = ground.phase(trial, Phase.BASELINE)
    before = ground.samples(trial, HEAP_ALLOCATED, baseline, 2, "the baseline phase")
    said, grown, own = (_rate(s) for s in (claimed, allocated, before))
    extra = grown - own
    why = ""
    if said < least:
        why = (
            f"the agent churned {human_bytes(said)}/s of the {human_bytes(fault.churn)}/s asked for"
        )
    elif extra < least:
        why = (
            f"the agent claims {human_bytes(said)}/s of garbage, but the runtime's allocations "
            f"grew by only {human_bytes(extra)}/s above the baseline's {human_bytes(own)}/s"
        )
    return Proof(
        "churn",
        f"{human_bytes(fault.churn)}/s",
        f"{human_bytes(said)}/s",
        f"allocations {'+' if extra >= 0 else ''}{human_bytes(extra)}/s",
        not why,
        why,
        {"claimed churn": number(said, "By/s"), "risen allocations": number(extra, "By/s")},
        pointers(claimed, allocated, before),
    )


def _rate(series: Series) -> float:
    found = rate(series)
    return 0.0 if found is None else found[0]
