"""The layers of one process side by side: what explains what, and what is left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from chaosmem.profile.layers.amounts import Amount, Balance
from chaosmem.profile.layers.cgroup import Cgroup
from chaosmem.profile.layers.procfs import Kind, Mapping, Resident, Statm, by_kind
from chaosmem.profile.layers.runtimeclasses import RuntimeClasses

_TOTAL: Final = "classes that the runtime added since; 0 in one reading of one release"
_RSS: Final = (
    "above 0: memory of C code, libraries' data, thread stacks; below 0: pages that the runtime "
    "counts as ready and never touched, or that the kernel has swapped out"
)
_GO: Final = "below 0: ready but never touched, or counted as released and touched again since"
_USAGE: Final = "socket buffers, per-CPU charges not yet booked (up to some MiB), huge page reserve"
_OTHERS: Final = "anonymous memory of other processes in the cgroup; below 0: reading apart in time"
_APP: Final = "objects that the application does not count, and garbage that is not swept yet"


@dataclass(frozen=True, slots=True)
class Layers:
    """What is known of one process; each part may be missing.

    Attributes:
        runtime: the runtime's classes.
        statm: sizes of /proc/PID/statm.
        rollup: sums of smaps_rollup, exact where statm is behind.
        mappings: smaps.
        cgroup: its cgroup.
        app: counters that the application keeps itself, within heap objects.
    """

    runtime: RuntimeClasses | None = None
    statm: Statm | None = None
    rollup: Resident | None = None
    mappings: tuple[Mapping, ...] = ()
    cgroup: Cgroup | None = None
    app: tuple[Amount, ...] = ()

    def rss(self) -> Amount | None:
        """Resident set size, from the best source that is there."""
        if self.rollup is not None:
            return Amount("rss", self.rollup.rss, "smaps_rollup Rss")
        if self.mappings:
            return Amount("rss", sum(m.memory.rss for m in self.mappings), "smaps Rss, summed")
        if self.statm is not None:
            return Amount("rss", self.statm.resident, "statm resident")
        return None

    def anonymous(self) -> Amount | None:
        """Resident anonymous memory, from the best source that is there."""
        if self.rollup is not None:
            return Amount("anonymous", self.rollup.anonymous, "smaps_rollup Anonymous")
        if self.mappings:
            total = sum(m.memory.anonymous for m in self.mappings)
            return Amount("anonymous", total, "smaps Anonymous, summed")
        if self.statm is not None:
            value = self.statm.resident - self.statm.shared
            return Amount("anonymous", value, "statm resident - shared")
        return None


def reconcile(layers: Layers) -> tuple[Balance, ...]:
    """Every balance that these layers allow, from the application outwards."""
    found = (
        _application(layers),
        _total(layers),
        _go_mappings(layers),
        _resident(layers),
        _cgroup_anonymous(layers),
        _cgroup_usage(layers),
    )
    return tuple(balance for balance in found if balance is not None)


def _application(layers: Layers) -> Balance | None:
    """Heap objects, by the application's own counters."""
    if layers.runtime is None or not layers.app:
        return None
    return Balance("heap objects", layers.runtime.amount("heap_objects"), layers.app, _APP)


def _total(layers: Layers) -> Balance | None:
    """The runtime's total, by its classes."""
    if layers.runtime is None:
        return None
    whole, parts = layers.runtime.amount("total"), layers.runtime.classes()
    return Balance("runtime total", whole, parts, _TOTAL, exact=True)


def _ready(runtime: RuntimeClasses) -> Amount:
    """What of the runtime's memory may be resident."""
    source = "/memory/classes/total:bytes - /memory/classes/heap/released:bytes"
    return Amount("runtime memory not released", runtime.mapped_ready, source)


def _go_mappings(layers: Layers) -> Balance | None:
    """Resident memory of the mappings that the runtime named, by what it counts as ready."""
    named = [t for t in by_kind(layers.mappings) if t.kind is Kind.GO]
    if layers.runtime is None or not named:
        return None
    whole = Amount("Go mappings", sum(t.rss for t in named), "smaps Rss of [anon: Go: ...]")
    return Balance("Go mappings", whole, (_ready(layers.runtime),), _GO)


def _resident(layers: Layers) -> Balance | None:
    """RSS, by the runtime's memory and the file pages."""
    whole, anonymous = layers.rss(), layers.anonymous()
    if layers.runtime is None or whole is None or anonymous is None:
        return None
    files = Amount(
        "file pages", whole.value - anonymous.value, f"{whole.source} - {anonymous.source}"
    )
    return Balance("rss", whole, (_ready(layers.runtime), files), _RSS)


def _cgroup_anonymous(layers: Layers) -> Balance | None:
    """The cgroup's anonymous memory, by this process."""
    mine = layers.anonymous()
    if layers.cgroup is None or mine is None:
        return None
    whole = Amount("cgroup rss", layers.cgroup.rss, layers.cgroup.source("rss"))
    return Balance("cgroup rss", whole, (mine,), _OTHERS)


def _cgroup_usage(layers: Layers) -> Balance | None:
    """The cgroup's usage, by anonymous memory, cache and kernel."""
    cgroup = layers.cgroup
    if cgroup is None:
        return None
    parts = [
        Amount("rss", cgroup.rss, cgroup.source("rss")),
        Amount("cache", cgroup.cache, cgroup.source("cache")),
    ]
    if cgroup.kernel is not None:
        parts.append(Amount("kernel", cgroup.kernel, cgroup.source("kernel")))
    whole = Amount("cgroup usage", cgroup.usage, cgroup.source("usage"))
    return Balance("cgroup usage", whole, tuple(parts), _USAGE)
