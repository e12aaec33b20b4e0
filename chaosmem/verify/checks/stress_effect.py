"""Every planned fault took effect, by the agent's own count and by the runtime's."""

from __future__ import annotations

from dataclasses import dataclass

from chaosmem.evidence.model import Evidence, FaultRecord, Trial
from chaosmem.spec.checks import StressEffect
from chaosmem.verify.ground import JOURNAL
from chaosmem.verify.model import Number, Outcome, Pointer
from chaosmem.verify.proofs import Proof, prove
from chaosmem.verify.ruling import Claim, Ruling, Table, Undecided
from chaosmem.verify.words import percent, several

_HEADER = ("fault", "quantity", "asked", "claimed", "measured", "proven")


def claim(spec: StressEffect) -> Claim:
    """What is expected."""
    return Claim(
        "every fault was applied, and what the runtime measures agrees with what was asked for",
        f"claimed and measured effect >= asked less {percent(spec.tolerance)}",
    )


@dataclass(frozen=True, slots=True)
class _Shown:
    """One fault with its proofs, or with the reason why there are none."""

    record: FaultRecord
    proofs: tuple[Proof, ...]
    reason: str

    @property
    def why_not(self) -> tuple[str, ...]:
        """Every reason why the fault counts as unproven; empty: it is proven."""
        refused = (self.reason,) if self.reason else ()
        return refused + tuple(p.why for p in self.proofs if not p.proven)


def judge(spec: StressEffect, trial: Trial, evidence: Evidence) -> Ruling:
    """Rule on one trial; a fault that is not proven makes it INCONCLUSIVE, never FAIL."""
    planned = [f.id for f in evidence.plan.faults]
    if not planned and not trial.faults:
        raise Undecided(
            "the experiment declares no fault, so nothing was injected and nothing can be shown by "
            "it; add a fault"
        )
    shown = [_show(record, trial, spec.tolerance) for record in trial.faults]
    recorded = {record.planned.id for record in trial.faults}
    missing = [f"the fault {i} was planned and never applied" for i in planned if i not in recorded]
    why = [w for s in shown for w in s.why_not] + missing
    proven = sum(not s.why_not for s in shown)
    total = len(shown) + len(missing)
    return Ruling(
        Outcome.INCONCLUSIVE if why else Outcome.PASS,
        f"{proven} of {several(total, 'fault')} proven",
        "; ".join(why) if why else _agreed(shown),
        evidence=tuple(p for s in shown for p in _pointers(s)),
        numbers=_numbers(shown),
        table=_table(shown),
    )


def _show(record: FaultRecord, trial: Trial, tolerance: float) -> _Shown:
    try:
        proofs = prove(record, trial, tolerance)
    except Undecided as undecided:
        return _Shown(record, (), undecided.reason)
    return _Shown(record, proofs, "" if proofs else "nothing to prove")


def _agreed(shown: list[_Shown]) -> str:
    parts = [
        f"{p.what}: asked {p.asked}, {p.claimed}, {p.measured}" for s in shown for p in s.proofs
    ]
    return "; ".join(parts)


def _pointers(shown: _Shown) -> list[Pointer]:
    journal = [Pointer(JOURNAL, shown.record.planned.id, line=n) for n in shown.record.lines]
    return journal + [p for proof in shown.proofs for p in proof.evidence]


def _numbers(shown: list[_Shown]) -> dict[str, Number]:
    return {
        f"{s.record.planned.id} {name}": value
        for s in shown
        for proof in s.proofs
        for name, value in proof.numbers.items()
    }


def _table(shown: list[_Shown]) -> Table:
    rows = [
        (s.record.planned.id, p.what, p.asked, p.claimed, p.measured, "yes" if p.proven else "no")
        for s in shown
        for p in s.proofs
    ]
    refused = [(s.record.planned.id, "", "", "", s.reason, "no") for s in shown if s.reason]
    return (_HEADER, *rows, *refused)
