"""alert: a rule's alert fires under the faults in time, and resolves after their release.

ALERTS has a sample for each evaluation at which the alert was pending or firing. So an alert began
to fire after the evaluation before its first firing sample, and ended before the one after its
last: both times are known to one evaluation interval, and where that decides, the check is
inconclusive.
"""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Mapping
from typing import Any, Final

from chaosmem.evidence.model import Evidence, Trial
from chaosmem.spec.checks import Alert
from chaosmem.units import human_seconds
from chaosmem.verify import ground
from chaosmem.verify.checks.promql import kept
from chaosmem.verify.model import Outcome
from chaosmem.verify.ruling import Claim, Ruling, Undecided, bounds
from chaosmem.verify.words import span

_MISSED: Final = 1.5
"""Evaluation intervals without a sample after which an alert counts as ended."""


def claim(spec: Alert) -> Claim:
    """What is expected."""
    return Claim(
        f"{spec.alert} fires within {human_seconds(spec.fires_within)} of the faults and resolves "
        f"within {human_seconds(spec.resolves_within)} of their release",
        f"fires <= {human_seconds(spec.fires_within)}, "
        f"resolves <= {human_seconds(spec.resolves_within)}",
    )


def judge(spec: Alert, trial: Trial, _: Evidence) -> Ruling:
    """Rule on one trial."""
    pressure = ground.pressure(trial)
    released, released_u = ground.release(trial)
    data, where = kept(trial, spec)
    if not data["rules"]:
        raise Undecided(f"Prometheus has no rule named {spec.alert}", evidence=(where,))
    zero, end = float(data["zero"]), float(data["end"]) - float(data["zero"])
    error = float(data["skew_error"])
    firing, pending = (_times(data, s, zero) for s in ("firing", "pending"))
    interval = float(data["rules"][0].get("interval") or 0.0) or _spacing(firing + pending)
    if not interval:
        raise Undecided("the interval of the rule's evaluation is not known", evidence=(where,))
    if any(t < pressure.start for t in firing):
        raise Undecided(
            f"{spec.alert} was firing before the faults, so it does not show them",
            evidence=(where,),
        )
    if not firing:
        return _silent(spec, bool(pending), end - pressure.start, interval, where)
    begun = firing[0] - pressure.start
    fired = (max(0.0, begun - interval - error), max(0.0, begun + error))
    on = firing[-1] - released
    still = end - firing[-1] <= _MISSED * interval
    low, high = on - released_u - error, on + interval + released_u + error
    resolved = (max(0.0, low), float("inf") if still else max(0.0, high))
    outcomes = (_in_time(*fired, spec.fires_within), _in_time(*resolved, spec.resolves_within))
    told = f"fired {span(*fired)} after the faults; " + (
        f"still firing {human_seconds(max(0.0, on))} after the release"
        if still
        else f"resolved {span(*resolved)} after the release"
    )
    worst = next((o for o in (Outcome.FAIL, Outcome.INCONCLUSIVE) if o in outcomes), Outcome.PASS)
    numbers = {"fires after": bounds(*fired, "s")}
    if not still:
        numbers["resolves after"] = bounds(*resolved, "s")
    why = f"{spec.alert} {told}; evaluated every {human_seconds(interval)}"
    return Ruling(worst, told, why, (where,), numbers["fires after"], numbers)


def _silent(spec: Alert, pending: bool, watched: float, interval: float, where: Any) -> Ruling:
    told = "it was pending and never fired" if pending else "it never fired"
    enough = watched >= spec.fires_within + interval
    outcome = Outcome.FAIL if enough else Outcome.INCONCLUSIVE
    why = f"{spec.alert}: {told}, allowed {human_seconds(spec.fires_within)}"
    if not enough:
        why += f"; only {human_seconds(watched)} were watched"
    return Ruling(outcome, told, why, (where,))


def _in_time(low: float, high: float, limit: float) -> Outcome:
    if high <= limit:
        return Outcome.PASS
    return Outcome.FAIL if low > limit else Outcome.INCONCLUSIVE


def _times(data: Mapping[str, Any], state: str, zero: float) -> list[float]:
    """When an evaluation found the alert in that state, on the run's clock."""
    series = [s for s in data["answer"] if s["metric"].get("alertstate") == state]
    return sorted({float(t) - zero for s in series for t, _ in s["values"]})


def _spacing(times: list[float]) -> float:
    ordered = sorted(times)
    gaps = [b - a for a, b in itertools.pairwise(ordered) if b > a]
    return statistics.median(gaps) if gaps else 0.0
