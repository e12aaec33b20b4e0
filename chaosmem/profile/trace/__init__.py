"""Trace lines of the Go runtime (GODEBUG) as typed records with their place in the input."""

from __future__ import annotations

from chaosmem.profile.trace.cycles import CycleRows, GcCycles
from chaosmem.profile.trace.gctrace import GcTrace, GcTraceParser, parse_gctrace
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
    "parse_gctrace",
]
