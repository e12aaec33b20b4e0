"""Where the memory of one process is: runtime, OS, cgroup and application, reconciled."""

from __future__ import annotations

from chaosmem.profile.layers.amounts import Amount, Balance
from chaosmem.profile.layers.cgroup import Cgroup, parse_cgroup
from chaosmem.profile.layers.procfs import (
    Kind,
    KindTotal,
    Mapping,
    Resident,
    Statm,
    by_kind,
    parse_smaps,
    parse_smaps_rollup,
    parse_statm,
)
from chaosmem.profile.layers.reconcile import Layers, reconcile
from chaosmem.profile.layers.runtimeclasses import (
    RuntimeClasses,
    from_memstats,
    from_runtime_metrics,
)
from chaosmem.profile.layers.scavenger import (
    HeapSample,
    Returned,
    ScavengeTotals,
    returned,
    scavenge_totals,
)
from chaosmem.profile.layers.sizeclasses import (
    TABLE,
    ClassUse,
    Fragmentation,
    SizeClass,
    fragmentation,
)

__all__ = [
    "TABLE",
    "Amount",
    "Balance",
    "Cgroup",
    "ClassUse",
    "Fragmentation",
    "HeapSample",
    "Kind",
    "KindTotal",
    "Layers",
    "Mapping",
    "Resident",
    "Returned",
    "RuntimeClasses",
    "ScavengeTotals",
    "SizeClass",
    "Statm",
    "by_kind",
    "fragmentation",
    "from_memstats",
    "from_runtime_metrics",
    "parse_cgroup",
    "parse_smaps",
    "parse_smaps_rollup",
    "parse_statm",
    "reconcile",
    "returned",
    "scavenge_totals",
]
