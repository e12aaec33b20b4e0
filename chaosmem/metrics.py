"""Names of every measured series, each with its schema version, unit, source and meaning.

A name never changes its meaning: a change makes `@v2`. Series in a run directory carry these names.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Metric:
    """One named series.

    Attributes:
        name: dotted name with `@vN`.
        unit: UCUM-like unit (`By`, `1`, `s`, `%`).
        source: where the number is read, the runtime's own name first.
        meaning: one sentence.
    """

    name: str
    unit: str
    source: str
    meaning: str


def _m(name: str, unit: str, source: str, meaning: str) -> Metric:
    return Metric(f"{name}@v1", unit, source, meaning)


GOROUTINES = _m(
    "goroutines.count", "1", "runtime.NumGoroutine", "Goroutines, without the runtime's own."
)
GOROUTINES_HELD = _m(
    "goroutines.held", "1", "agent held.goroutines", "Goroutines that the agent's surge holds."
)
HEAP_HELD = _m("memory.heap.held", "By", "agent held.heap_bytes", "Heap that the agent retains.")
CHURNED = _m(
    "memory.heap.churned", "By", "agent held.churned_bytes", "Garbage that the agent allocated."
)
HEAP_LIVE = _m(
    "memory.heap.live", "By", "/gc/heap/live:bytes", "Heap marked live by the previous GC."
)
HEAP_GOAL = _m(
    "memory.heap.goal",
    "By",
    "/gc/heap/goal:bytes",
    "Goal for the live heap at the end of the next mark (next_gc).",
)
HEAP_ALLOC = _m(
    "memory.heap.alloc",
    "By",
    "/memory/classes/heap/objects:bytes",
    "Heap objects, live or not yet swept.",
)
HEAP_ALLOCATED = _m(
    "memory.heap.allocated", "By", "/gc/heap/allocs:bytes", "Heap ever allocated (cumulative)."
)
HEAP_UNUSED = _m(
    "memory.heap.unused", "By", "/memory/classes/heap/unused:bytes", "Free slots in used spans."
)
HEAP_FREE = _m(
    "memory.heap.free", "By", "/memory/classes/heap/free:bytes", "Free spans, not returned."
)
HEAP_RELEASED = _m(
    "memory.heap.released", "By", "/memory/classes/heap/released:bytes", "Returned to the OS."
)
STACKS = _m(
    "memory.stacks", "By", "/memory/classes/heap/stacks:bytes", "Goroutine stacks from the heap."
)
GO_TOTAL = _m(
    "memory.go.total", "By", "/memory/classes/total:bytes", "All memory mapped by the Go runtime."
)
SCAN_STACK = _m("gc.scan.stack", "By", "/gc/scan/stack:bytes", "Stack scanned by the last GC.")
SCAN_GLOBALS = _m("gc.scan.globals", "By", "/gc/scan/globals:bytes", "Scannable globals.")
GOGC = _m("gc.gogc", "%", "/gc/gogc:percent", "GOGC; -1 is off.")
GOMEMLIMIT = _m("gc.gomemlimit", "By", "/gc/gomemlimit:bytes", "GOMEMLIMIT; MaxInt64 is none.")
GC_CYCLES = _m("gc.cycles", "1", "/gc/cycles/total:gc-cycles", "GC cycles (cumulative).")
GC_CYCLES_FORCED = _m(
    "gc.cycles.forced", "1", "/gc/cycles/forced:gc-cycles", "Forced GC cycles (cumulative)."
)
GC_LIMITER = _m(
    "gc.limiter.last", "1", "/gc/limiter/last-enabled:gc-cycle", "Last cycle with the CPU limiter."
)
GC_CPU = _m("cpu.gc", "s", "/cpu/classes/gc/total:cpu-seconds", "CPU in GC (cumulative, estimate).")
GC_CPU_IDLE = _m(
    "cpu.gc.idle",
    "s",
    "/cpu/classes/gc/mark/idle:cpu-seconds",
    "CPU in idle-priority marking, part of cpu.gc: CPU that nothing else wanted (cumulative).",
)
GO_CPU = _m(
    "cpu.go.total", "s", "/cpu/classes/total:cpu-seconds", "CPU available to Go (cumulative)."
)
GO_CPU_IDLE = _m("cpu.go.idle", "s", "/cpu/classes/idle:cpu-seconds", "CPU idle (cumulative).")
RSS = _m("memory.rss", "By", "/proc/PID/statm", "Resident set of the process.")
PROCESS_CPU = _m("cpu.process", "s", "/proc/PID/stat", "User and system CPU (cumulative).")
THREADS = _m("process.threads", "1", "/proc/PID/stat", "OS threads.")
CGROUP_USAGE = _m(
    "memory.cgroup.usage", "By", "helper cgroup.usage", "All memory charged to the container."
)
CGROUP_WORKING_SET = _m(
    "memory.cgroup.working_set",
    "By",
    "helper cgroup.working_set",
    "Usage less inactive file pages, as kubelet and cAdvisor compute it.",
)
CGROUP_ANON = _m("memory.cgroup.rss", "By", "helper cgroup.anon", "Anonymous memory charged.")
CGROUP_CACHE = _m("memory.cgroup.cache", "By", "helper cgroup.cache", "Page cache charged.")
CGROUP_LIMIT = _m("memory.cgroup.limit", "By", "helper cgroup.limit", "The container's limit.")
CGROUP_OOM_KILLS = _m(
    "memory.cgroup.oom_kills", "1", "helper events.oom_kill", "OOM kills (cumulative)."
)
TARGET_RSS = _m(
    "memory.target.rss",
    "By",
    "helper target.rss",
    "Resident sets of the container's own processes, the stressor's left out.",
)
STRESS_HELD = _m("memory.stress.held", "By", "helper held.bytes", "Memory that the helper holds.")
STRESS_LEVEL = _m(
    "memory.stress.level", "By", "helper stress.setpoint", "Where the ramp of the stress stands."
)
LOAD_SENT = _m("load.sent", "1", "chaosmem load", "Requests sent (cumulative).")
LOAD_OK = _m("load.ok", "1", "chaosmem load", "Requests answered below 500 (cumulative).")
LOAD_FAILED = _m("load.failed", "1", "chaosmem load", "Requests failed (cumulative).")
LOAD_LATENCY = _m("load.latency", "s", "chaosmem load", "Latency of each answered request.")

REGISTRY: dict[str, Metric] = {m.name: m for m in list(globals().values()) if isinstance(m, Metric)}
