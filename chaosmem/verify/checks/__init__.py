"""The checks: for each kind of the spec, what it claims and how it rules on a trial."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from chaosmem import plugins
from chaosmem.errors import ChaosmemError
from chaosmem.evidence.model import Evidence, Trial
from chaosmem.verify.checks import (
    alerts,
    alive,
    gc_cpu,
    goroutine_recovery,
    heap_returns,
    next_gc_prediction,
    pause,
    promql,
    rss_returns,
    stress_effect,
    top_allocations,
)
from chaosmem.verify.ruling import Claim, Ruling, Undecided


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
    "next-gc-prediction": Checker(next_gc_prediction.claim, next_gc_prediction.judge),
    "top-allocations": Checker(top_allocations.claim, top_allocations.judge),
    "no-restart": Checker(alive.claim_restart, alive.no_restart, outlives=True),
    "no-oom": Checker(alive.claim_oom, alive.no_oom, outlives=True),
    "heap-returns": Checker(heap_returns.claim, heap_returns.judge),
    "rss-returns": Checker(rss_returns.claim, rss_returns.judge),
    "gc-cpu": Checker(gc_cpu.claim, gc_cpu.judge),
    "pause": Checker(pause.claim, pause.judge),
    "promql": Checker(promql.claim, promql.judge),
    "alert": Checker(alerts.claim, alerts.judge),
}
"""By `kind` of the spec."""


def checker(kind: str) -> Checker:
    """The check of that kind; one that is INCONCLUSIVE where a plugin that has it is amiss."""
    if kind in CHECKERS:
        return CHECKERS[kind]
    plugin = plugins.checks().get(kind)
    if plugin is None:
        return _amiss(f"the plugin of the check {kind} is not installed here")
    try:
        return Checker(plugins.call(plugin.claim), plugins.call(plugin.judge), plugin.outlives)
    except ChaosmemError as problem:
        return _amiss(str(problem))


def _amiss(why: str) -> Checker:
    def undecided(*_: object) -> Ruling:
        raise Undecided(why, observed="not judged")

    return Checker(lambda _: Claim("(not stated)", ""), undecided, outlives=True)
