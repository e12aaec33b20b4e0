"""The text of the other GODEBUG lines, and how a match becomes a record.

Floats have two forms: `+2.349030e+000` to Go 1.25, `2.319976806640625` since 1.26.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from chaosmem.profile.trace.gcline import F, N, decimal
from chaosmem.profile.trace.linerecords import (
    Init,
    PacerEnd,
    PacerStart,
    Place,
    Record,
    Scan,
    Scavenge,
    Sched,
    SchedDetail,
    SchedEntity,
    SweepDone,
)

_R: Final = rb"([-+]?(?:NaN|Inf|[0-9]{1,20}(?:\.[0-9]{1,20})?(?:e[-+][0-9]{1,4})?))"
_Z: Final = rb"(-?[0-9]{1,20})"
_U: Final = rb"([0-9]{1,20})"
_B: Final = rb"(true|false)"
_LIST: Final = rb"\[ ?((?:[0-9]{1,20} ){0,4096}[0-9]{1,20}) ?\]"

Match = re.Match[bytes]


def _pacer_start(m: Match, at: Place) -> Record:
    return PacerStart(
        line=at.line, offset=at.offset, source=at.source,
        assist_ratio=float(m[1]), scan_mib=int(m[2]), live_mib=int(m[3]), goal_mib=int(m[4]),
        dedicated_workers=int(m[5]), fractional_workers=float(m[6]),
    )  # fmt: skip


def _pacer_end(m: Match, at: Place) -> Record:
    whole = [int(m[i]) for i in range(1, 10)]
    return PacerEnd(
        line=at.line, offset=at.offset, source=at.source,
        cpu_percent=whole[0], expected_cpu_percent=whole[1], heap_work_bytes=whole[2],
        stack_work_bytes=whole[3], globals_work_bytes=whole[4], expected_work_bytes=whole[5],
        trigger_bytes=whole[6], end_bytes=whole[7], goal_delta_bytes=whole[8],
        cons_mark=float(m[10]),
    )  # fmt: skip


def _sweep_done(m: Match, at: Place) -> Record:
    return SweepDone(
        line=at.line, offset=at.offset, source=at.source,
        heap_mib=int(m[1]), allocated_mib=int(m[2]), swept_pages=int(m[3]),
        pages_per_byte=float(m[4]),
    )  # fmt: skip


def _scavenge(m: Match, at: Place) -> Record:
    return Scavenge(
        line=at.line, offset=at.offset, source=at.source,
        background_kib=int(m[1]), eager_kib=None if m[2] is None else int(m[2]),
        released_kib=int(m[3]), in_use_percent=int(m[4]),
        forced=m[5] is not None, controller_reset=m[6] is not None,
    )  # fmt: skip


def _sched(m: Match, at: Place) -> Record:
    detail = None
    if m[9] is not None:
        detail = SchedDetail(m[9] == b"true", int(m[10]), int(m[11]), m[12] == b"true")
    queues, ticks = ((m[i] or b"").split() for i in (13, 14))
    return Sched(
        line=at.line, offset=at.offset, source=at.source,
        milliseconds=int(m[1]), gomaxprocs=int(m[2]), idle_procs=int(m[3]), threads=int(m[4]),
        spinning_threads=int(m[5]), need_spinning=int(m[6]), idle_threads=int(m[7]),
        run_queue=int(m[8]), local_queues=tuple(map(int, queues)),
        sched_ticks=tuple(map(int, ticks)), detail=detail,
    )  # fmt: skip


def _sched_entity(m: Match, at: Place) -> Record:
    pairs = re.findall(rb"([a-z]+)=(.*?)(?= [a-z]+=|$)", m[3])
    fields = tuple((key.decode(), value.decode("utf-8", "replace")) for key, value in pairs)
    return SchedEntity(
        line=at.line, offset=at.offset, source=at.source,
        kind=m[1].decode(), id=int(m[2]), fields=fields,
    )  # fmt: skip


def _init(m: Match, at: Place) -> Record:
    return Init(
        line=at.line, offset=at.offset, source=at.source,
        package=m[1].decode("utf-8", "replace"), at_seconds=decimal(m[2], 3),
        clock_seconds=decimal(m[3], 3), heap_bytes=int(m[4]), allocs=int(m[5]),
    )  # fmt: skip


def _scan(m: Match, at: Place) -> Record:
    green = m[3] is not None
    size = None if m[1] == b"total" else 0 if m[2] is None else int(m[2])
    return Scan(
        line=at.line, offset=at.offset, source=at.source,
        cycle=None, size_class=size, objects=int(m[6] if green else m[9]),
        by_kind=(int(m[3]), int(m[4]), int(m[5])) if green else None,
        spans=(int(m[7]), int(m[8])) if green else None,
    )  # fmt: skip


_SCAN: Final = (
    rb"scan: (total|class (?:L|([0-9]{1,8})B)) "
    rb"(?:" + _U + rb"\+" + _U + rb"\+" + _U + rb"=" + _U + rb" objs, "
    rb"" + _U + rb"\+" + _U + rb"=[0-9]{1,20} spans|" + _U + rb" objs)"
)
_SCHED: Final = (
    rb"SCHED " + _U + rb"ms: gomaxprocs=" + _U + rb" idleprocs=" + _U + rb" threads=" + _U + rb""
    rb" spinningthreads=" + _U + rb" needspinning=" + _U + rb" idlethreads=" + _U + rb""
    rb" runqueue=" + _U + rb"(?: gcwaiting=" + _B + rb" nmidlelocked=" + _Z + rb""
    rb" stopwait=" + _Z + rb" sysmonwait=" + _B + rb""
    rb"| " + _LIST + rb"(?: schedticks=" + _LIST + rb")?)"
)
_PACER_END: Final = (
    rb"pacer: " + _Z + rb"% CPU \(" + _Z + rb" exp\.\) for "
    rb""
    + _Z
    + rb"\+"
    + _Z
    + rb"\+"
    + _Z
    + rb" B work \("
    + _Z
    + rb" B exp\.\) in "
    + _Z
    + rb" B -> "
    + _Z
    + rb" B "
    rb"\(\xe2\x88\x86goal " + _Z + rb", cons/mark " + _R + rb"\)"
)
_PACER_START: Final = (
    rb"pacer: assist ratio=" + _R + rb" \(scan " + _U + rb" MB in " + _U + rb"->" + _U + rb" MB\)"
    rb" workers=" + _Z + rb"\+" + _R
)
_SWEEP_DONE: Final = (
    rb"pacer: sweep done at heap size " + _U + rb"MB; allocated " + _U + rb"MB during sweep; "
    rb"swept " + _U + rb" pages at " + _R + rb" pages/byte"
)
_SCAV: Final = (
    rb"scav " + _U + rb" KiB work(?: \(bg\), " + _U + rb" KiB work \(eager\))?, "
    rb"" + _U + rb" KiB (?:now|total), " + _U + rb"% util(?:( \(forced\))|( \[controller reset\]))?"
)
_INIT: Final = (
    rb"init (\S{1,4096}) @"
    + F
    + rb" ms, "
    + F
    + rb" ms clock, "
    + N
    + rb" bytes, "
    + N
    + rb" allocs"
)
_ENTITY: Final = rb"  ([PMG])([0-9]{1,20}): ((?:status|p)=.{1,2000})"

Build = Callable[[Match, Place], Record]
FORMS: Final[tuple[tuple[bytes, re.Pattern[bytes], Build], ...]] = (
    (b"pacer: assist ratio=", re.compile(_PACER_START), _pacer_start),
    (b"pacer: sweep done at", re.compile(_SWEEP_DONE), _sweep_done),
    (b"pacer: ", re.compile(_PACER_END), _pacer_end),
    (b"scav ", re.compile(_SCAV), _scavenge),
    (b"scan: ", re.compile(_SCAN), _scan),
    (b"SCHED ", re.compile(_SCHED), _sched),
    (b"init ", re.compile(_INIT), _init),
    (b"  ", re.compile(_ENTITY), _sched_entity),
)
"""Each form by its first bytes; the first whose bytes fit decides."""

HEAD: Final = re.compile(
    rb"pacer: (?:assist ratio=|sweep done|-?[0-9]+% CPU)|scav [0-9]+ KiB work|"
    rb"scan: (?:total|class) |SCHED [0-9]+ms: |init \S{1,4096} @[0-9]|  [PMG][0-9]+: (?:status|p)="
)
"""The beginnings that only a trace line has: one that then does not fit its form is torn."""
