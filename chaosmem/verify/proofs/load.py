"""HTTP load: requests sent a second, and that the target really answered."""

from __future__ import annotations

from chaosmem.evidence.model import FaultRecord, Trial, Window
from chaosmem.metrics import LOAD_FAILED, LOAD_OK, LOAD_SENT, Metric
from chaosmem.spec.faults import LoadFault
from chaosmem.verify import ground
from chaosmem.verify.proofs.base import ACTED, Proof, pointers
from chaosmem.verify.ruling import number
from chaosmem.verify.words import percent

_ANSWERED = 0.5
"""Least share of sent requests that must be answered: mostly refused requests are no load on the
service, only proof that it is not there."""


def load(fault: LoadFault, record: FaultRecord, trial: Trial, tolerance: float) -> Proof:
    """The rate of sent requests must reach the asked one, less tolerance; half must be answered."""
    acted = ground.acts(record, trial)
    sent = ground.samples(trial, LOAD_SENT, acted, 1, ACTED)
    shots, ok, lost = (_grown(trial, m, acted) for m in (LOAD_SENT, LOAD_OK, LOAD_FAILED))
    per_second, error = shots / acted.seconds, 1 / acted.seconds
    share = ok / shots if shots else 0.0
    why = ""
    if per_second < fault.rate * (1 - tolerance):
        why = f"only {per_second:.1f} requests/s were sent of the {fault.rate:g}/s asked for"
    elif share < _ANSWERED:
        why = (
            f"only {percent(share)} of {shots:.0f} requests were answered "
            f"({lost:.0f} failed), so the load did not reach the service"
        )
    return Proof(
        "load",
        f"{fault.rate:g} requests/s",
        f"{per_second:.1f} sent/s",
        f"{percent(share)} answered",
        not why,
        why,
        {"sent": number(per_second, "1/s", error), "answered share": number(share, "1")},
        pointers(sent),
    )


def _grown(trial: Trial, metric: Metric, window: Window) -> float:
    """How far a count that rises by one a request rose in `window`.

    Not from sample to sample: while the service stalls no request ends, and none is counted.
    """
    series = trial.of(metric)
    inside, before = series.within(window), series.v[series.t < window.start]
    if not len(inside):
        return 0.0
    return float(inside.v[-1]) - (float(before[-1]) if len(before) else 0.0)
