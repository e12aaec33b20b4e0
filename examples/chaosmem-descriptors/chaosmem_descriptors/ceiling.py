"""The goroutine count never goes above a number. Pure."""

from __future__ import annotations

from chaosmem.evidence.model import Evidence, Trial
from chaosmem.metrics import GOROUTINES
from chaosmem.verify import Outcome
from chaosmem.verify.ruling import Claim, Ruling, Undecided, number, of_series
from chaosmem_descriptors.plugin import GoroutineCeiling


def claim(check: GoroutineCeiling) -> Claim:
    """What is expected."""
    return Claim(
        f"there are never more than {check.max} goroutines", f"largest sample <= {check.max}"
    )


def judge(check: GoroutineCeiling, trial: Trial, _evidence: Evidence) -> Ruling:
    """Rule on one trial."""
    series = trial.of(GOROUTINES)
    if not len(series):
        raise Undecided("the goroutine count was never measured")
    most = int(series.v.max())
    outcome = Outcome.PASS if most <= check.max else Outcome.FAIL
    told = f"{most} goroutines at most, in {len(series)} samples"
    return Ruling(outcome, told, told, (of_series(series),), number(most, "1"))
