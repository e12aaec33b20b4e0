"""The collector's share of CPU stays bounded, and its CPU limiter stays off.

share = ΔGC / max(Δused, Δt), with ΔGC = gc/total - gc/mark/idle, Δused = total - idle -
gc/mark/idle of /cpu/classes, and Δt one core's worth. Idle-priority marking is left out, as the
runtime's own limiter does (mgclimit.go): nothing else wanted that CPU. The used CPU alone would
call a quiet process with a few collections busy with GC; all available CPU (GOMAXPROCS · Δt, what
GCCPUFraction divides by) would hide a collector that eats most of what a small service uses on a
large machine. Both are among the numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

from chaosmem.evidence.model import Evidence, Series, TargetState, Trial, Window
from chaosmem.metrics import GC_CPU, GC_CPU_IDLE, GC_CYCLES, GC_LIMITER, GO_CPU, GO_CPU_IDLE, Metric
from chaosmem.spec.checks import GcCpu
from chaosmem.units import human_seconds
from chaosmem.verify import ground
from chaosmem.verify.model import Number, Outcome
from chaosmem.verify.ruling import Claim, Ruling, Undecided, number, of_series
from chaosmem.verify.words import percent, several


def claim(spec: GcCpu) -> Claim:
    """What is expected."""
    limiter = ", and the GC CPU limiter stays off" if spec.limiter == "never" else ""
    return Claim(
        f"the garbage collector takes at most {percent(spec.max)} of the CPU used under "
        f"pressure{limiter}",
        f"ΔGC / max(Δused, one core) <= {percent(spec.max)}"
        + ("; limiter off in every cycle" if limiter else ""),
    )


@dataclass(frozen=True, slots=True)
class _Used:
    """CPU seconds in the fault window, from cumulative counters."""

    gc: float
    total: float
    idle: float
    idle_marking: float | None
    seconds: float
    cycles: float

    @property
    def competing(self) -> float:
        """GC CPU that something else could have used."""
        return self.gc - (self.idle_marking or 0.0)

    @property
    def used(self) -> float:
        """CPU that the process used, without idle-priority marking."""
        return self.total - self.idle - (self.idle_marking or 0.0)

    @property
    def share(self) -> float:
        """Of the CPU used, counted as at least one core."""
        return self.competing / max(self.used, self.seconds)

    @property
    def of_available(self) -> float:
        """Of all CPU that Go could have used."""
        return self.competing / self.total if self.total > 0 else 0.0


def judge(spec: GcCpu, trial: Trial, _: Evidence) -> Ruling:
    """Rule on one trial."""
    window = ground.pressure(trial)
    _one_process(trial, window)
    gc, total, idle, cycles = (
        ground.covering(trial, m, window, "the fault window")
        for m in (GC_CPU, GO_CPU, GO_CPU_IDLE, GC_CYCLES)
    )
    seconds = float(gc.t[-1] - gc.t[0])
    used = _Used(
        _delta(gc),
        _delta(total),
        _delta(idle),
        _idle_marking(trial, window),
        seconds,
        _delta(cycles),
    )
    if used.cycles < 1:
        raise Undecided(
            f"no GC cycle ended in the fault window of {human_seconds(window.seconds)}, so the "
            "collector was not put to work; churn, or hold longer",
            observed="no GC cycle",
            evidence=(of_series(cycles),),
        )
    numbers = _numbers(used)
    told = f"{percent(used.share)} of the CPU used over {several(int(used.cycles), 'GC cycle')}"
    evidence = (of_series(gc), of_series(cycles))
    share = numbers["GC share of CPU used"]
    if used.share > spec.max:
        why = f"{told}, allowed {percent(spec.max)}{_limited(trial, window)}"
        if used.idle_marking is None:
            why += f"; how much of it was idle CPU is not known without {GC_CPU_IDLE.source}"
            return Ruling(Outcome.INCONCLUSIVE, told, why, evidence, share, numbers)
        return Ruling(Outcome.FAIL, told, why, evidence, share, numbers)
    if spec.limiter == "never":
        last = _limiter(trial, window)
        numbers["limiter last on in cycle"] = number(last, "1")
        if _was_on(last, float(cycles.v[0])):
            why = f"the GC CPU limiter was on in cycle {last:.0f}: the heap goal was not enforced"
            return Ruling(Outcome.FAIL, f"limiter on; {told}", why, evidence, share, numbers)
    why = f"{told}, allowed {percent(spec.max)}"
    if spec.limiter == "never":
        why += "; the limiter was never on"
    return Ruling(Outcome.PASS, told, why, evidence, share, numbers)


def _one_process(trial: Trial, window: Window) -> None:
    for event in trial.events:
        if event.state is TargetState.RESTARTED and window.start < event.t < window.end:
            raise Undecided("the target was restarted in the fault window, so its counters are two")


def _idle_marking(trial: Trial, window: Window) -> float | None:
    found = trial.of(GC_CPU_IDLE).within(window)
    return _delta(found) if len(found) else None


def _delta(series: Series) -> float:
    grown = float(series.v[-1] - series.v[0])
    if grown < 0:
        raise Undecided(
            f"{series.metric.source} fell in the fault window, so it is not one process's counter",
            evidence=(of_series(series),),
        )
    return grown


def _numbers(used: _Used) -> dict[str, Number]:
    return {
        "GC share of CPU used": number(used.share, "1"),
        "GC share of CPU available": number(used.of_available, "1"),
        "GC CPU": number(used.gc, "s"),
        "idle-priority marking": number(used.idle_marking or 0.0, "s"),
        "CPU used": number(used.used, "s"),
        "window": number(used.seconds, "s"),
        "cycles": number(used.cycles, "1"),
    }


def _limiter(trial: Trial, window: Window) -> float:
    """Number of the last cycle in which the limiter was switched on; 0: never."""
    found = trial.of(GC_LIMITER).within(window)
    if len(found):
        return float(found.v[-1])
    raise Undecided(
        f"{GC_LIMITER.source} was not measured in the fault window, so nobody knows whether the "
        "limiter was on; the agent reads it, client_golang's default metrics do not"
    )


def _was_on(last: float, first_cycle: float) -> bool:
    """Whether the limiter went on in the window's cycles, or in the one just before them."""
    return last > 0 and last >= first_cycle


def _limited(trial: Trial, window: Window) -> str:
    found, cycles = trial.of(GC_LIMITER).within(window), _first(trial, GC_CYCLES, window)
    if len(found) and _was_on(float(found.v[-1]), cycles):
        return f"; the GC CPU limiter was on in cycle {float(found.v[-1]):.0f}"
    return ""


def _first(trial: Trial, metric: Metric, window: Window) -> float:
    found = trial.of(metric).within(window)
    return float(found.v[0]) if len(found) else 0.0
