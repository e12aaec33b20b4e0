"""Names of every measured series, each with its schema version, unit, source and meaning.

By layer: `runtime` (the Go runtime), `process` (the OS), `cgroup` (the container), `app` (the
callers), `stress` (the faults); `exported` has the names of Prometheus exporters. `conversions`
brings what older versions wrote to the names of now. docs/metrics.md lists all.
"""

from chaosmem.metrics.app import (
    LOAD_FAILED,
    LOAD_LATENCY,
    LOAD_OK,
    LOAD_SENT,
)
from chaosmem.metrics.cgroup import (
    CGROUP_ANON,
    CGROUP_CACHE,
    CGROUP_LIMIT,
    CGROUP_OOM_KILLS,
    CGROUP_USAGE,
    CGROUP_WORKING_SET,
    TARGET_RSS,
)
from chaosmem.metrics.model import Kind, Layer, Metric
from chaosmem.metrics.process import (
    PROCESS_CPU,
    RSS,
    THREADS,
)
from chaosmem.metrics.registry import REGISTRY, find
from chaosmem.metrics.runtime import (
    GC_CPU,
    GC_CPU_IDLE,
    GC_CYCLES,
    GC_CYCLES_FORCED,
    GC_LIMITER,
    GO_CPU,
    GO_CPU_IDLE,
    GO_TOTAL,
    GOGC,
    GOMEMLIMIT,
    GOROUTINES,
    HEAP_ALLOC,
    HEAP_ALLOCATED,
    HEAP_FREE,
    HEAP_GOAL,
    HEAP_LIVE,
    HEAP_RELEASED,
    HEAP_UNUSED,
    SCAN_GLOBALS,
    SCAN_STACK,
    STACKS,
)
from chaosmem.metrics.stress import (
    CHURNED,
    GOROUTINES_HELD,
    HEAP_HELD,
    STRESS_HELD,
    STRESS_LEVEL,
)

__all__ = [
    "CGROUP_ANON",
    "CGROUP_CACHE",
    "CGROUP_LIMIT",
    "CGROUP_OOM_KILLS",
    "CGROUP_USAGE",
    "CGROUP_WORKING_SET",
    "CHURNED",
    "GC_CPU",
    "GC_CPU_IDLE",
    "GC_CYCLES",
    "GC_CYCLES_FORCED",
    "GC_LIMITER",
    "GOGC",
    "GOMEMLIMIT",
    "GOROUTINES",
    "GOROUTINES_HELD",
    "GO_CPU",
    "GO_CPU_IDLE",
    "GO_TOTAL",
    "HEAP_ALLOC",
    "HEAP_ALLOCATED",
    "HEAP_FREE",
    "HEAP_GOAL",
    "HEAP_HELD",
    "HEAP_LIVE",
    "HEAP_RELEASED",
    "HEAP_UNUSED",
    "LOAD_FAILED",
    "LOAD_LATENCY",
    "LOAD_OK",
    "LOAD_SENT",
    "PROCESS_CPU",
    "REGISTRY",
    "RSS",
    "SCAN_GLOBALS",
    "SCAN_STACK",
    "STACKS",
    "STRESS_HELD",
    "STRESS_LEVEL",
    "TARGET_RSS",
    "THREADS",
    "Kind",
    "Layer",
    "Metric",
    "find",
]
