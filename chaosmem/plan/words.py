"""What each fault does, how it is proven and undone, in words for people."""

from __future__ import annotations

from typing import NamedTuple

from chaosmem import plugins, units
from chaosmem.spec.faults import (
    Fault,
    FaultBase,
    GoroutinesFault,
    HeapFault,
    LoadFault,
    MemoryFault,
    RuntimeFault,
)


class Words(NamedTuple):
    """One fault for people."""

    does: str
    proof: str
    undo: str


def describe(fault: Fault) -> Words:
    """The words for `fault`."""
    match fault:
        case HeapFault():
            return _heap(fault)
        case GoroutinesFault():
            return _goroutines(fault)
        case RuntimeFault():
            return _runtime(fault)
        case LoadFault():
            return _load(fault)
        case MemoryFault():
            return _memory(fault)
        case _:  # a plugin's
            return _of_plugin(fault)


def _of_plugin(fault: FaultBase) -> Words:
    kind = str(getattr(fault, "kind", ""))
    words: Words = plugins.call(plugins.faults()[kind].describe)(fault)
    return words


def _heap(fault: HeapFault) -> Words:
    parts = []
    if fault.retain:
        pace = f" at {units.format_byte_rate(fault.rate)}" if fault.rate else " at once"
        parts.append(f"retain {units.format_bytes(fault.retain)} of live heap{pace}")
    if fault.churn:
        parts.append(f"churn {units.format_byte_rate(fault.churn)} of garbage")
    where = fault.at or "chaosmem/agent.retainHeap"
    return Words(
        f"{' and '.join(parts)}, allocated at {where}",
        "the agent's own count and the runtime's heap both rise by that much",
        "the agent lets go of it; by itself at the lease's end",
    )


def _goroutines(fault: GoroutinesFault) -> Words:
    pace = f" at {units.format_frequency(fault.rate)}" if fault.rate else " at once"
    kind = f"started by {fault.at}" if fault.at else f"{fault.state}"
    return Words(
        f"start {fault.count} goroutines ({kind}){pace}",
        "the agent's own count and runtime.NumGoroutine both rise by that many",
        "the agent ends them; by itself at the lease's end",
    )


def _runtime(fault: RuntimeFault) -> Words:
    settings = []
    if fault.gogc is not None:
        settings.append(f"GOGC={fault.gogc}")
    if fault.gomemlimit is not None:
        limit = fault.gomemlimit
        shown = limit if isinstance(limit, str) else units.format_bytes(limit)
        settings.append(f"GOMEMLIMIT={shown}")
    settings += [f"GODEBUG {k}={v}" for k, v in fault.godebug.items()]
    how = {"agent": "live", "restart": "by restart", "rollout": "by rollout"}[fault.via]
    return Words(
        f"set {', '.join(settings)} {how}",
        "the settings are read back from the process",
        "the former settings are put back and read back",
    )


def _load(fault: LoadFault) -> Words:
    kinds = ", ".join(f"{r.method} {r.path}" for r in fault.mix)
    return Words(
        f"send {units.format_frequency(fault.rate)} requests: {kinds}",
        "requests are counted, answered and failed",
        "requests stop and their connections are closed",
    )


def _memory(fault: MemoryFault) -> Words:
    level = fault.level
    shown = units.format_percent(level) if isinstance(level, float) else units.format_bytes(level)
    of = " of the limit" if fault.of == "limit" else ""
    return Words(
        f"press memory to {shown}{of} from beside the process, via {fault.via}",
        "the working set rises while the process's own resident memory does not",
        "the stressor ends; by itself at its deadline or lost heartbeat",
    )
