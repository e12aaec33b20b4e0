"""Guards trip above their limit, not at it, and say both numbers."""

from __future__ import annotations

import pytest

from chaosmem import metrics
from chaosmem.drivers.load import Result
from chaosmem.run.guards import Seen, tripped
from chaosmem.spec.model import (
    ErrorRateGuard,
    GoroutinesGuard,
    Guard,
    HeapGuard,
    RestartsGuard,
    RssGuard,
    UnresponsiveGuard,
)

MIB = 2**20


def _seen(**values: float) -> Seen:
    names = {"rss": metrics.RSS, "heap": metrics.HEAP_ALLOC, "goroutines": metrics.GOROUTINES}
    return Seen(values={names[k].name: v for k, v in values.items()})


@pytest.mark.parametrize(
    ("guard", "at", "above", "words"),
    [
        (
            RssGuard(max=MIB),
            _seen(rss=MIB),
            _seen(rss=2 * MIB),
            "resident memory 2.0 MiB, allowed 1.0 MiB",
        ),
        (HeapGuard(max=MIB), _seen(heap=MIB), _seen(heap=2 * MIB), "heap 2.0 MiB, allowed 1.0 MiB"),
        (
            GoroutinesGuard(max=9),
            _seen(goroutines=9),
            _seen(goroutines=10),
            "10 goroutines, allowed 9",
        ),
        (RestartsGuard(max=0), Seen(), Seen(restarts=1), "1 restarts, allowed 0"),
        (
            UnresponsiveGuard(longest=5.0),
            Seen(answered=95.0),
            Seen(answered=94.0),
            "no answer for 6 s, allowed 5 s",
        ),
    ],
    ids=["rss", "heap", "goroutines", "restarts", "unresponsive"],
)
def test_a_guard_trips_above_its_limit_only(
    guard: Guard, at: Seen, above: Seen, words: str
) -> None:
    assert tripped([guard], at, now=100.0) is None
    assert tripped([guard], above, now=100.0) == (guard.kind, words)


def test_nothing_measured_trips_nothing() -> None:
    assert tripped([RssGuard(max=MIB), GoroutinesGuard(max=1)], Seen(), now=0.0) is None


def _requests(bad: int, good: int, at: float) -> Seen:
    seen = Seen()
    for number in range(bad + good):
        seen.request(Result(at, at, 200, "timeout" if number < bad else ""))
    return seen


def test_an_error_rate_needs_enough_requests_and_looks_at_its_window_only() -> None:
    guard = ErrorRateGuard(max=0.2, window=5.0)
    assert tripped([guard], _requests(9, 0, at=10.0), now=10.0) is None
    assert tripped([guard], _requests(2, 8, at=10.0), now=10.0) is None
    assert tripped([guard], _requests(3, 7, at=10.0), now=10.0) == (
        "error-rate",
        "30% of 10 requests failed, allowed 20%",
    )
    assert tripped([guard], _requests(10, 0, at=1.0), now=10.0) is None
