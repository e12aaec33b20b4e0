"""Guards: decided on every reading; the first that trips ends the run."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from chaosmem import metrics, units
from chaosmem.drivers.load import Result
from chaosmem.spec.model import (
    ErrorRateGuard,
    GoroutinesGuard,
    Guard,
    HeapGuard,
    PromQlGuard,
    RestartsGuard,
    RssGuard,
    UnresponsiveGuard,
)

_LEAST_REQUESTS = 10
"""An error rate of fewer requests says nothing."""


@dataclass(slots=True)
class Seen:
    """What the guards look at; the sampler and the load keep it up to date."""

    values: dict[str, float] = field(default_factory=dict)
    restarts: int = 0
    answered: float = 0.0
    """When the last sample succeeded."""
    promql: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """Smallest and largest value of each query of a guard, where Prometheus answered."""
    requests: deque[tuple[float, bool]] = field(default_factory=lambda: deque(maxlen=100_000))

    def request(self, result: Result) -> None:
        """Count a load request."""
        self.requests.append((result.done, bool(result.error)))


def tripped(guards: Sequence[Guard], seen: Seen, now: float) -> tuple[str, str] | None:
    """The first guard that trips, as its kind and a sentence; None where all are content."""
    for guard in guards:
        words = _check(guard, seen, now)
        if words:
            return guard.kind, words
    return None


def _check(guard: Guard, seen: Seen, now: float) -> str:  # noqa: PLR0911 - one a guard
    match guard:
        case RestartsGuard():
            over = seen.restarts > guard.max
            return f"{seen.restarts} restarts, allowed {guard.max}" if over else ""
        case RssGuard():
            return _bytes_over("resident memory", seen.values, metrics.RSS.name, guard.max)
        case HeapGuard():
            return _bytes_over("heap", seen.values, metrics.HEAP_ALLOC.name, guard.max)
        case GoroutinesGuard():
            count = seen.values.get(metrics.GOROUTINES.name, 0.0)
            return f"{count:.0f} goroutines, allowed {guard.max}" if count > guard.max else ""
        case PromQlGuard():
            return _promql(guard, seen)
        case ErrorRateGuard():
            return _error_rate(guard, seen, now)
        case UnresponsiveGuard():
            silent = now - seen.answered
            return (
                f"no answer for {units.human_seconds(silent)}, "
                f"allowed {units.human_seconds(guard.longest)}"
                if silent > guard.longest
                else ""
            )


def _bytes_over(what: str, values: Mapping[str, float], name: str, allowed: int) -> str:
    value = values.get(name, 0.0)
    if value <= allowed:
        return ""
    return f"{what} {units.human_bytes(value)}, allowed {units.human_bytes(allowed)}"


def _promql(guard: PromQlGuard, seen: Seen) -> str:
    if guard.query not in seen.promql:
        return ""
    least, most = seen.promql[guard.query]
    if guard.at_most is not None and most > guard.at_most:
        return f"`{guard.query}` is {most:g}, allowed at most {guard.at_most:g}"
    if guard.at_least is not None and least < guard.at_least:
        return f"`{guard.query}` is {least:g}, allowed at least {guard.at_least:g}"
    return ""


def _error_rate(guard: ErrorRateGuard, seen: Seen, now: float) -> str:
    recent = [bad for done, bad in seen.requests if done >= now - guard.window]
    if len(recent) < _LEAST_REQUESTS:
        return ""
    rate = sum(recent) / len(recent)
    if rate <= guard.max:
        return ""
    return f"{rate:.0%} of {len(recent)} requests failed, allowed {guard.max:.0%}"
