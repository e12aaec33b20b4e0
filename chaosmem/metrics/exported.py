"""Names under which Prometheus exporters publish memory series, with their units.

These names are not chaosmem's: client_golang and cAdvisor own them, and they have no version.
`same_as` is the metric that a name of the target's own page is read into, and what a PromQL answer
by that name can be held against.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from chaosmem.metrics import cgroup, process, runtime
from chaosmem.metrics.model import Metric


class Exporter(StrEnum):
    """Whose name it is."""

    CLIENT_GOLANG = "client_golang"
    CADVISOR = "cAdvisor"


@dataclass(frozen=True, slots=True)
class Exported:
    """One name of an exporter; `unit` is UCUM."""

    name: str
    unit: str
    exporter: Exporter = Exporter.CLIENT_GOLANG
    same_as: Metric | None = None


def _read(name: str, same_as: Metric) -> Exported:
    return Exported(name, same_as.unit, same_as=same_as)


EXPORTED = (
    _read("go_goroutines", runtime.GOROUTINES),
    _read("go_memstats_next_gc_bytes", runtime.HEAP_GOAL),
    _read("go_memstats_heap_alloc_bytes", runtime.HEAP_ALLOC),
    _read("go_memstats_alloc_bytes_total", runtime.HEAP_ALLOCATED),
    _read("go_memstats_heap_released_bytes", runtime.HEAP_RELEASED),
    _read("go_memstats_stack_inuse_bytes", runtime.STACKS),
    _read("go_memstats_sys_bytes", runtime.GO_TOTAL),
    _read("go_gc_gogc_percent", runtime.GOGC),
    _read("go_gc_gomemlimit_bytes", runtime.GOMEMLIMIT),
    _read("go_gc_duration_seconds_count", runtime.GC_CYCLES),
    _read("go_gc_heap_live_bytes", runtime.HEAP_LIVE),
    _read("go_gc_limiter_last_enabled_gc_cycle", runtime.GC_LIMITER),
    _read("go_gc_scan_stack_bytes", runtime.SCAN_STACK),
    _read("go_gc_scan_globals_bytes", runtime.SCAN_GLOBALS),
    _read("process_resident_memory_bytes", process.RSS),
    _read("process_cpu_seconds_total", process.PROCESS_CPU),
    Exported("go_threads", "1"),
    Exported("go_memstats_heap_objects", "1"),
    Exported("go_memstats_mallocs_total", "1"),
    Exported("go_memstats_frees_total", "1"),
    Exported("go_memstats_gc_cpu_fraction", "1"),
    Exported(
        "container_memory_working_set_bytes", "By", Exporter.CADVISOR, cgroup.CGROUP_WORKING_SET
    ),
    Exported("container_memory_usage_bytes", "By", Exporter.CADVISOR, cgroup.CGROUP_USAGE),
    Exported("container_memory_rss", "By", Exporter.CADVISOR, cgroup.CGROUP_ANON),
    Exported("container_memory_cache", "By", Exporter.CADVISOR, cgroup.CGROUP_CACHE),
)
FROM_TARGET: dict[str, Metric] = {
    e.name: e.same_as
    for e in EXPORTED
    if e.same_as is not None and e.exporter is Exporter.CLIENT_GOLANG
}
"""What a target's own metrics page gives."""
