"""What a proof says, and the readings that proofs share."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from chaosmem.evidence.model import FaultRecord, Series, Trial, Window
from chaosmem.metrics import Metric
from chaosmem.spec.base import Phase
from chaosmem.verify import ground
from chaosmem.verify.model import Number, Pointer
from chaosmem.verify.ruling import of_series
from chaosmem.verify.words import amount, at


@dataclass(frozen=True, slots=True)
class Proof:
    """One quantity that a fault must have moved.

    Attributes:
        what: the quantity, `retained heap`.
        asked, claimed, measured: what the spec asked for, what the agent (or chaosmem's own load)
            says, and what the Go runtime says, in words with units.
        proven: both are there, within the tolerance.
        why: why not; empty when proven.
    """

    what: str
    asked: str
    claimed: str
    measured: str
    proven: bool
    why: str = ""
    numbers: dict[str, Number] = field(default_factory=dict)
    evidence: tuple[Pointer, ...] = ()


ACTED = "the time that the fault acted"


@dataclass(frozen=True, slots=True)
class Plateau:
    """The stretch in which a claimed amount had reached what was asked.

    `fell` is when it fell below that again although the fault still acted; None: it stayed.
    """

    held: Series
    peak: float
    window: Window | None
    fell: float | None

    @property
    def reached(self) -> bool:
        """Whether it ever did."""
        return self.window is not None


def plateau(record: FaultRecord, trial: Trial, metric: Metric, least: float) -> Plateau:
    """Where `metric` was at `least` or above while the fault acted."""
    acted = ground.acts(record, trial)
    held = ground.covering(trial, metric, acted, ACTED)
    full = np.flatnonzero(held.v >= least)
    if not len(full):
        return Plateau(held, float(held.v.max()), None, None)
    short = np.flatnonzero(held.v[full[0] :] < least)
    fell = float(held.t[full[0] + short[0]]) if len(short) else None
    window = Window(float(held.t[full[0]]), acted.end)
    return Plateau(held, float(held.v.max()), window, fell)


def claim_fault(top: Plateau, what: str, asked: float, tolerance: float, unit: str) -> str:
    """Why the claim itself is not what was asked; empty: it is."""
    if not top.reached:
        return f"the agent held at most {amount(top.peak, unit)} of the {what} asked for"
    if top.fell is not None:
        return (
            f"the agent let go of it at {at(top.fell)}, while the fault still acted: its lease "
            "ended (deadline, or missed heartbeats)"
        )
    if top.peak > asked * (1 + tolerance):
        return f"the agent claims {amount(top.peak, unit)}, more than the {what} asked for"
    return ""


def baseline_median(trial: Trial, metric: Metric) -> tuple[float, Series]:
    """Median of `metric` over the baseline phase, and the samples."""
    window = ground.phase(trial, Phase.BASELINE)
    found = ground.samples(trial, metric, window, 1, "the baseline phase")
    return float(np.median(found.v)), found


def pointers(*series: Series) -> tuple[Pointer, ...]:
    """Where those stretches are kept."""
    return tuple(of_series(s) for s in series if len(s))


def rate(series: Series) -> tuple[float, float] | None:
    """Growth a second of a cumulative series, and the error that the times' uncertainty gives.

    (last - first) / Δt, error = rate · (u_first + u_last) / Δt; None below two samples.
    """
    if len(series) < 2 or series.t[-1] <= series.t[0]:  # noqa: PLR2004 - a rate needs two points
        return None
    seconds = float(series.t[-1] - series.t[0])
    grown = float(series.v[-1] - series.v[0]) / seconds
    return grown, abs(grown) * float(series.u[0] + series.u[-1]) / seconds
