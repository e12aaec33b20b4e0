"""Trace lines of the Go runtime (GODEBUG) as typed records with their place in the input."""

from __future__ import annotations

from chaosmem.profile.trace.cycles import CycleRows, GcCycles
from chaosmem.profile.trace.gctrace import GcTrace, GcTraceParser, parse_gctrace
from chaosmem.profile.trace.hot import HotPeriod, HotReport, Share, hot_periods
from chaosmem.profile.trace.lifetime import Lifetime, Match, lifetime
from chaosmem.profile.trace.linerecords import (
    Init,
    PacerEnd,
    PacerStart,
    Scan,
    Scavenge,
    Sched,
    SchedDetail,
    SchedEntity,
    SweepDone,
)
from chaosmem.profile.trace.lines import LinesParser, RuntimeLines, parse_lines
from chaosmem.profile.trace.records import ClockPhases, CpuPhases, Damage, DamageKind, GcCycle

__all__ = [
    "ClockPhases",
    "CpuPhases",
    "CycleRows",
    "Damage",
    "DamageKind",
    "GcCycle",
    "GcCycles",
    "GcTrace",
    "GcTraceParser",
    "HotPeriod",
    "HotReport",
    "Init",
    "Lifetime",
    "LinesParser",
    "Match",
    "PacerEnd",
    "PacerStart",
    "RuntimeLines",
    "Scan",
    "Scavenge",
    "Sched",
    "SchedDetail",
    "SchedEntity",
    "Share",
    "SweepDone",
    "hot_periods",
    "lifetime",
    "parse_gctrace",
    "parse_lines",
]
