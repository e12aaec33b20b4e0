"""no-restart and no-oom: the target is one process from start to end, and nothing killed it."""

from __future__ import annotations

import numpy as np

from chaosmem.evidence.model import Evidence, Log, TargetState, Trial
from chaosmem.metrics import GC_CYCLES, HEAP_ALLOCATED, PROCESS_CPU
from chaosmem.spec.base import Phase
from chaosmem.spec.checks import NoOom, NoRestart
from chaosmem.verify import ground
from chaosmem.verify.model import Outcome, Pointer
from chaosmem.verify.ruling import Claim, Ruling, Undecided, number
from chaosmem.verify.words import at

_SILENT = 5.0
"""Longest time in seconds between the last sample and the end of the recover phase."""
_OUT_OF_MEMORY = b"fatal error: runtime: out of memory"
"""What Go prints when the system gives it no more memory (runtime/malloc.go)."""
_COUNTERS = (GC_CYCLES, HEAP_ALLOCATED, PROCESS_CPU)
"""Cumulative since the start of the process: they fall only when another process answers."""


def claim_restart(_: NoRestart) -> Claim:
    """What is expected of no-restart."""
    return Claim(
        "the target is the same living process from the start of the trial to its end",
        "0 exits or replacements that chaosmem did not do itself",
    )


def claim_oom(_: NoOom) -> Claim:
    """What is expected of no-oom."""
    return Claim("nothing was OOM-killed", "0 OOM kills")


def no_restart(_: NoRestart, trial: Trial, __: Evidence) -> Ruling:
    """Rule on one trial."""
    dead = ground.deaths(trial)
    if dead:
        told = "; ".join(ground.told(e) for e in dead)
        return Ruling(
            Outcome.FAIL,
            told,
            told,
            evidence=tuple(ground.where(e) for e in dead),
            numbers={"ends": number(len(dead), "1")},
        )
    fell = _replaced(trial)
    if fell is not None:
        return fell
    return _alive(trial)


def no_oom(_: NoOom, trial: Trial, __: Evidence) -> Ruling:
    """Rule on one trial."""
    killed = [e for e in trial.events if e.state is TargetState.OOM_KILLED]
    if killed:
        told = "; ".join(ground.told(e) for e in killed)
        return Ruling(Outcome.FAIL, told, told, evidence=tuple(ground.where(e) for e in killed))
    starved = _starved(trial.log)
    if starved is not None:
        return starved
    dead = ground.deaths(trial)
    if dead:
        raise Undecided(
            f"{ground.told(dead[0])}; nothing says that the kernel killed it for its memory, and "
            "nothing rules it out",
            observed=ground.told(dead[0]),
            evidence=(ground.where(dead[0]),),
        )
    return _alive(trial)


def _starved(log: Log | None) -> Ruling | None:
    place = log.data.find(_OUT_OF_MEMORY) if log else -1
    if log is None or place < 0:
        return None
    line = log.data.count(b"\n", 0, place) + 1
    told = f"the Go runtime got no more memory: {_OUT_OF_MEMORY.decode()!r}"
    return Ruling(Outcome.FAIL, told, told, evidence=(Pointer(log.file, "stderr", line=line),))


def _replaced(trial: Trial) -> Ruling | None:
    """A counter that falls although chaosmem restarted nothing: another process answers."""
    if any(e.state is TargetState.RESTARTED for e in trial.events):
        return None
    for metric in _COUNTERS:
        series = trial.of(metric)
        fallen = np.flatnonzero(np.diff(series.v) < 0)
        if len(fallen):
            i = int(fallen[0])
            before, after, t = float(series.v[i]), float(series.v[i + 1]), float(series.t[i + 1])
            told = f"{metric.source} fell from {before:g} to {after:g} at {at(t)}"
            where = Pointer(series.file, series.column, start=float(series.t[i]), end=t)
            why = f"{told}, so another process answers since then"
            return Ruling(Outcome.FAIL, told, why, evidence=(where,))
    return None


def _alive(trial: Trial) -> Ruling:
    """PASS if it answered until the end; `Undecided` where nobody can know."""
    silent = ground.silence(trial)
    if silent is not None:
        raise Undecided(
            f"{ground.told(silent)}, so nobody knows whether it lived on",
            observed=ground.told(silent),
            evidence=(ground.where(silent),),
        )
    end = ground.phase(trial, Phase.RECOVER).end
    last, file = max(
        ((float(s.t[-1]), s.file) for s in trial.series.values() if len(s)), default=(None, "")
    )
    if last is None or last < end - _SILENT:
        seen = "it was never sampled" if last is None else f"it was last sampled at {at(last)}"
        raise Undecided(f"{seen}, and the recover phase ended at {at(end)}", observed=seen)
    pids = {e.pid for e in trial.events if e.pid is not None}
    who = f"process {', '.join(str(p) for p in sorted(pids))}" if pids else "the target"
    told = f"{who} was there until {at(last)}"
    return Ruling(
        Outcome.PASS,
        told,
        f"{told} and did not end",
        evidence=(Pointer(file, "last sample", start=last, end=last),),
        numbers={"ends": number(0, "1")},
    )
