"""The checks: for each kind of the spec, what it claims and how it rules on a trial."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from chaosmem.evidence.model import Evidence, Trial
from chaosmem.verify.checks import (
    goroutine_recovery,
    stress_effect,
)
from chaosmem.verify.ruling import Claim, Ruling


@dataclass(frozen=True, slots=True)
class Checker:
    """One check. `claim` and `judge` take the check's own part of the spec first.

    Attributes:
        outlives: it has something to say of a target that died or fell silent.
    """

    claim: Callable[[Any], Claim]
    judge: Callable[[Any, Trial, Evidence], Ruling]
    outlives: bool = False


CHECKERS: Mapping[str, Checker] = {
    "stress-effect": Checker(stress_effect.claim, stress_effect.judge, outlives=True),
    "goroutine-recovery": Checker(goroutine_recovery.claim, goroutine_recovery.judge),
}
"""By `kind` of the spec."""
