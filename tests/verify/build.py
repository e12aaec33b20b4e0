"""A small whole run in a few lines: phases of 10 s, 10 Hz sampling, faults from t=10 to t=20.

    baseline 0-10, inject 10-12, hold 12-20, recover 20-40; release at t=20 ± 1 ms.

`trial(...)` takes series as functions of the time or as constants; everything can be replaced.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from chaosmem.evidence.model import (
    Capture,
    Cycles,
    Evidence,
    FaultRecord,
    Floats,
    Histogram,
    Log,
    ProbeProblem,
    RunEnd,
    RunState,
    Series,
    TargetEvent,
    TargetState,
    Trial,
    UndoRecord,
    Window,
)
from chaosmem.metrics import (
    GOROUTINES,
    GOROUTINES_HELD,
    HEAP_ALLOC,
    HEAP_HELD,
    Metric,
)
from chaosmem.plan.model import (
    Plan,
    PlannedFault,
    PlannedPhase,
    PlannedTarget,
    PlannedTrial,
)
from chaosmem.spec.base import Phase
from chaosmem.spec.checks import CheckBase
from chaosmem.spec.faults import Fault, FaultBase, GoroutinesFault, HeapFault
from chaosmem.spec.model import Arm, Experiment, Metadata
from chaosmem.spec.target import Target

MIB = float(1 << 20)
APPLIED, RELEASED, END = 10.0, 20.0, 40.0
PHASES: Mapping[Phase, Window] = {
    Phase.BASELINE: Window(0.0, 10.0),
    Phase.INJECT: Window(10.0, 12.0),
    Phase.HOLD: Window(12.0, 20.0),
    Phase.RECOVER: Window(20.0, 40.0),
}
SURGE = GoroutinesFault(count=500)
HEAP = HeapFault(retain=64 << 20)

Curve = Callable[[Floats], Floats] | float
TICKS: Floats = np.arange(0.05, END, 0.1)
U = 0.002


def series(metric: Metric, curve: Curve, *, t: Floats = TICKS, u: float = U) -> Series:
    """`curve` sampled at `t`."""
    v = curve(t) if callable(curve) else np.full(len(t), float(curve))
    return Series(metric, t, np.full(len(t), u), np.asarray(v, dtype=float), "series/t.npz")


def steps(*pairs: tuple[float, float]) -> Callable[[Floats], Floats]:
    """A curve of (from this time on, this value) steps."""

    def curve(t: Floats) -> Floats:
        starts = np.array([start for start, _ in pairs])
        values = np.array([value for _, value in pairs])
        return np.asarray(values[np.searchsorted(starts, t, "right") - 1], dtype=float)

    return curve


def pulse(base: float, top: float, end: float = RELEASED, start: float = 10.5) -> Curve:
    """`base`, from `start` to `end` `top`, then `base` again."""
    return steps((0.0, base), (start, top), (end, base))


def fault(spec: FaultBase, **change: Any) -> FaultRecord:
    """A fault that was applied at t=10 and undone at t=20, each ± 1 ms."""
    kind: Fault = TypeAdapter(Fault).validate_python(spec)
    planned = PlannedFault(
        id=f"{kind.kind}-1",
        fault=kind,
        begin=kind.during[0],
        end=kind.during[-1],
        does="does",
        proof="proof",
        undo="undo",
    )
    record = FaultRecord(planned, APPLIED, 0.001, RELEASED, 0.001, lines=(7, 9))
    return replace(record, **change)


def surge(curve: Curve, *, held: float = 500.0, **more: Curve) -> dict[Metric, Curve]:
    """Series of a goroutine surge: the counted goroutines, and what the agent holds."""
    del more
    return {GOROUTINES: curve, GOROUTINES_HELD: pulse(0, held)}


def heap_series(mib: float = 64.0) -> dict[Metric, Curve]:
    """Series of a proven heap fault."""
    return {HEAP_HELD: pulse(0, mib * MIB), HEAP_ALLOC: pulse(8 * MIB, (8 + mib) * MIB)}


@dataclass(frozen=True)
class Files:
    """Files of a run directory, by name."""

    files: Mapping[str, bytes] = field(default_factory=dict)

    def __call__(self, name: str) -> bytes:
        return self.files[name]


NO_CYCLES = Cycles({}, "")


def trial(
    curves: Mapping[Metric, Curve] | None = None,
    *,
    faults: Sequence[FaultRecord] = (),
    t: Floats = TICKS,
    u: float = U,
    number: int = 1,
    arm: str = "default",
    files: Mapping[str, bytes] | None = None,
    **change: Any,
) -> Trial:
    """One complete trial."""
    measured = {m.name: series(m, c, t=t, u=u) for m, c in (curves or {}).items()}
    started = (
        TargetEvent(0.0, TargetState.READY, pid=4242, line=3),
        TargetEvent(END, TargetState.STOPPED, pid=4242, by_us=True, line=99),
    )
    values: dict[str, Any] = {
        "key": f"{arm}-{number}",
        "arm": arm,
        "trial": number,
        "target": "demo",
        "phases": PHASES,
        "series": measured,
        "cycles": NO_CYCLES,
        "captures": (),
        "histograms": (),
        "faults": tuple(faults),
        "events": started,
        "problems": (),
        "log": None,
        "complete": True,
        "read": Files(files or {}),
    }
    return Trial(**(values | change))


def cycles(rows: Sequence[Mapping[str, float]]) -> Cycles:
    """GC cycles from rows; what a row leaves out is a quiet 8 MiB heap's."""
    plain = {
        "live": 8 * MIB,
        "goal": 16 * MIB,
        "stack": 0.0,
        "globals": 0.0,
        "gogc": 100.0,
        "limit": 2.0**63,
        "limiter": 0.0,
        "forced_total": 0.0,
        "total": 32 * MIB,
        "released": 0.0,
        "heap_free": 0.0,
        "heap_objects": 8 * MIB,
    }
    whole = [plain | dict(row) for row in rows]
    names = ["n", "t", *plain]
    return Cycles({k: np.array([row[k] for row in whole]) for k in names}, "series/cycles.npz")


def capture(profile: str, moment: str, begin: float, end: float, **change: Any) -> Capture:
    """A capture that was had."""
    name = f"captures/{profile}-{moment}.pb.gz"
    made = Capture(f"{profile}-{moment}", profile, moment, begin, end, name, "0" * 64, 100, gc=True)
    return replace(made, **change)


def evidence(
    *trials: Trial,
    checks: Sequence[CheckBase] = (),
    planned: int | None = None,
    state: RunState = RunState.COMPLETED,
    **change: Any,
) -> Evidence:
    """A whole run of these trials."""
    faults = trials[0].faults if trials else ()
    arms = list(dict.fromkeys(t.arm for t in trials)) or ["default"]
    experiment = Experiment(
        metadata=Metadata(name="cart"),
        target=TypeAdapter(Target).validate_python({"process": {"command": ["demo"]}}),
        faults=tuple(f.planned.fault for f in faults),
        checks=tuple(checks),
        arms=tuple(Arm(name=a) for a in arms),
    )
    keys = [PlannedTrial(key=t.key, arm=t.arm, trial=t.trial) for t in trials]
    extra = (planned or len(keys)) - len(keys)
    keys += [PlannedTrial(key=f"extra-{i}", arm="default", trial=90 + i) for i in range(extra)]
    plan = Plan(
        experiment="cart",
        sha256="0" * 64,
        targets=(PlannedTarget(name="demo", kind="process", detail=""),),
        phases=tuple(PlannedPhase(phase=p, start=w.start, end=w.end) for p, w in PHASES.items()),
        faults=tuple(f.planned for f in faults),
        captures=(),
        trials=tuple(keys),
        trial_seconds=END,
    )
    values: dict[str, Any] = {
        "run_id": "cart/20261123T180000Z-abcd",
        "started": "2026-11-23T18:00:00Z",
        "experiment": experiment,
        "plan": plan,
        "trials": trials,
        "end": RunEnd(state),
        "undo": (UndoRecord("undo-1", "release the surge", done=True, line=5),),
    }
    return Evidence(**(values | change))


__all__ = [
    "APPLIED",
    "END",
    "HEAP",
    "MIB",
    "PHASES",
    "RELEASED",
    "SURGE",
    "TICKS",
    "Curve",
    "Histogram",
    "Log",
    "ProbeProblem",
    "capture",
    "cycles",
    "evidence",
    "fault",
    "heap_series",
    "pulse",
    "series",
    "steps",
    "surge",
    "trial",
]
