"""A run that never was, the same every time: a small simulated Go process under a heap fault.

Its numbers look like those of a real run; only reports are tested with them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from chaosmem import metrics
from chaosmem.evidence.model import (
    Capture,
    Cycles,
    Evidence,
    FaultRecord,
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
from chaosmem.metrics import Metric
from chaosmem.plan.model import (
    Plan,
    PlannedCapture,
    PlannedFault,
    PlannedPhase,
    PlannedTarget,
    PlannedTrial,
)
from chaosmem.spec.base import Phase
from chaosmem.spec.model import Arm, Experiment
from tests.report.sample_profiles import MIB, goroutine_stacks, heap_stacks, pprof
from tests.report.sample_verdict import verdict

__all__ = ["HOSTILE", "evidence", "verdict"]

Kind = Literal["healthy", "leak", "aborted"]
HOSTILE = (
    "</script><script>alert(1)</script><img src=x onerror=alert(2)> | `x` \x1b[31m\u202e & \ud800"
)

GCTRACE = (
    b"gc 40 @1.200s 2%: 0.010+0.40+0.002 ms clock, 0.020+0/0.23/0.26+0.004 ms cpu, "
    b"44->45->22 MB, 44 MB goal, 1 MB stacks, 0 MB globals, 2 P\n"
    b"listening on 127.0.0.1\n"
    b"gc 42 @3.500s 2%: 0.010+0.50+0.003 ms clock, 0.020+0/0.23/0.26+0.006 ms cpu, "
    b"44->46->23 MB, 44 MB goal, 1 MB stacks, 0 MB globals, 2 P (forced)\n"
)

SPEC = {
    "apiVersion": "chaosmem/v1",
    "kind": "Experiment",
    "metadata": {
        "name": "cart-heap-surge",
        "description": "The cart gives back 64 MiB and 500 goroutines within five seconds",
    },
    "target": {"process": {"go": {"module": "builtin:demo"}}},
    "faults": [
        {"kind": "heap", "retain": "64MiB", "rate": "16MiB/s", "at": "inventory.(*Cache).Fill"},
        {"kind": "goroutines", "count": 500, "rate": 200},
        {
            "kind": "load",
            "rate": 40,
            "during": ["baseline", "inject", "hold", "release", "recover"],
            "mix": [{"path": "/cart"}],
        },
    ],
    "checks": [{"kind": "goroutine-recovery"}, {"kind": "next-gc-prediction"}],
}
_POD = "container shop, limit 256.0 MiB"
_PHASES = {
    Phase.BASELINE: 10.0,
    Phase.INJECT: 5.0,
    Phase.HOLD: 10.0,
    Phase.RECOVER: 15.0,
}


@dataclass
class Simulated:
    """Columns of one simulated trial, and its GC cycles."""

    t: np.ndarray
    columns: dict[Metric, np.ndarray]
    cycles: dict[str, np.ndarray]


def simulate(
    phases: Mapping[Phase, Window], kind: Kind, seed: int, rate: float, end: float
) -> Simulated:
    """The process through the phases: retained heap, surge, sawtooth allocation, GC at the goal."""
    rng = np.random.default_rng(seed)
    start = phases[Phase.BASELINE].start
    t = np.arange(start, end, 1 / rate)
    t = t + rng.uniform(-0.004, 0.004, len(t))
    inject, release = phases[Phase.INJECT], phases[Phase.HOLD].end
    left = 210.0 if kind == "leak" else 0.0
    ramp = np.clip((t - inject.start) / 3.5, 0, 1)
    decay = np.exp(-np.maximum(t - release, 0) / 0.55)
    held_heap = 64 * MIB * ramp * np.where(t > release, 0.0, 1.0)
    surge = 500 * ramp * decay + left * (1 - decay)
    live_now = 22 * MIB + 64 * MIB * ramp * np.where(t > release + 0.4, 0.12 * (left > 0), 1.0)
    alloc, live, goal = 24.0 * MIB, 22.0 * MIB, 44.0 * MIB
    columns: dict[str, list[float]] = {k: [] for k in ("alloc", "live", "goal", "gc", "n", "cpu")}
    rows: list[tuple[float, ...]] = []
    gc_cpu, released = 0.0, 0.0
    for i, now in enumerate(t):
        alloc += (18 + 6 * rng.random()) * MIB / rate + (
            max(0.0, float(live_now[i] - live_now[i - 1])) if i else 0.0
        )
        if alloc >= goal:
            live = float(live_now[i]) * (1 + 0.01 * rng.standard_normal())
            goal = max(4 * MIB, live + (live + MIB))
            alloc = live + rng.random() * MIB
            gc_cpu += 0.004 + live / MIB * 0.0002
            rows.append((len(rows) + 40, now, live, goal, alloc))
        released = max(0.0, released * 0.999)
        for key, value in (
            ("alloc", alloc),
            ("live", live),
            ("goal", goal),
            ("gc", gc_cpu),
            ("n", len(rows) + 39),
            ("cpu", (now - start) * 2),
        ):
            columns[key].append(value)
    lag = np.maximum.accumulate(np.asarray(columns["alloc"]))
    rss = 31 * MIB + lag * np.where(t > release + 3, 0.75, 1.0)
    elapsed = t - start
    return Simulated(
        t,
        {
            metrics.GOROUTINES: np.round(18 + rng.integers(-1, 2, len(t)) + surge),
            metrics.GOROUTINES_HELD: np.round(500 * ramp * (t <= release)),
            metrics.HEAP_HELD: held_heap,
            metrics.HEAP_LIVE: np.asarray(columns["live"]),
            metrics.HEAP_GOAL: np.asarray(columns["goal"]),
            metrics.HEAP_ALLOC: np.asarray(columns["alloc"]),
            metrics.RSS: rss,
            **_classes(np.asarray(columns["alloc"]), rss),
            metrics.GC_CPU: np.asarray(columns["gc"]),
            metrics.GO_CPU: np.asarray(columns["cpu"]),
            metrics.GC_CYCLES: np.asarray(columns["n"], float),
            metrics.LOAD_SENT: np.floor(elapsed * 40),
            metrics.LOAD_OK: np.floor(elapsed * 40) - np.floor(ramp * 9),
            metrics.LOAD_FAILED: np.floor(ramp * 9),
        },
        dict(zip(("n", "t", "live", "goal", "heap_objects"), np.asarray(rows).T, strict=True)),
    )


def _classes(alloc: np.ndarray, rss: np.ndarray) -> dict[Metric, np.ndarray]:
    """What the runtime has mapped beside the objects; it explains all of RSS but 6 MiB."""
    unused, stacks, other = 0.06 * alloc, np.full(len(alloc), 1.5 * MIB), 3 * MIB
    free = np.maximum(rss - 6 * MIB - alloc - unused - stacks - other, 0.0)
    released = np.full(len(alloc), 9 * MIB)
    return {
        metrics.HEAP_UNUSED: unused,
        metrics.HEAP_FREE: free,
        metrics.HEAP_RELEASED: released,
        metrics.STACKS: stacks,
        metrics.GO_TOTAL: alloc + unused + free + released + stacks + other,
    }


def _series(made: Simulated, seed: int, folder: str) -> dict[str, Series]:
    rng = np.random.default_rng(seed + 1000)
    u = np.full(len(made.t), 0.002)
    series = {
        m.name: Series(m, made.t, u, np.asarray(v, float), f"{folder}/series/agent.npz")
        for m, v in made.columns.items()
    }
    t = np.sort(rng.uniform(made.t[0], made.t[-1], int(40 * (made.t[-1] - made.t[0]))))
    latency = rng.lognormal(-6.2, 0.5, len(t)) * (1 + 3 * (rng.random(len(t)) > 0.99))
    none = np.zeros(len(t))
    series[metrics.LOAD_LATENCY.name] = Series(
        metrics.LOAD_LATENCY, t, none, latency, f"{folder}/series/latency.npz"
    )
    return series


def _helper(series: dict[str, Series], folder: str) -> dict[str, Series]:
    """Of a pod, as its helper reads it: no RSS of one process, but what the cgroup is charged."""
    rss = series.pop(metrics.RSS.name)
    stress = np.where(series[metrics.HEAP_HELD.name].v > 0, 40.0 * MIB, 0.0)
    anon, cache = rss.v - 5 * MIB + stress, np.full(len(rss), 2.0 * MIB)
    columns = {
        metrics.TARGET_RSS: rss.v,
        metrics.STRESS_HELD: stress,
        metrics.CGROUP_ANON: anon,
        metrics.CGROUP_CACHE: cache,
        metrics.CGROUP_USAGE: anon + cache + MIB,
        metrics.CGROUP_WORKING_SET: anon + MIB,
        metrics.CGROUP_LIMIT: np.full(len(rss), 256.0 * MIB),
    }
    made = {m.name: Series(m, rss.t, rss.u, v, f"{folder}/helper.col") for m, v in columns.items()}
    return series | made


def _cycles(made: Simulated, folder: str) -> Cycles:
    many = len(made.cycles["n"])
    columns = dict(made.cycles)
    columns |= {k: np.zeros(many) for k in ("limiter", "forced_total", "released", "heap_free")}
    columns |= {k: np.full(many, 0.5 * MIB) for k in ("stack", "globals")}
    columns |= {"gogc": np.full(many, 100.0), "limit": np.full(many, float(2**63 - 1))}
    columns["total"] = columns["n"]
    return Cycles(columns, f"{folder}/series/cycles.npz")


def _captures(
    phases: Mapping[Phase, Window], kind: Kind, folder: str, extra: str
) -> tuple[tuple[Capture, ...], dict[str, bytes]]:
    held = {Phase.BASELINE: 0, Phase.HOLD: 64 * MIB, Phase.RECOVER: 8 * MIB * (kind == "leak")}
    surge = {Phase.BASELINE: 0, Phase.HOLD: 500, Phase.RECOVER: 210 * (kind == "leak")}
    captures, files = [], {}
    for phase in (p for p in held if p in phases):
        for profile in ("heap", "goroutine"):
            name = f"{folder}/captures/{profile}-{phase}.end.pb.gz"
            heap = profile == "heap"
            data = (
                pprof(heap_stacks(held[phase], extra), "heap")
                if heap
                else pprof(goroutine_stacks(surge[phase]), "goroutine")
            )
            files[name] = data
            end = phases[phase].end
            captures.append(
                Capture(
                    f"{profile}@{phase}.end",
                    profile,
                    f"{phase}.end",
                    end - 0.08,
                    end,
                    name,
                    "ab" * 32,
                    len(data),
                    gc=heap,
                )
            )
    return tuple(captures), files


def trial(
    plan: Plan,
    arm: str,
    n: int,
    start: float,
    kind: Kind,
    *,
    rate: float,
    stretch: float,
    extra: str,
    pod: str = "",
) -> Trial:
    """One trial starting at `start`; an aborted one ends 3 s into the hold."""
    phases, at = {}, start
    for phase, length in _PHASES.items():
        phases[phase] = Window(at, at + length * stretch)
        at += length * stretch
    end = at
    if kind == "aborted":
        end = phases[Phase.HOLD].start + 3
        phases = {p: w for p, w in phases.items() if p is not Phase.RECOVER}
        phases[Phase.HOLD] = Window(phases[Phase.HOLD].start, end)
    key = f"{arm}-{n}.{pod}" if pod else f"{arm}-{n}"
    made = simulate(phases, kind, seed=n * 7 + len(arm), rate=rate, end=end)
    series = _series(made, n, f"trials/{key}")
    if pod:
        series = _helper(series, f"trials/{key}")
    captures, files = _captures(phases, kind, f"trials/{key}", extra)
    release = phases[Phase.HOLD].end
    faults = [
        FaultRecord(
            f,
            phases[f.begin].start + 0.01,
            0.003,
            (end if f.fault.kind == "load" else release) + 0.02,
            0.004,
            readback={"held": 64 * MIB},
            lines=(12, 30),
        )
        for f in plan.faults
    ]
    events = [
        TargetEvent(start - 0.4, TargetState.STARTED, 4711, by_us=True, line=3),
        TargetEvent(start - 0.1, TargetState.READY, 4711, line=4),
        TargetEvent(end + 0.2, TargetState.STOPPED, 4711, by_us=True, line=44),
    ]
    log = GCTRACE + extra.encode("utf-8", "replace")
    return Trial(
        key=key,
        arm=arm,
        trial=n,
        target=pod or "demo",
        phases=phases,
        series=series,
        cycles=_cycles(made, f"trials/{key}"),
        captures=captures,
        histograms=(
            Histogram(
                "/sched/pauses/total/gc:seconds",
                "recover.end",
                end,
                ((1e-5, 2e-5, 31), (2e-5, 1e-4, 12)),
                f"trials/{key}/hist.json",
            ),
        ),
        faults=tuple(faults),
        events=tuple(events),
        problems=(ProbeProblem(start + 7.3, "agent", f"timed out after 1 s {extra}".strip(), 21),),
        log=Log(f"trials/{key}/stderr.log", log, start - 0.4),
        complete=kind != "aborted",
        read=files.__getitem__,
    )


def plan(experiment: Experiment, stretch: float, extra: str, pods: tuple[str, ...] = ()) -> Plan:
    """The plan of `experiment`, arms interleaved."""
    words = [
        ("heap", "Retain 64 MiB at inventory.(*Cache).Fill, 16 MiB/s", Phase.INJECT, Phase.HOLD),
        ("goroutines", "500 blocked goroutines, 200/s", Phase.INJECT, Phase.HOLD),
        ("load", "40 requests/s: GET /cart", Phase.BASELINE, Phase.RECOVER),
    ]
    at, phases = 0.0, []
    for phase, length in _PHASES.items():
        phases.append(PlannedPhase(phase=phase, start=at, end=at + length * stretch))
        at += length * stretch
    return Plan(
        experiment=experiment.metadata.name,
        sha256="ab" * 32,
        targets=tuple(
            PlannedTarget(
                name=pod + extra, kind="kubernetes", detail="container shop, limit 256.0 MiB"
            )
            for pod in pods
        )
        or (
            PlannedTarget(
                name=f"demo{extra}", kind="process", detail="go build builtin:demo, 127.0.0.1:40123"
            ),
        ),
        phases=tuple(phases),
        faults=tuple(
            PlannedFault(
                id=i,
                fault=f,
                begin=b,
                end=e,
                does=d + extra,
                proof="the agent's count and the runtime's agree",
                undo="release",
            )
            for (i, d, b, e), f in zip(words, experiment.faults, strict=True)
        ),
        captures=(
            PlannedCapture.model_validate(
                {
                    "id": "heap@hold.end",
                    "profile": "heap",
                    "moment": "hold.end",
                    "at": 25.0,
                    "gc": True,
                }
            ),
        ),
        trials=tuple(
            PlannedTrial(key=f"{arm.name}-{n}", arm=arm.name, trial=n, target=i)
            for n in range(1, experiment.trials + 1)
            for arm in experiment.arms
            for i in range(max(len(pods), 1))
        ),
        trial_seconds=at,
        notes=("The heap fault is positive for next-gc-prediction and top-allocations.",),
    )


def evidence(
    kind: Kind = "healthy",
    *,
    trials: int = 1,
    arms: tuple[str, ...] = ("default",),
    rate: float = 10.0,
    stretch: float = 1.0,
    hostile: bool = False,
    pods: tuple[str, ...] = (),
) -> Evidence:
    """A whole run; with `leak` only the last trial of the first arm leaks, on its first target."""
    extra = HOSTILE if hostile else ""
    base = Experiment.model_validate(SPEC)
    experiment = base.model_copy(
        update={"trials": trials, "arms": tuple(Arm(name=name) for name in arms)}
    )
    planned = plan(experiment, stretch, extra, pods)
    ran = []
    for i, p in enumerate(planned.trials):
        own: Kind = (
            kind
            if kind != "leak" or (p.arm, p.trial, p.target) == (arms[0], trials, 0)
            else "healthy"
        )
        begin = 1.0 + i // max(len(pods), 1) * (planned.trial_seconds + 2)
        pod = pods[p.target] if pods else ""
        how = {"rate": rate, "stretch": stretch}
        ran.append(trial(planned, p.arm, p.trial, begin, own, **how, extra=extra, pod=pod))
        if own == "aborted":
            break
    aborted = kind == "aborted"
    end = RunEnd(RunState.ABORTED, "guard rss: 212.0 MiB is above 200.0 MiB", 77)
    undo = [
        UndoRecord("u1", f"release 64 MiB of demo{extra}", done=True, line=12),
        UndoRecord(
            "u2",
            "release 500 goroutines of demo",
            done=not aborted,
            error="connection refused" if aborted else "",
            line=14,
        ),
    ]
    return Evidence(
        run_id="20261123T180405Z-7f3a",
        started="2026-11-23T18:04:05Z",
        experiment=experiment,
        plan=planned,
        trials=tuple(ran),
        end=end if aborted else RunEnd(RunState.COMPLETED, line=99),
        undo=tuple(undo),
        damage=("journal.jsonl:78: torn last line (31 bytes)",) if aborted else (),
        facts={
            "chaosmem": "0.1.0",
            "go": "go1.27.3",
            "host": f"linux/amd64, 2 CPUs{extra}",
            "GOGC": "100",
            "GOMEMLIMIT": "none",
        },
    )
