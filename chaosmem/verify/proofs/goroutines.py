"""A goroutine surge: what the agent holds, and how far runtime.NumGoroutine rose."""

from __future__ import annotations

import numpy as np

from chaosmem.evidence.model import FaultRecord, Trial
from chaosmem.metrics import GOROUTINES, GOROUTINES_HELD
from chaosmem.spec.faults import GoroutinesFault
from chaosmem.verify import ground
from chaosmem.verify.proofs.base import Proof, baseline_median, claim_fault, plateau, pointers
from chaosmem.verify.ruling import number
from chaosmem.verify.words import plain


def goroutines(
    fault: GoroutinesFault, record: FaultRecord, trial: Trial, tolerance: float
) -> Proof:
    """Held and counted must both have risen by the asked count, less the tolerance."""
    least = fault.count * (1 - tolerance)
    top = plateau(record, trial, GOROUTINES_HELD, least)
    base, before = baseline_median(trial, GOROUTINES)
    acted = top.window or ground.acts(record, trial)
    counted = ground.samples(trial, GOROUTINES, acted, 1, "the surge")
    rise = float(np.median(counted.v)) - base
    why = claim_fault(top, f"{fault.count} goroutines", fault.count, tolerance, "1")
    if not why and rise < least:
        why = (
            f"the agent claims {plain(top.peak)} goroutines, but runtime.NumGoroutine rose by only "
            f"{plain(rise)} above its baseline of {plain(base)}"
        )
    return Proof(
        "goroutines",
        plain(fault.count),
        f"{plain(top.peak)} held",
        f"{rise:+.0f} above {plain(base)}",
        not why,
        why,
        {"held goroutines": number(top.peak, "1"), "risen goroutines": number(rise, "1")},
        pointers(top.held, before, counted),
    )
