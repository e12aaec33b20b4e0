"""What the faults hold, by the count of whoever holds it: a claim, until the target agrees."""

from __future__ import annotations

from functools import partial

from chaosmem.metrics.model import Kind, Layer, Metric

_gauge = partial(Metric, layer=Layer.STRESS)

GOROUTINES_HELD = _gauge(
    "goroutines.held@v1", "1", "agent held.goroutines", "Goroutines that the agent's surge holds."
)
HEAP_HELD = _gauge(
    "memory.heap.held@v1", "By", "agent held.heap_bytes", "Heap that the agent retains."
)
CHURNED = _gauge(
    "memory.heap.churned@v1",
    "By",
    "agent held.churned_bytes",
    "Garbage that the agent allocated.",
    kind=Kind.COUNTER,
)
STRESS_HELD = _gauge(
    "memory.stress.held@v1", "By", "helper held.bytes", "Memory that the helper holds."
)
STRESS_LEVEL = _gauge(
    "memory.stress.level@v1",
    "By",
    "helper stress.setpoint",
    "Where the ramp of the stress stands.",
)

METRICS = (GOROUTINES_HELD, HEAP_HELD, CHURNED, STRESS_HELD, STRESS_LEVEL)
