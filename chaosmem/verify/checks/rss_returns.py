"""Resident memory is back near its baseline by the end of the recover phase."""

from __future__ import annotations

import numpy as np

from chaosmem.evidence.model import Evidence, Trial
from chaosmem.metrics import HEAP_ALLOC, HEAP_FREE, RSS
from chaosmem.spec.base import Phase
from chaosmem.spec.checks import RssReturns
from chaosmem.units import human_bytes
from chaosmem.verify import ground
from chaosmem.verify.model import Outcome
from chaosmem.verify.ruling import Claim, Ruling, Undecided, number, of_series
from chaosmem.verify.words import at, percent

_LAST = 5
"""Samples at the end of the recover phase whose median counts."""
_LATE = 0.25
"""They must lie in the last quarter of the phase."""
_BASELINE_LEAST = 3


def claim(spec: RssReturns) -> Claim:
    """What is expected."""
    return Claim(
        "resident memory is back near its baseline at the end of the recover phase",
        f"RSS <= baseline median + max({percent(spec.share)}, {human_bytes(spec.slack)})",
    )


def judge(spec: RssReturns, trial: Trial, _: Evidence) -> Ruling:
    """Rule on one trial."""
    release = sum(ground.release(trial))
    baseline = ground.phase(trial, Phase.BASELINE)
    before = ground.samples(trial, RSS, baseline, _BASELINE_LEAST, "the baseline phase")
    recover = ground.phase(trial, Phase.RECOVER)
    late = trial.of(RSS).between(max(release, recover.end - _LATE * recover.seconds), recover.end)
    if len(late) < _LAST:
        raise Undecided(
            f"only {len(late)} samples of resident memory in the last quarter of the recover phase "
            f"(from {at(recover.end - _LATE * recover.seconds)}), and {_LAST} are needed"
            f"{ground.trouble(trial, recover)}"
        )
    base, now = float(np.median(before.v)), float(np.median(late.v[-_LAST:]))
    allowed = base + max(spec.share * base, spec.slack)
    told = f"RSS {human_bytes(now)}, baseline {human_bytes(base)}"
    why = f"{told}, allowed {human_bytes(allowed)}"
    if now > allowed:
        why += _made_of(trial)
    return Ruling(
        Outcome.PASS if now <= allowed else Outcome.FAIL,
        told,
        why,
        evidence=(of_series(before), of_series(late)),
        headline=number(now, "By"),
        numbers={
            "baseline RSS": number(base, "By"),
            "last RSS": number(now, "By"),
            "allowed RSS": number(allowed, "By"),
        },
    )


def _made_of(trial: Trial) -> str:
    """What the runtime holds at the end: both parts can go without any change of the program."""
    recover = ground.phase(trial, Phase.RECOVER)
    objects, free = (trial.of(m).within(recover) for m in (HEAP_ALLOC, HEAP_FREE))
    if not len(objects) or not len(free):
        return ""
    return (
        f"; at the end Go holds {human_bytes(float(objects.v[-1]))} of heap objects (live, or not "
        f"yet collected) and {human_bytes(float(free.v[-1]))} of free heap, which its scavenger "
        "returns over minutes"
    )
