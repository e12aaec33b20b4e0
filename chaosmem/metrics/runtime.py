"""What the Go runtime counts of the target: heap, collector, goroutines, CPU."""

from __future__ import annotations

from functools import partial

from chaosmem.metrics.model import Kind, Layer, Metric

_gauge = partial(Metric, layer=Layer.RUNTIME)
_counter = partial(Metric, layer=Layer.RUNTIME, kind=Kind.COUNTER)

GOROUTINES = _gauge(
    "goroutines.count@v1", "1", "runtime.NumGoroutine", "Goroutines, without the runtime's own."
)
HEAP_LIVE = _gauge(
    "memory.heap.live@v1", "By", "/gc/heap/live:bytes", "Heap marked live by the previous GC."
)
HEAP_GOAL = _gauge(
    "memory.heap.goal@v1",
    "By",
    "/gc/heap/goal:bytes",
    "Goal for the live heap at the end of the next mark (next_gc).",
)
HEAP_ALLOC = _gauge(
    "memory.heap.alloc@v1",
    "By",
    "/memory/classes/heap/objects:bytes",
    "Heap objects, live or not yet swept.",
)
HEAP_ALLOCATED = _counter(
    "memory.heap.allocated@v1", "By", "/gc/heap/allocs:bytes", "Heap ever allocated."
)
HEAP_UNUSED = _gauge(
    "memory.heap.unused@v1",
    "By",
    "/memory/classes/heap/unused:bytes",
    "Free slots in used spans.",
)
HEAP_FREE = _gauge(
    "memory.heap.free@v1", "By", "/memory/classes/heap/free:bytes", "Free spans, not returned."
)
HEAP_RELEASED = _gauge(
    "memory.heap.released@v1", "By", "/memory/classes/heap/released:bytes", "Returned to the OS."
)
STACKS = _gauge(
    "memory.stacks@v1",
    "By",
    "/memory/classes/heap/stacks:bytes",
    "Goroutine stacks from the heap.",
)
GO_TOTAL = _gauge(
    "memory.go.total@v1",
    "By",
    "/memory/classes/total:bytes",
    "All memory mapped by the Go runtime, with what it returned to the OS.",
)
SCAN_STACK = _gauge(
    "gc.scan.stack@v1", "By", "/gc/scan/stack:bytes", "Stack scanned by the last GC."
)
SCAN_GLOBALS = _gauge("gc.scan.globals@v1", "By", "/gc/scan/globals:bytes", "Scannable globals.")
GOGC = _gauge("gc.gogc@v1", "%", "/gc/gogc:percent", "GOGC; -1 is off.")
GOMEMLIMIT = _gauge(
    "gc.gomemlimit@v2", "By", "/gc/gomemlimit:bytes", "GOMEMLIMIT; -1 is none, as for gc.gogc."
)
GC_CYCLES = _counter("gc.cycles@v1", "1", "/gc/cycles/total:gc-cycles", "GC cycles.")
GC_CYCLES_FORCED = _counter(
    "gc.cycles.forced@v1", "1", "/gc/cycles/forced:gc-cycles", "Forced GC cycles."
)
GC_LIMITER = _gauge(
    "gc.limiter.last@v1",
    "1",
    "/gc/limiter/last-enabled:gc-cycle",
    "Last cycle with the CPU limiter; 0 is never.",
)
GC_CPU = _counter("cpu.gc@v1", "s", "/cpu/classes/gc/total:cpu-seconds", "CPU in GC, an estimate.")
GC_CPU_IDLE = _counter(
    "cpu.gc.idle@v1",
    "s",
    "/cpu/classes/gc/mark/idle:cpu-seconds",
    "CPU in idle-priority marking, part of cpu.gc: CPU that nothing else wanted.",
)
GO_CPU = _counter("cpu.go.total@v1", "s", "/cpu/classes/total:cpu-seconds", "CPU available to Go.")
GO_CPU_IDLE = _counter("cpu.go.idle@v1", "s", "/cpu/classes/idle:cpu-seconds", "CPU idle.")

METRICS = (
    GOROUTINES,
    HEAP_LIVE,
    HEAP_GOAL,
    HEAP_ALLOC,
    HEAP_ALLOCATED,
    HEAP_UNUSED,
    HEAP_FREE,
    HEAP_RELEASED,
    STACKS,
    GO_TOTAL,
    SCAN_STACK,
    SCAN_GLOBALS,
    GOGC,
    GOMEMLIMIT,
    GC_CYCLES,
    GC_CYCLES_FORCED,
    GC_LIMITER,
    GC_CPU,
    GC_CPU_IDLE,
    GO_CPU,
    GO_CPU_IDLE,
)
