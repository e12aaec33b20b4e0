"""What counts as pressure, and what as the steady state."""

from __future__ import annotations

import pytest

from chaosmem.spec.base import Phase
from chaosmem.spec.faults import HeapFault, LoadFault, Request
from chaosmem.verify import ground
from tests.verify.build import fault, heap_series, trial

U = 0.002
"""Seconds: a window leaves out the uncertainty of both acknowledgements."""
HEAP = fault(HeapFault(retain=64 << 20), applied=10.5, undone=20.0)
LOAD = LoadFault(rate=50.0, mix=(Request(path="/"),), during=tuple(Phase))


def test_a_load_that_is_the_steady_state_is_no_pressure() -> None:
    load = fault(LOAD, applied=0.1, undone=30.0)
    window = ground.pressure(trial(heap_series(), faults=[load, HEAP]))
    assert (window.start, window.end) == pytest.approx((10.5, 20.0), abs=U)


def test_a_load_alone_is_the_pressure() -> None:
    load = fault(LOAD, applied=0.1, undone=30.0)
    window = ground.pressure(trial(heap_series(), faults=[load]))
    assert (window.start, window.end) == pytest.approx((0.1, 30.0), abs=U)


def test_a_load_that_begins_with_the_injection_is_pressure_too() -> None:
    spec = LOAD.model_copy(update={"during": (Phase.INJECT, Phase.HOLD)})
    load = fault(spec, applied=10.1, undone=20.5)
    window = ground.pressure(trial(heap_series(), faults=[load, HEAP]))
    assert (window.start, window.end) == pytest.approx((10.1, 20.5), abs=U)
