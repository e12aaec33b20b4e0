"""The runtime's own account: the memory classes of runtime/metrics, which add up to the total."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Final

from chaosmem.errors import FormatError
from chaosmem.profile.layers.amounts import Amount

_CLASS: Final = {
    "heap_objects": "heap/objects",
    "heap_unused": "heap/unused",
    "heap_free": "heap/free",
    "heap_released": "heap/released",
    "heap_stacks": "heap/stacks",
    "os_stacks": "os-stacks",
    "mspan_inuse": "metadata/mspan/inuse",
    "mspan_free": "metadata/mspan/free",
    "mcache_inuse": "metadata/mcache/inuse",
    "mcache_free": "metadata/mcache/free",
    "metadata_other": "metadata/other",
    "profiling_buckets": "profiling/buckets",
    "other": "other",
    "total": "total",
}
"""Field to the part of "/memory/classes/X:bytes" (runtime/metrics/description.go)."""
_MEMSTATS: Final = {
    "HeapAlloc": "heap_alloc",
    "HeapInuse": "heap_inuse",
    "HeapIdle": "heap_idle",
    "HeapReleased": "heap_released",
    "StackInuse": "stack_inuse",
    "StackSys": "stack_sys",
    "MSpanInuse": "mspan_inuse",
    "MSpanSys": "mspan_sys",
    "MCacheInuse": "mcache_inuse",
    "MCacheSys": "mcache_sys",
    "GCSys": "gc_sys",
    "BuckHashSys": "buck_hash_sys",
    "OtherSys": "other_sys",
    "Sys": "sys",
}
"""Field to the part of "go_memstats_X_bytes", client_golang's default metrics."""


@dataclass(frozen=True, slots=True)
class RuntimeClasses:
    """Bytes of virtual memory that the runtime has mapped, by use.

    Attributes:
        heap_objects: live objects and dead ones that are not swept yet (MemStats.HeapAlloc).
        heap_unused: in spans with objects, but in no object: free slots and span tails.
        heap_free: free pages that the OS still backs; the scavenger may return them.
        heap_released: free pages returned to the OS; not resident.
        heap_stacks: goroutine stacks.
        os_stacks: stacks from the OS (cgo).
        mspan_inuse: span records.
        mspan_free: for more of them.
        mcache_inuse: per-P caches.
        mcache_free: for more of them.
        metadata_other: GC bitmaps, page index.
        profiling_buckets: stacks of the heap profile.
        other: finalizers, traces, everything else.
        total: all of it; its sum.
        source: "runtime/metrics" or "runtime.MemStats".
    """

    heap_objects: int
    heap_unused: int
    heap_free: int
    heap_released: int
    heap_stacks: int
    os_stacks: int
    mspan_inuse: int
    mspan_free: int
    mcache_inuse: int
    mcache_free: int
    metadata_other: int
    profiling_buckets: int
    other: int
    total: int
    source: str

    def classes(self) -> tuple[Amount, ...]:
        """The classes that add up to the total."""
        names = [f.name for f in fields(self) if f.name not in {"total", "source"}]
        return tuple(self.amount(name) for name in names)

    def amount(self, name: str) -> Amount:
        """One class with its source."""
        metric = f"/memory/classes/{_CLASS[name]}:bytes"
        source = metric if self.source == "runtime/metrics" else f"runtime.MemStats ({metric})"
        return Amount(name, int(getattr(self, name)), source)

    @property
    def mapped_ready(self) -> int:
        """What may be resident: the total without what was returned; GOMEMLIMIT limits this."""
        return self.total - self.heap_released


def from_runtime_metrics(values: Mapping[str, float]) -> RuntimeClasses:
    """The classes of a runtime/metrics reading.

    Args:
        values: by metric name ("/memory/classes/heap/objects:bytes"), or by the name that
            client_golang makes of it ("go_memory_classes_heap_objects_bytes").

    Raises:
        FormatError: a class is missing or is no number of bytes.
    """
    found = {name: _bytes(values, *_names(part)) for name, part in _CLASS.items()}
    return RuntimeClasses(**found, source="runtime/metrics")


def from_memstats(values: Mapping[str, float]) -> RuntimeClasses:
    """The classes of a runtime.MemStats; the numbers are the same.

    Args:
        values: by field ("HeapAlloc", e.g. of /debug/vars), or by the name that client_golang
            exports by default ("go_memstats_heap_alloc_bytes").

    Raises:
        FormatError: a field is missing or is no number of bytes.
    """
    m = {
        name: _bytes(values, name, f"go_memstats_{exported}_bytes")
        for name, exported in _MEMSTATS.items()
    }
    return RuntimeClasses(
        heap_objects=m["HeapAlloc"],
        heap_unused=m["HeapInuse"] - m["HeapAlloc"],
        heap_free=m["HeapIdle"] - m["HeapReleased"],
        heap_released=m["HeapReleased"],
        heap_stacks=m["StackInuse"],
        os_stacks=m["StackSys"] - m["StackInuse"],
        mspan_inuse=m["MSpanInuse"],
        mspan_free=m["MSpanSys"] - m["MSpanInuse"],
        mcache_inuse=m["MCacheInuse"],
        mcache_free=m["MCacheSys"] - m["MCacheInuse"],
        metadata_other=m["GCSys"],
        profiling_buckets=m["BuckHashSys"],
        other=m["OtherSys"],
        total=m["Sys"],
        source="runtime.MemStats",
    )


def _names(part: str) -> tuple[str, str]:
    """Both names of a class."""
    exported = part.replace("/", "_").replace("-", "_")
    return f"/memory/classes/{part}:bytes", f"go_memory_classes_{exported}_bytes"


def _bytes(values: Mapping[str, float], *names: str) -> int:
    """The first of these that is there."""
    for name in names:
        if name in values:
            value = values[name]
            if not (0 <= value < 1 << 63) or value != int(value):
                raise FormatError(f"{name} is {value}, which is no number of bytes")
            return int(value)
    raise FormatError(f"{names[0]} is missing", hint="read all of /memory/classes in one reading")
