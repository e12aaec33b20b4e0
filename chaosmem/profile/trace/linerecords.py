"""Records of the other GODEBUG lines: pacer, scavenger, scheduler, package initialisation, scan.

Every record has `line` (from 1) and `offset` (bytes) of its place, and the `source` that the log
driver's prefix names. Numbers keep the unit of the line, said in their name.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a record stands in the input, and whose it is."""

    line: int
    offset: int
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PacerStart(Place):
    """gcpacertrace at the start of a mark phase (runtime/mgcpacer.go startCycle).

    Attributes:
        assist_ratio: scan work in bytes that a mutator owes for each byte it allocates.
        scan_mib: scannable heap, whole MiB, truncated.
        live_mib: heapLive at the start, whole MiB, truncated.
        goal_mib: heap goal, whole MiB, truncated.
        dedicated_workers: Ps that do nothing but mark.
        fractional_workers: share of one P that marks besides.
    """

    assist_ratio: float
    scan_mib: int
    live_mib: int
    goal_mib: int
    dedicated_workers: int
    fractional_workers: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PacerEnd(Place):
    """gcpacertrace at the end of a mark phase (endCycle); exact bytes, unlike gctrace.

    The line is left out when heapLive did not rise during the mark.

    Attributes:
        cpu_percent: CPU share of the mark phase, and what the pacer aims at.
        expected_cpu_percent: GC utilisation goal, 25.
        heap_work_bytes: scan work done on the heap.
        stack_work_bytes: on stacks.
        globals_work_bytes: on globals.
        expected_work_bytes: what the pacer had expected in all.
        trigger_bytes: heapLive when marking started.
        end_bytes: heapLive at mark termination.
        goal_delta_bytes: heapLive at mark termination minus the heap goal; negative under it.
        cons_mark: bytes allocated for each byte marked, of the cycle before.
    """

    cpu_percent: int
    expected_cpu_percent: int
    heap_work_bytes: int
    stack_work_bytes: int
    globals_work_bytes: int
    expected_work_bytes: int
    trigger_bytes: int
    end_bytes: int
    goal_delta_bytes: int
    cons_mark: float

    @property
    def goal_bytes(self) -> int:
        """The heap goal that the cycle ended against, exact."""
        return self.end_bytes - self.goal_delta_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepDone(Place):
    """gcpacertrace when sweeping is done (runtime/mgcsweep.go); sizes in whole MiB, truncated."""

    heap_mib: int
    allocated_mib: int
    swept_pages: int
    pages_per_byte: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Scavenge(Place):
    """scavtrace, about once a cycle and before its gc line (runtime/mgcscavenge.go).

    Attributes:
        background_kib: returned by the background scavenger since the last line, KiB.
        eager_kib: returned by allocation and FreeOSMemory; None before Go 1.21, where
            `background_kib` is all of it.
        released_kib: released to the OS and not taken back by now, KiB (`now`; before Go 1.21 the
            word is `total`).
        in_use_percent: heap in use, as a share of what is not released.
        forced: by debug.FreeOSMemory.
        controller_reset: the background scavenger's controller was reset.
    """

    background_kib: int
    eager_kib: int | None
    released_kib: int
    in_use_percent: int
    forced: bool
    controller_reset: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Sched(Place):
    """One schedtrace line (runtime/proc.go schedtrace).

    Attributes:
        milliseconds: since the first schedtrace line of the process.
        gomaxprocs: number of Ps.
        idle_procs: Ps without work.
        threads: Ms.
        spinning_threads: Ms looking for work.
        need_spinning: whether one more should look for work.
        idle_threads: parked Ms.
        run_queue: length of the global run queue.
        local_queues: run queue of each P; empty with scheddetail, which prints P lines instead.
        sched_ticks: schedtick of each P; empty before Go 1.25 and with scheddetail.
        detail: the scheddetail part; None without.
    """

    milliseconds: int
    gomaxprocs: int
    idle_procs: int
    threads: int
    spinning_threads: int
    need_spinning: int
    idle_threads: int
    run_queue: int
    local_queues: tuple[int, ...]
    sched_ticks: tuple[int, ...]
    detail: SchedDetail | None


@dataclass(frozen=True, slots=True)
class SchedDetail:
    """What scheddetail=1 appends to the SCHED line."""

    gc_waiting: bool
    idle_locked_threads: int
    stop_wait: int
    sysmon_wait: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedEntity(Place):
    """A P, M or G line of scheddetail=1.

    Attributes:
        kind: "P", "M" or "G".
        id: its number.
        fields: the rest, by the runtime's own names ("nil" and empty values as printed).
    """

    kind: str
    id: int
    fields: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Init(Place):
    """inittrace: one package's initialisation (Go 1.16).

    Attributes:
        package: import path.
        at_seconds: begin, since the runtime started.
        clock_seconds: how long it took.
        heap_bytes: allocated by it.
        allocs: objects allocated by it.
    """

    package: str
    at_seconds: float
    clock_seconds: float
    heap_bytes: int
    allocs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan(Place):
    """gctrace=2 (Go 1.25): objects scanned in one cycle, in all or of one size class.

    Attributes:
        cycle: number of the gc line that it stands behind; None if that line is not there.
        size_class: size in bytes; 0 for large objects ("L"); None for the total.
        objects: objects scanned.
        by_kind: of them (one by one, sparse in spans, dense in spans); None without Green Tea.
        spans: spans scanned (sparse, dense); None without Green Tea.
    """

    cycle: int | None
    size_class: int | None
    objects: int
    by_kind: tuple[int, int, int] | None
    spans: tuple[int, int] | None


Record = PacerStart | PacerEnd | SweepDone | Scavenge | Sched | SchedEntity | Init | Scan
