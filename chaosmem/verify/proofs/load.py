"""HTTP load: requests sent a second, and that the target really answered."""

from __future__ import annotations

from chaosmem.evidence.model import FaultRecord, Series, Trial
from chaosmem.metrics import LOAD_FAILED, LOAD_OK, LOAD_SENT
from chaosmem.spec.faults import LoadFault
from chaosmem.verify import ground
from chaosmem.verify.proofs.base import Proof, pointers, rate
from chaosmem.verify.ruling import number
from chaosmem.verify.words import percent

_ANSWERED = 0.5
"""Least share of sent requests that must be answered: mostly refused requests are no load on the
service, only proof that it is not there."""


def load(fault: LoadFault, record: FaultRecord, trial: Trial, tolerance: float) -> Proof:
    """The rate of sent requests must reach the asked one, less tolerance; half must be answered."""
    acted = ground.acts(record, trial)
    sent = ground.samples(trial, LOAD_SENT, acted, 2, "the time that the load ran")
    answered, failed = (trial.of(m).within(acted) for m in (LOAD_OK, LOAD_FAILED))
    per_second, error = rate(sent) or (0.0, 0.0)
    shots, ok = _grown(sent), _grown(answered)
    share = ok / shots if shots else 0.0
    why = ""
    if per_second < fault.rate * (1 - tolerance):
        why = f"only {per_second:.1f} requests/s were sent of the {fault.rate:g}/s asked for"
    elif share < _ANSWERED:
        why = (
            f"only {percent(share)} of {shots:.0f} requests were answered "
            f"({_grown(failed):.0f} failed), so the load did not reach the service"
        )
    return Proof(
        "load",
        f"{fault.rate:g} requests/s",
        f"{per_second:.1f} sent/s",
        f"{percent(share)} answered",
        not why,
        why,
        {"sent": number(per_second, "1/s", error), "answered share": number(share, "1")},
        pointers(sent, answered, failed),
    )


def _grown(series: Series) -> float:
    return float(series.v[-1] - series.v[0]) if len(series) else 0.0
