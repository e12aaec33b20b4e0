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
from chaosmem.metrics import GC_CPU, GC_CPU_IDLE, GC_CYCLES, GC_LIMITER, GO_CPU, GO_CPU_IDLE
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
    used = _Used(
        _delta(gc),
        _delta(total),
        _delta(idle),
        _idle_marking(trial, window),
        float(gc.t[-1] - gc.t[0]),
        _delta(cycles),
    )
    if used.cycles < 1:
        raise Undecided(
            f"no GC cycle ended in the fault window of {human_seconds(window.seconds)}, so the "
            "collector was not put to work; churn, or hold longer",
            observed="no GC cycle",
            evidence=(of_series(cycles),),
        )
    outcome, why = _rule(spec, used, trial, window)
    numbers = _numbers(used)
    return Ruling(
        outcome,
        _told(used),
        why,
        (of_series(gc), of_series(cycles)),
        numbers["GC share of CPU used"],
        numbers,
    )


def _told(used: _Used) -> str:
    return f"{percent(used.share)} of the CPU used over {several(int(used.cycles), 'GC cycle')}"


def _rule(spec: GcCpu, used: _Used, trial: Trial, window: Window) -> tuple[Outcome, str]:
    """Outcome and reason; the limiter counts where the spec wants it off."""
    told = f"{_told(used)}, allowed {percent(spec.max)}"
    on = _limiter_cycle(trial, window)
    limiter = f"the GC CPU limiter was on in cycle {on or 0:.0f}: the heap goal was not enforced"
    if spec.limiter == "never" and on:
        return Outcome.FAIL, f"{limiter}; {told}"
    if used.share > spec.max and used.idle_marking is None:
        why = f"{told}; how much of it was idle CPU is not known without {GC_CPU_IDLE.source}"
        return Outcome.INCONCLUSIVE, why
    if used.share > spec.max:
        return Outcome.FAIL, told
    if spec.limiter == "never" and on is None:
        return Outcome.INCONCLUSIVE, (
            f"{told}; {GC_LIMITER.source} was not measured in the fault window, so nobody knows "
            "whether the limiter was on; the agent reads it, client_golang's defaults do not"
        )
    return Outcome.PASS, told + ("; the limiter was never on" if not on else f"; {limiter}")


def _limiter_cycle(trial: Trial, window: Window) -> float | None:
    """The window's cycle (or the one before it) in which the limiter went on; 0: none.

    None where it was not measured. `last-enabled` is 0 until the limiter was ever on.
    """
    found, cycles = (trial.of(m).within(window) for m in (GC_LIMITER, GC_CYCLES))
    if not len(found):
        return None
    last = float(found.v[-1])
    return last if last >= max(1.0, float(cycles.v[0])) else 0.0


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
        "GC share of CPU used": number(100 * used.share, "%"),
        "GC share of CPU available": number(100 * used.of_available, "%"),
        "GC CPU": number(used.gc, "s"),
        "idle-priority marking": number(used.idle_marking or 0.0, "s"),
        "CPU used": number(used.used, "s"),
        "window": number(used.seconds, "s"),
        "cycles": number(used.cycles, "1"),
    }
