"""What could go wrong with each fault, and what each guard and limit is for, in words. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from chaosmem import units
from chaosmem.spec.faults import (
    GoroutinesFault,
    HeapFault,
    LoadFault,
    MemoryFault,
    RuntimeFault,
)
from chaosmem.spec.model import (
    ErrorRateGuard,
    Experiment,
    GoroutinesGuard,
    HeapGuard,
    Limits,
    PromQlGuard,
    RestartsGuard,
    RssGuard,
    UnresponsiveGuard,
)

_STACK = 2048
"""Bytes: the least stack of a goroutine (runtime.stackMin)."""
_READS = ("GET", "HEAD")


def risks(fault: object) -> Iterator[str]:
    """What could go wrong while `fault` acts."""
    match fault:
        case HeapFault():
            yield from _heap(fault)
        case GoroutinesFault():
            yield from _goroutines(fault)
        case RuntimeFault():
            yield from _runtime(fault)
        case LoadFault():
            yield from _load(fault)
        case MemoryFault():
            yield from _memory(fault)
        case _:
            yield "It comes from a plugin: ask its author what else it may do."


def _heap(fault: HeapFault) -> Iterator[str]:
    if fault.retain:
        yield (
            "With GOGC=100 the heap may grow to twice what is live, so the process may take up "
            f"to {units.human_bytes(2 * fault.retain)} more; at its memory limit it is OOM-killed."
        )
    if fault.churn:
        yield "The collector works more often: less CPU for requests, and longer answers."


def _goroutines(fault: GoroutinesFault) -> Iterator[str]:
    least = units.human_bytes(fault.count * _STACK)
    yield f"{fault.count} goroutines take at least {least} of stacks, which every collection scans."
    if fault.state == "network":
        yield "Each takes a file descriptor: the service may lack some for its own connections."
    if fault.at:
        yield f"They are the application's own ({fault.at}): they may hold what it holds."


def _runtime(fault: RuntimeFault) -> Iterator[str]:
    if isinstance(fault.gomemlimit, int):
        yield (
            "Where live memory is near GOMEMLIMIT the collector runs without pause; Go's limiter "
            "keeps it at half the CPU, and then memory grows above the limit."
        )
    if isinstance(fault.gogc, int):
        yield (
            f"The heap grows to {1 + fault.gogc / 100:g} times what is live before a collection: "
            "below GOGC=100 more CPU goes into collecting, above it more memory is taken."
        )
    if fault.gogc == "off":
        yield "Without GOGC nothing is collected below GOMEMLIMIT; without that, memory only grows."
    if fault.godebug:
        yield "GODEBUG settings are not part of Go's promise: know what each does in your version."
    if fault.via == "restart":
        yield "The process is started again: its connections and caches are lost."
    if fault.via == "rollout":
        yield "Pods are replaced: less capacity meanwhile, cold caches; twice, there and back."


def _load(fault: LoadFault) -> Iterator[str]:
    rate = units.format_frequency(fault.rate)
    yield f"{rate} requests more are sent whether or not the service keeps up; its queues may fill."
    writes = [f"{r.method} {r.path}" for r in fault.mix if r.method not in _READS]
    if writes:
        yield f"These requests change data, and that is not undone: {', '.join(writes)}."


def _memory(fault: MemoryFault) -> Iterator[str]:
    if fault.oom == "expected":
        yield "The kernel is meant to kill the service; requests in flight are lost."
    else:
        yield (
            "If the service grows at the same time the limit may be reached: the stressor gives "
            "way first, but a fast growth can win, and the kernel then kills the service."
        )
    if fault.via == "helper":
        yield "A helper pod runs as root on the target's node, with hostPID and its cgroups."
    else:
        yield (
            "A StressChaos whose daemon cannot end its stressor stays, held by its finalizer; "
            "deleting the pod ends the stressor."
        )


def guard_words(guard: object) -> str:
    """When a guard ends the run."""
    if isinstance(guard, PromQlGuard):
        return f"Prometheus says so: {guard.query} {_bounds(guard)}"
    if isinstance(guard, ErrorRateGuard):
        share, window = units.format_percent(guard.max), units.format_duration(guard.window)
        return f"more than {share} of the load's requests failed over {window}"
    if isinstance(guard, UnresponsiveGuard):
        return f"the target gave no sample for {units.format_duration(guard.longest)}"
    return _count_words(guard)


def _count_words(guard: object) -> str:
    match guard:
        case RestartsGuard(max=most):
            return f"the target restarted more than {most} times"
        case RssGuard(max=most):
            return f"resident memory is above {units.format_bytes(most)}"
        case HeapGuard(max=most):
            return f"the heap is above {units.format_bytes(most)}"
        case GoroutinesGuard(max=most):
            return f"there are more than {most} goroutines"
        case _:
            return f"the guard {getattr(guard, 'kind', type(guard).__name__)} trips"


def _bounds(guard: PromQlGuard) -> str:
    above = "" if guard.at_most is None else f"above {guard.at_most:g}"
    below = "" if guard.at_least is None else f"below {guard.at_least:g}"
    return " or ".join(words for words in (above, below) if words)


def limit_words(experiment: Experiment) -> Iterator[str]:
    """What the plan may not exceed, and why that is a limit."""
    limits: Limits = experiment.limits
    pods = experiment.target.kubernetes
    if pods is not None:
        where = ", ".join(limits.namespaces) or pods.namespace
        share = units.format_percent(limits.share)
        rest = ": the rest serve on" if limits.share < 1 else ", so it may be every one of them"
        yield f"At most {limits.pods} pod(s), {share} of those that match, in {where}{rest}."
    yield (
        f"At most {units.format_bytes(limits.heap)} of heap and {limits.goroutines} goroutines "
        "in one process: what the faults may hold there."
    )
    yield f"At most {units.format_duration(limits.duration)} in all: when it is over for certain."
