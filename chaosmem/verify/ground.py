"""The ground that every check stands on: phases, fault windows, release, a living target."""

from __future__ import annotations

import numpy as np

from chaosmem.evidence.model import FaultRecord, Series, TargetEvent, TargetState, Trial, Window
from chaosmem.metrics import Metric
from chaosmem.spec.base import Phase
from chaosmem.spec.faults import MemoryFault
from chaosmem.units import human_seconds
from chaosmem.verify.model import Pointer
from chaosmem.verify.ruling import Undecided
from chaosmem.verify.words import at, several

JOURNAL = "journal.jsonl"
_UNSEEN_SECONDS = 1.0
_UNSEEN_INTERVALS = 3.0
_UNSEEN_SHARE = 0.1
"""Longest stretch of a window that may pass without a sample: the largest of these three, in
seconds, in sampling intervals, and as a share of the window."""

_STEADY = (Phase.WARMUP, Phase.BASELINE)
_DEAD = (TargetState.EXITED, TargetState.RESTARTED, TargetState.OOM_KILLED)


def phase(trial: Trial, name: Phase) -> Window:
    """The window of a phase that must have taken place."""
    window = trial.phases.get(name)
    if window is None or window.seconds <= 0:
        raise Undecided(
            f"the {name} phase did not take place to its end, so nothing can be said of it"
        )
    return window


def deaths(trial: Trial) -> tuple[TargetEvent, ...]:
    """Ends and replacements of the target that chaosmem did not do itself."""
    return tuple(e for e in trial.events if e.state in _DEAD and not e.by_us)


def silence(trial: Trial) -> TargetEvent | None:
    """When the target stopped answering for good, or never began to; None: it kept answering."""
    last = None
    for event in trial.events:
        if event.state in (TargetState.UNREACHABLE, TargetState.NEVER_READY):
            last = event if last is None else last
        elif event.state in (TargetState.READY, TargetState.STARTED):
            last = None
    return last


def lost(trial: Trial) -> TargetEvent | None:
    """The first event after which the evidence is no longer about one living target."""
    silent = silence(trial)
    events = [*deaths(trial), *([silent] if silent else [])]
    return min(events, key=lambda e: e.t, default=None)


def wanted_kill(trial: Trial) -> TargetEvent | None:
    """The OOM kill that ended the target while a memory fault acted that expects one."""
    gone = lost(trial)
    if gone is None or gone.state is not TargetState.OOM_KILLED:
        return None
    return gone if any(kills(record, gone) for record in trial.faults) else None


def kills(record: FaultRecord, gone: TargetEvent) -> bool:
    """Whether a fault expects the OOM kill, and certainly acted when it was seen."""
    fault = record.planned.fault
    if not (isinstance(fault, MemoryFault) and fault.oom == "expected") or record.applied is None:
        return False
    end = np.inf if record.undone is None else record.undone - record.undone_u
    return bool(record.applied + record.applied_u <= gone.t <= end)


def told(event: TargetEvent) -> str:
    """An event of the target as a clause."""
    did = {
        TargetState.EXITED: "the target ended by itself",
        TargetState.RESTARTED: "the target was replaced by another process",
        TargetState.OOM_KILLED: "the target was OOM-killed",
        TargetState.UNREACHABLE: "the target stopped answering",
        TargetState.NEVER_READY: "the target had not become ready",
    }.get(event.state, f"the target was {event.state}")
    when = "by" if event.state is TargetState.NEVER_READY else "at"
    return f"{did} {when} {at(event.t)}" + (f" ({event.detail})" if event.detail else "")


def where(event: TargetEvent) -> Pointer:
    """The journal's entry of an event."""
    return Pointer(JOURNAL, f"target {event.state}", line=event.line or None)


def acts(record: FaultRecord, trial: Trial) -> Window:
    """The stretch in which a fault certainly acted: after its apply, before its undo.

    Where the undo was never acknowledged, the planned last phase ends it.
    """
    if record.applied is None:
        why = f": {record.apply_error}" if record.apply_error else ""
        raise Undecided(f"the {record.planned.fault.kind} fault was never applied{why}")
    start = record.applied + record.applied_u
    if record.undone is not None:
        return Window(start, record.undone - record.undone_u)
    last = trial.phases.get(record.planned.end)
    if last is None:
        raise Undecided(f"the {record.planned.fault.kind} fault's last phase did not take place")
    return Window(start, last.end)


def pressure(trial: Trial) -> Window:
    """From the first fault's apply to the last fault's release, which must both be known.

    What already acts in the baseline (a load that is the steady state) is no pressure, unless there
    is nothing else.
    """
    if not trial.faults:
        raise Undecided("no fault was planned, so there was no pressure")
    _all_released(trial)
    stress = [r for r in trial.faults if r.planned.begin not in _STEADY] or trial.faults
    windows = [acts(record, trial) for record in stress]
    return Window(min(w.start for w in windows), max(w.end for w in windows))


def _all_released(trial: Trial) -> None:
    for record in trial.faults:
        if record.applied is not None and record.undone is None:
            why = f": {record.undo_error}" if record.undo_error else ""
            raise Undecided(f"the {record.planned.fault.kind} fault was never released{why}")


def release(trial: Trial) -> tuple[float, float]:
    """When the last fault was released, and its uncertainty, in seconds."""
    _all_released(trial)
    if trial.release is None:
        raise Undecided("no fault was released, so there is nothing to recover from")
    return trial.release


def samples(trial: Trial, metric: Metric, window: Window, least: int, during: str) -> Series:
    """The samples of `metric` in `window`; `Undecided` where there are fewer than `least`."""
    found = trial.of(metric).within(window)
    if len(found) >= least:
        return found
    pointer = (Pointer(found.file, found.column, start=window.start, end=window.end),)
    raise Undecided(
        f"{several(len(found), 'sample')} of {metric.name} ({metric.source}) in {during}, "
        f"and {least} are needed{trouble(trial, window)}",
        observed=several(len(found), "sample"),
        evidence=pointer if found.file else (),
    )


def covering(trial: Trial, metric: Metric, window: Window, during: str) -> Series:
    """At least two samples, all along `window`; `Undecided` where a stretch of it was not seen."""
    found = samples(trial, metric, window, 2, during)
    edges = np.concatenate(([window.start], found.t, [window.end]))
    longest = int(np.argmax(np.diff(edges)))
    start, end = float(edges[longest]), float(edges[longest + 1])
    interval = float(np.median(np.diff(trial.of(metric).t)))
    allowed = max(_UNSEEN_SECONDS, _UNSEEN_INTERVALS * interval, _UNSEEN_SHARE * window.seconds)
    if end - start <= allowed:
        return found
    raise Undecided(
        f"{metric.name} was not sampled for {human_seconds(end - start)} of {during}, from "
        f"{at(start)} on, and {human_seconds(allowed)} at most may go unseen"
        f"{trouble(trial, window)}",
        observed=f"not sampled for {human_seconds(end - start)}",
        evidence=(Pointer(found.file, found.column, start=start, end=end),),
    )


def trouble(trial: Trial, window: Window) -> str:
    """What went wrong with probing in `window`, as the end of a sentence; empty: nothing."""
    inside = [p for p in trial.problems if window.start <= p.t <= window.end]
    if not inside:
        return ""
    return f"; {several(len(inside), 'probe')} failed there, the first with: {inside[0].text}"
