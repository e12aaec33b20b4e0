"""A run that never was, the same every time: a small simulated Go process under a heap fault.

`evidence()` and `verdict()` are made for reports only: their numbers look like those of a real
run, but no check has computed them.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
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
from chaosmem.verify.model import (
    Comparison,
    Finding,
    Number,
    Outcome,
    Pointer,
    Summary,
    Verdict,
    worst,
)

Kind = Literal["healthy", "leak", "aborted"]
MIB = 2**20
HOSTILE = (
    "</script><script>alert(1)</script><img src=x onerror=alert(2)> | `x` \x1b[31m\u202e & \ud800"
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
        {"kind": "load", "rate": 40, "during": ["baseline", "inject", "hold", "release", "recover"],
         "mix": [{"path": "/cart"}]},
    ],
    "checks": [{"kind": "goroutine-recovery"}, {"kind": "next-gc-prediction"}],
}  # fmt: skip
_PHASES = {
    Phase.BASELINE: 10.0,
    Phase.INJECT: 5.0,
    Phase.HOLD: 10.0,
    Phase.RECOVER: 15.0,
}


def pprof(stacks: Mapping[tuple[str, ...], int], kind: Literal["heap", "goroutine"]) -> bytes:
    """A gzipped pprof protobuf; stacks root first. Heap values: objects and bytes, in use only."""
    strings = [""]

    def ref(text: str) -> int:
        if text not in strings:
            strings.append(text)
        return strings.index(text)

    types = [("inuse_objects", "count"), ("inuse_space", "bytes")]
    if kind == "goroutine":
        types = [("goroutine", "count")]
    names = sorted({name for stack in stacks for name in stack})
    out = b"".join(_part(1, _field(1, ref(t)) + _field(2, ref(u))) for t, u in types)
    for stack, value in sorted(stacks.items()):
        ids = b"".join(_varint(names.index(name) + 1) for name in reversed(stack))
        values = [value // 1024, value] if kind == "heap" else [value]
        out += _part(2, _part(1, ids) + _part(2, b"".join(map(_varint, values))))
    for i, name in enumerate(names, 1):
        out += _part(4, _field(1, i) + _field(3, i) + _part(4, _field(1, i) + _field(2, 10 + i)))
        out += _part(5, _field(1, i) + _field(2, ref(name)) + _field(4, ref("cart.go")))
    out += b"".join(_part(6, s.encode("utf-8", "replace")) for s in strings)
    out += _field(12, 524288)
    return gzip.compress(out, mtime=0)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _field(tag: int, value: int) -> bytes:
    return _varint(tag << 3) + _varint(value)


def _part(tag: int, data: bytes) -> bytes:
    return _varint(tag << 3 | 2) + _varint(len(data)) + data


def heap_stacks(held: int, extra: str = "") -> dict[tuple[str, ...], int]:
    """Stacks of a small shop, with `held` bytes at the injection point."""
    main = ("runtime.main", "main.main")
    http = ("net/http.(*conn).serve", "net/http.HandlerFunc.ServeHTTP")
    stacks = {
        (*main, "inventory.New", "inventory.(*Cache).load", "bytes.growSlice"): 9 * MIB,
        (*main, "inventory.New", "inventory.(*Index).build", "strings.(*Builder).grow"): 5 * MIB,
        (*main, "session.NewStore", "session.(*Store).shard"): 3 * MIB,
        (*http, "cart.(*Handler).Add", "encoding/json.Unmarshal", "reflect.unsafe_New"): 2 * MIB,
        (*http, "cart.(*Handler).Get", "encoding/json.Marshal", "bytes.growSlice"): 1 * MIB,
        (*http, "cart.(*Handler).Get", "cart.render", "fmt.Sprintf"): 700 * 1024,
        ("runtime.mstart", "runtime.mcall", "runtime.malg"): 600 * 1024,
        (*main, "log.New", "bufio.NewWriterSize"): 256 * 1024,
    }
    fill = (*http, "chaosmem/agent.(*Agent).apply", "inventory.(*Cache).Fill")
    if held:
        stacks[(*fill, "inventory.newEntry")] = int(held * 0.9)
        stacks[(*fill, "inventory.(*Cache).grow", "runtime.makeslice")] = int(held * 0.1)
    if extra:
        stacks[(*main, extra)] = 4 * MIB
    return stacks


def goroutine_stacks(surge: int) -> dict[tuple[str, ...], int]:
    """Goroutines of the same shop, with `surge` blocked ones."""
    stacks = {
        ("main.main", "net/http.(*Server).Serve", "net.(*TCPListener).Accept"): 1,
        ("worker.(*Pool).run", "worker.(*Pool).next", "runtime.gopark"): 8,
        ("net/http.(*conn).serve", "bufio.(*Reader).Peek", "net.(*conn).Read"): 7,
        ("session.(*Store).sweep", "time.(*Ticker).C", "runtime.gopark"): 2,
    }
    if surge:
        stacks["chaosmem/agent.surge", "cart.(*Queue).Wait", "sync.(*Cond).Wait"] = surge
    return stacks


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
        for key, value in (("alloc", alloc), ("live", live), ("goal", goal), ("gc", gc_cpu),
                           ("n", len(rows) + 39), ("cpu", (now - start) * 2)):  # fmt: skip
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
            metrics.GO_TOTAL: rss + 9 * MIB,
            metrics.GC_CPU: np.asarray(columns["gc"]),
            metrics.GO_CPU: np.asarray(columns["cpu"]),
            metrics.GC_CYCLES: np.asarray(columns["n"], float),
            metrics.LOAD_SENT: np.floor(elapsed * 40),
            metrics.LOAD_OK: np.floor(elapsed * 40) - np.floor(ramp * 9),
            metrics.LOAD_FAILED: np.floor(ramp * 9),
        },
        dict(zip(("n", "t", "live", "goal", "heap_objects"), np.asarray(rows).T, strict=True)),
    )


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
                Capture(f"{profile}@{phase}.end", profile, f"{phase}.end", end - 0.08, end, name,
                        "ab" * 32, len(data), gc=heap)
            )  # fmt: skip
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
    key = f"{arm}-{n}"
    made = simulate(phases, kind, seed=n * 7 + len(arm), rate=rate, end=end)
    captures, files = _captures(phases, kind, f"trials/{key}", extra)
    release = phases[Phase.HOLD].end
    faults = [
        FaultRecord(f, phases[f.begin].start + 0.01, 0.003,
                    (end if f.fault.kind == "load" else release) + 0.02, 0.004,
                    readback={"held": 64 * MIB}, lines=(12, 30))
        for f in plan.faults
    ]  # fmt: skip
    events = [TargetEvent(start - 0.4, TargetState.STARTED, 4711, by_us=True, line=3),
              TargetEvent(start - 0.1, TargetState.READY, 4711, line=4),
              TargetEvent(end + 0.2, TargetState.STOPPED, 4711, by_us=True, line=44)]  # fmt: skip
    log = b"gc 40 @1.2s 0%: 0.01+0.4+0.002 ms clock\n" + extra.encode("utf-8", "replace")
    return Trial(
        key=key, arm=arm, trial=n, target="demo", phases=phases,
        series=_series(made, n, f"trials/{key}"), cycles=_cycles(made, f"trials/{key}"),
        captures=captures,
        histograms=(Histogram("/sched/pauses/total/gc:seconds", "recover.end", end,
                              ((1e-5, 2e-5, 31), (2e-5, 1e-4, 12)), f"trials/{key}/hist.json"),),
        faults=tuple(faults), events=tuple(events),
        problems=(ProbeProblem(start + 7.3, "agent", f"timed out after 1 s {extra}".strip(), 21),),
        log=Log(f"trials/{key}/stderr.log", log, start - 0.4),
        complete=kind != "aborted", read=files.__getitem__,
    )  # fmt: skip


def plan(experiment: Experiment, stretch: float, extra: str) -> Plan:
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
        experiment=experiment.metadata.name, sha256="ab" * 32,
        targets=(PlannedTarget(name=f"demo{extra}", kind="process",
                               detail="go build builtin:demo, 127.0.0.1:40123"),),
        phases=tuple(phases),
        faults=tuple(
            PlannedFault(id=i, fault=f, begin=b, end=e, does=d + extra,
                         proof="the agent's count and the runtime's agree", undo="release")
            for (i, d, b, e), f in zip(words, experiment.faults, strict=True)
        ),
        captures=(PlannedCapture.model_validate(
            {"id": "heap@hold.end", "profile": "heap", "moment": "hold.end", "at": 25.0, "gc": True}
        ),),
        trials=tuple(PlannedTrial(key=f"{arm.name}-{n}", arm=arm.name, trial=n)
                     for n in range(1, experiment.trials + 1) for arm in experiment.arms),
        trial_seconds=at,
        notes=("The heap fault is positive for next-gc-prediction and top-allocations.",),
    )  # fmt: skip


def evidence(
    kind: Kind = "healthy",
    *,
    trials: int = 1,
    arms: tuple[str, ...] = ("default",),
    rate: float = 10.0,
    stretch: float = 1.0,
    hostile: bool = False,
) -> Evidence:
    """A whole run; with `leak` only the last trial of the first arm leaks."""
    extra = HOSTILE if hostile else ""
    base = Experiment.model_validate(SPEC)
    experiment = base.model_copy(
        update={"trials": trials, "arms": tuple(Arm(name=name) for name in arms)}
    )
    planned = plan(experiment, stretch, extra)
    ran = []
    for i, p in enumerate(planned.trials):
        own: Kind = (
            kind if kind != "leak" or (p.arm == arms[0] and p.trial == trials) else "healthy"
        )
        begin = 1.0 + i * (planned.trial_seconds + 2)
        ran.append(
            trial(planned, p.arm, p.trial, begin, own, rate=rate, stretch=stretch, extra=extra)
        )
        if own == "aborted":
            break
    aborted = kind == "aborted"
    end = RunEnd(RunState.ABORTED, "guard rss: 212.0 MiB is above 200.0 MiB", 77)
    undo = [UndoRecord("u1", f"release 64 MiB of demo{extra}", done=True, line=12),
            UndoRecord("u2", "release 500 goroutines of demo", done=not aborted,
                       error="connection refused" if aborted else "", line=14)]  # fmt: skip
    return Evidence(
        run_id="20261123T180405Z-7f3a", started="2026-11-23T18:04:05Z", experiment=experiment,
        plan=planned, trials=tuple(ran), end=end if aborted else RunEnd(RunState.COMPLETED, line=99),
        undo=tuple(undo),
        damage=("journal.jsonl:78: torn last line (31 bytes)",) if aborted else (),
        facts={"chaosmem": "0.1.0", "go": "go1.27.3", "host": f"linux/amd64, 2 CPUs{extra}",
               "GOGC": "100", "GOMEMLIMIT": "none"},
    )  # fmt: skip


def verdict(given: Evidence) -> Verdict:
    """A verdict that fits `evidence()`."""
    findings = [f for t in given.trials for f in _findings(t)]
    outcome = worst(f.outcome for f in findings if not f.advisory)
    left = any(not u.done for u in given.undo)
    says = {
        Outcome.PASS: "All checks passed in every trial.",
        Outcome.FAIL: "goroutine-recovery failed: 210 goroutines never came back.",
        Outcome.INCONCLUSIVE: "The run was aborted before the checks could decide.",
    }[outcome]
    code = 5 if left else {Outcome.PASS: 0, Outcome.FAIL: 1, Outcome.INCONCLUSIVE: 4}[outcome]
    summaries, comparisons = _compared(findings, [a.name for a in given.experiment.arms])
    return Verdict(given.run_id, given.experiment.metadata.name, outcome, says, tuple(findings),
                   summaries, comparisons, code)  # fmt: skip


def _findings(given: Trial) -> Iterable[Finding]:
    finished = given.complete
    count = given.of(metrics.GOROUTINES)
    leaks = finished and count.v[-1] > 100
    release = given.phases[Phase.HOLD].end
    seconds = (
        15.0 if leaks else round(2.1 + 0.3 * (given.trial % 3) + 0.4 * (given.arm != "default"), 2)
    )
    own = {"arm": given.arm, "trial": given.trial, "trial_key": given.key, "target": given.target}
    recovery = Finding(
        "goroutine-recovery", "goroutine-recovery",
        Outcome.FAIL if leaks else Outcome.PASS,
        "228 goroutines 15.0 s after release" if leaks else f"back in the band after {seconds} s ± 0.05 s",
        "16 to 20 goroutines within 5 s of release, for at least 1 s", "5 s",
        "210 goroutines are blocked in cart.(*Queue).Wait since the fault was released" if leaks
        else "the count entered the band and stayed there to the end of the trial",
        (Pointer(count.file, "goroutines.count@v1", start=release, end=release + 5),
         Pointer(f"trials/{given.key}/captures/goroutine-recover.end.pb.gz", "goroutine profile")),
        headline=Number(seconds, "s", 0.05),
        numbers={"baseline median": Number(18, "1", 2), "baseline MAD": Number(1, "1"),
                 "recovery time": Number(seconds, "s", 0.05)},
    )  # fmt: skip
    if not finished:
        recovery = replace(
            recovery, outcome=Outcome.INCONCLUSIVE, observed="no sample after release", headline=None,
            reason="the trial was aborted in its hold phase, so nothing was released to recover from",
        )  # fmt: skip
    yield replace(recovery, **own)  # type: ignore[arg-type]
    yield replace(_gc(given), **own)  # type: ignore[arg-type]
    yield replace(_top(given), **own)  # type: ignore[arg-type]
    yield replace(_pause(), **own)  # type: ignore[arg-type]


def _gc(given: Trial) -> Finding:
    hold = given.phases[Phase.HOLD]
    return Finding(
        "next-gc-prediction", "next-gc-prediction", Outcome.PASS,
        "7 cycles; goal off by at most 0.4 % (0.3 MiB); largest overshoot 1.2 MiB",
        "the goal within 2 % or 1 MiB of the formula; overshoot at most 10 % or 8 MiB",
        "2 %, 10 % and 8 MiB", "live + (live + stacks + globals) x GOGC/100 gave every goal",
        (Pointer(given.cycles.file, "cycles", start=hold.start, end=hold.end),),
        headline=Number(0.4, "%"),
        numbers={"cycles": Number(7, "1"), "formula_error": Number(0.4, "%")},
        table=(("cycle", "live", "goal", "predicted"),
               *((str(60 + i), "86.1 MiB", "173.2 MiB", "173.1 MiB") for i in range(7))),
    )  # fmt: skip


def _top(given: Trial) -> Finding:
    return Finding(
        "top-allocations", "top-allocations", Outcome.PASS,
        "inventory.(*Cache).Fill is on 2 of the 10 top stacks, 97 % ± 8 % of the growth",
        "at least 50 % of the growth under inventory.(*Cache).Fill", "50 %",
        "the lower end of the share (89 %) is above the threshold",
        (Pointer(f"trials/{given.key}/captures/heap-hold.end.pb.gz", "heap profile"),),
        headline=Number(97, "%", 8), numbers={"share": Number(97, "%", 8)},
        table=(("rank", "stack", "growth"), ("1", "inventory.newEntry", "57.6 MiB"),
               ("2", "runtime.makeslice", "6.4 MiB")),
    )  # fmt: skip


def _pause() -> Finding:
    return Finding(
        "pause", "pause", Outcome.INCONCLUSIVE, "43 pauses, the longest under 100 µs",
        "99 % of at least 100 pauses at most 10 ms", "10 ms", "43 pauses cannot show a 99th percentile",
        advisory=True, numbers={"pauses": Number(43, "1")},
    )  # fmt: skip


def _compared(
    findings: list[Finding], arms: list[str]
) -> tuple[tuple[Summary, ...], tuple[Comparison, ...]]:
    names = list(dict.fromkeys(f.name for f in findings))
    summaries = []
    for name in names:
        for arm in arms:
            own = [f for f in findings if f.name == name and f.arm == arm]
            values = np.array([f.headline.value for f in own if f.headline])
            unit = next((f.headline.unit for f in own if f.headline), "")
            shown = len(values) > 1
            summaries.append(Summary(
                name, own[0].check if own else name, arm, worst(f.outcome for f in own), len(own), unit,
                float(values.mean()) if shown else None, float(values.std(ddof=1)) if shown else None,
                float(np.median(values)) if shown else None,
                (float(values.min()), float(values.max())) if shown else None,
                0.75 if shown else None,
                "3 trials: the interval covers the median with 75 %, not 95 %" if shown else "",
            ))  # fmt: skip
    if len(arms) < 2:
        return tuple(summaries), ()
    says = "no difference that 3 against 3 trials could show (p = 0.40, at best 0.10)"
    compared = Comparison("goroutine-recovery", arms[0], arms[1], "s", 3, 3, 0.4, 0.33, 0.4, says)
    return tuple(summaries), (compared,)
