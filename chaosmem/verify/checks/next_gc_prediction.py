"""(b) The heap goal follows the pacer's formula, and the heap lands on it.

Three parts: *gate* (enough natural cycles under pressure, GC on, CPU limiter off), else nothing can
be said; *formula* (the goal of each cycle against `pacer.predict`); *landing* (heap at mark
termination against the goal; only overshoot is a risk, and only overshoot fails).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chaosmem.evidence.model import Evidence, Floats, Trial, Window
from chaosmem.metrics import GC_CYCLES
from chaosmem.spec.checks import NextGcPrediction
from chaosmem.units import human_bytes
from chaosmem.verify import ground
from chaosmem.verify.formula import Counted, Formula, counted, formula, gc_off, limiter_cycle
from chaosmem.verify.landing import Landing, landing, often
from chaosmem.verify.model import Number, Outcome, Pointer
from chaosmem.verify.pacer import MIB, SWEEP_DISTANCE
from chaosmem.verify.ruling import Claim, Ruling, Table, Undecided, number
from chaosmem.verify.words import percent, several

_WORST = 5


def claim(spec: NextGcPrediction) -> Claim:
    """What is expected."""
    return Claim(
        "under pressure the heap goal (next_gc) is what the pacer's formula predicts, and the heap "
        "at the end of mark does not land above it",
        f"|goal - prediction| <= {percent(spec.tolerance)} + {human_bytes(SWEEP_DISTANCE)} in "
        f"every cycle; overshoot <= {percent(spec.overshoot)} or {human_bytes(spec.slack)} at its "
        f"95th percentile; at least {several(spec.min_cycles, 'natural cycle')}",
    )


def judge(spec: NextGcPrediction, trial: Trial, _: Evidence) -> Ruling:
    """Rule on one trial."""
    window = ground.pressure(trial)
    found = counted(trial.cycles, window)
    _gate(spec, trial, found)
    ground.covering(trial, GC_CYCLES, window, "the fault window")
    goals = formula(found, spec.tolerance)
    landed, unseen = None, ""
    try:
        landed = landing(trial, window, found)
        unseen = _too_little(spec, trial, window, landed)
    except Undecided as undecided:
        unseen = undecided.reason
    return _rule(_Seen(spec, trial.cycles.file, goals, landed, unseen))


def _too_little(spec: NextGcPrediction, trial: Trial, window: Window, landed: Landing) -> str:
    """Why the log does not tell how the cycles landed; empty where it does."""
    trouble = ground.trouble(trial, window)
    if len(landed) < spec.min_cycles:
        lines = several(len(landed), "gctrace line")
        return f"only {lines} under pressure, and {spec.min_cycles} are needed{trouble}"
    if landed.torn:
        gone = landed.missing
        return (
            f"the log has a gap: no gctrace line of {several(len(gone), 'cycle')} under pressure, "
            f"from {gone[0]:.0f} to {gone[-1]:.0f}, and of {several(len(landed), 'cycle')} one"
            f"{trouble}"
        )
    return ""


def _gate(spec: NextGcPrediction, trial: Trial, found: Counted) -> None:
    where = (Pointer(trial.cycles.file, "GC cycles"),) if trial.cycles.file else ()
    if found.seen and gc_off(found):
        raise Undecided(
            "gate: GOGC is off and there is no memory limit, so there is no goal to predict",
            observed="GC is off",
            evidence=where,
        )
    limiter = limiter_cycle(found)
    if limiter is not None:
        raise Undecided(
            f"gate: the GC CPU limiter was on in cycle {limiter}; it lets allocation run on "
            "without assists, so the goal is not enforceable (the gc-cpu check judges that)",
            observed=f"limiter on in cycle {limiter}",
            evidence=where,
        )
    if not found.seen and not len(trial.cycles):
        raise Undecided(
            "gate: no GC cycle was recorded (only the chaosmem agent records them); with the "
            "agent, churn, or hold longer",
            observed="no record of GC cycles",
        )
    if found.natural < spec.min_cycles:
        raise Undecided(
            f"gate: {several(found.natural, 'natural GC cycle')} under pressure (of {found.seen} "
            f"recorded), and {spec.min_cycles} are needed; churn, or hold longer",
            observed=several(found.natural, "natural GC cycle"),
            evidence=where,
        )


@dataclass(frozen=True, slots=True)
class _Seen:
    """Both parts; `unseen` says why the landing is not known, empty if it is."""

    spec: NextGcPrediction
    file: str
    goals: Formula
    landed: Landing | None
    unseen: str


def _rule(seen: _Seen) -> Ruling:
    outcome, told, why = _goals(seen)
    parts = [why]
    if seen.landed is not None and not seen.unseen:
        landed, said, because = _landing(seen.spec, seen.landed)
        told, parts = f"{told}; {said}", [*parts, because]
        outcome = _worse(outcome, landed)
    else:
        told, parts = f"{told}; landing not measured", [*parts, f"landing: {seen.unseen}"]
        outcome = _worse(outcome, Outcome.INCONCLUSIVE)
    return Ruling(
        outcome,
        told,
        "; ".join(parts),
        evidence=_pointers(seen),
        headline=_numbers(seen).get("landing p95", _numbers(seen)["formula error, worst"]),
        numbers=_numbers(seen),
        table=_table(seen),
    )


def _worse(a: Outcome, b: Outcome) -> Outcome:
    for outcome in (Outcome.FAIL, Outcome.INCONCLUSIVE):
        if outcome in (a, b):
            return outcome
    return Outcome.PASS


def _goals(seen: _Seen) -> tuple[Outcome, str, str]:
    goals = seen.goals
    worst = int(np.argmax(np.abs(goals.error) - goals.allowed))
    off = (
        f"cycle {goals.n[worst]:.0f}: goal {human_bytes(goals.goal[worst])}, predicted "
        f"{human_bytes(goals.predicted[worst])}, allowed ±{human_bytes(goals.allowed[worst])}"
        + (" (GOMEMLIMIT binds)" if goals.limited[worst] else "")
    )
    wrong, cycles = int(goals.wrong.sum()), several(len(goals.n), "cycle")
    if wrong:
        told = f"formula wrong in {wrong} of {cycles}"
        return Outcome.FAIL, told, f"{told}, the worst in {off}"
    told = f"formula right in {cycles}"
    return Outcome.PASS, told, f"{told}, the worst in {off}"


def _landing(spec: NextGcPrediction, landed: Landing) -> tuple[Outcome, str, str]:
    surely = landed.surely(spec.overshoot, spec.slack)
    perhaps = landed.perhaps(spec.overshoot, spec.slack)
    p95, median = _p95(landed.error), float(np.median(np.abs(landed.error)))
    told = (
        f"landing p95 {p95 * 100:+.3g} %, median |error| {percent(median)} over "
        f"{several(len(landed), 'cycle')}"
    )
    limit = f"allowed {percent(spec.overshoot)} or {human_bytes(spec.slack)}"
    if often(surely):
        worst = int(np.argmax(np.where(surely, landed.end - landed.extended, -np.inf)))
        why = (
            f"the heap overshot its goal in {int(surely.sum())} of {len(landed)} cycles ({limit}), "
            f"in cycle {landed.n[worst]:.0f} with {landed.end[worst]:.0f} MiB over a goal of "
            f"{landed.goal[worst]:.0f} MiB"
        )
        if landed.extended[worst] > landed.goal[worst]:
            why += f", extended for growth to {landed.extended[worst]:.0f} MiB"
        return Outcome.FAIL, told, f"{why}; {told}"
    if often(perhaps):
        why = f"{told}, {limit}: gctrace's whole MiB cannot tell for {int(perhaps.sum())} cycles"
        return Outcome.INCONCLUSIVE, told, why
    return Outcome.PASS, told, f"{told}, {limit}{_growing(landed)}"


def _growing(landed: Landing) -> str:
    grown = int((landed.extended > landed.goal).sum())
    if not grown:
        return ""
    return (
        f"; {several(grown, 'cycle')} found the heap growing, for which the pacer extends the "
        f"goal; against it the p95 is {_p95(_overshoot(landed)) * 100:+.3g} %"
    )


def _overshoot(landed: Landing) -> Floats:
    """end/extended - 1, of the printed sizes."""
    return landed.end / np.maximum(landed.extended, 1.0) - 1


def _p95(errors: Floats) -> float:
    """Nearest-rank 95th percentile."""
    return float(np.quantile(errors, 0.95, method="inverted_cdf"))


def _numbers(seen: _Seen) -> dict[str, Number]:
    goals = seen.goals
    relative = np.abs(goals.error) / np.maximum(goals.predicted, 1.0)
    numbers = {
        "natural cycles": number(len(goals.n), "1"),
        "cycles under GOMEMLIMIT": number(int(goals.limited.sum()), "1"),
        "formula error, worst": number(float(relative.max()), "1"),
        "formula error, median": number(float(np.median(relative)), "1"),
    }
    landed = seen.landed
    if landed is None or not len(landed):
        return numbers
    mib = 1 / float(np.median(np.maximum(landed.goal, 1.0)))
    return numbers | {
        "landing cycles": number(len(landed), "1"),
        "landing p95": number(_p95(landed.error), "1", mib),
        "overshoot p95": number(_p95(_overshoot(landed)), "1", mib),
        "landing median |error|": number(float(np.median(np.abs(landed.error))), "1", mib),
        "landing worst excess": number(
            float((landed.end - landed.extended).max()) * MIB, "By", MIB
        ),
    }


def _pointers(seen: _Seen) -> tuple[Pointer, ...]:
    t = seen.goals.t
    cycles = Pointer(seen.file, "GC cycles", start=float(t[0]), end=float(t[-1]))
    if seen.landed is None or not len(seen.landed):
        return (cycles,)
    worst = int(np.argmax(seen.landed.end - seen.landed.extended))
    return (
        cycles,
        Pointer(seen.landed.file, "worst landing", line=int(seen.landed.line[worst])),
    )


def _table(seen: _Seen) -> Table:
    """The worst cycles of each part."""
    goals = seen.goals
    order = np.argsort(-np.abs(goals.error), kind="stable")[:_WORST]
    rows = tuple(
        (
            "formula",
            f"{goals.n[i]:.0f}",
            human_bytes(goals.predicted[i]),
            human_bytes(goals.goal[i]),
            f"{goals.error[i] / max(goals.predicted[i], 1.0) * 100:+.2g} %",
        )
        for i in order.tolist()
    )
    return (("part", "cycle", "expected", "observed", "error"), *rows, *_landed(seen))


def _landed(seen: _Seen) -> Table:
    landed = seen.landed
    if landed is None or not len(landed):
        return ()
    order = np.argsort(-(landed.end - landed.extended), kind="stable")[:_WORST]
    return tuple(
        (
            "landing",
            f"{landed.n[i]:.0f}",
            _goal(landed, i),
            f"{landed.end[i]:.0f} MiB",
            f"{landed.error[i] * 100:+.2g} %",
        )
        for i in order.tolist()
    )


def _goal(landed: Landing, i: int) -> str:
    goal, extended = landed.goal[i], landed.extended[i]
    return f"{goal:.0f} MiB" + (f", extended to {extended:.0f} MiB" if extended > goal else "")
