"""From an experiment to a plan, or to the reasons why not."""

from __future__ import annotations

from dataclasses import dataclass

from chaosmem import units
from chaosmem.errors import PlanRefused
from chaosmem.plan.model import (
    Plan,
    PlannedCapture,
    PlannedFault,
    PlannedPhase,
    PlannedTarget,
    PlannedTrial,
)
from chaosmem.plan.words import describe
from chaosmem.spec.base import Moment, Phase
from chaosmem.spec.faults import HeapFault, MemoryFault
from chaosmem.spec.model import Capture, Experiment

_ONCE = ("heap", "goroutines", "runtime", "memory")
"""Kinds that an agent or a process holds only one of: a release lets go of all of it."""


@dataclass(frozen=True, slots=True)
class Inventory:
    """What the drivers see of the targets, as far as a plan needs it."""

    targets: tuple[PlannedTarget, ...]
    refusals: tuple[str, ...] = ()
    """Why these targets will not be acted on."""
    notes: tuple[str, ...] = ()


def make_plan(experiment: Experiment, sha256: str, inventory: Inventory) -> Plan:
    """Resolve `experiment`; PlanRefused lists every reason why it will not be done."""
    phases = _phases(experiment)
    reasons = _refusals(experiment, inventory)
    if reasons:
        raise PlanRefused("\n".join(reasons))
    return Plan(
        experiment=experiment.metadata.name,
        sha256=sha256,
        targets=inventory.targets,
        phases=phases,
        faults=tuple(_faults(experiment)),
        captures=tuple(_captures(experiment, phases)),
        trials=tuple(_trials(experiment, len(inventory.targets))),
        trial_seconds=phases[-1].end,
        notes=(*_notes(experiment), *inventory.notes),
    )


def _phases(experiment: Experiment) -> tuple[PlannedPhase, ...]:
    planned: list[PlannedPhase] = []
    at = 0.0
    for phase in Phase:
        end = at + experiment.phases.of(phase)
        planned.append(PlannedPhase(phase=phase, start=at, end=end))
        at = end
    return tuple(planned)


def _faults(experiment: Experiment) -> list[PlannedFault]:
    planned = []
    for number, fault in enumerate(experiment.faults, start=1):
        words = describe(fault)
        planned.append(
            PlannedFault(
                id=f"f{number}-{fault.kind}",
                fault=fault,
                begin=min(fault.during, key=list(Phase).index),
                end=max(fault.during, key=list(Phase).index),
                does=words.does,
                proof=words.proof,
                undo=words.undo,
            )
        )
    return planned


def _captures(experiment: Experiment, phases: tuple[PlannedPhase, ...]) -> list[PlannedCapture]:
    starts = {p.phase: p for p in phases}
    wanted = [(c, m) for c in experiment.captures for m in c.at]
    planned = [
        PlannedCapture(
            id=f"c{number:02}",
            profile=capture.profile,
            moment=moment,
            at=_nominal(moment, starts[moment.phase]),
            gc=capture.profile == "heap" and capture.gc is not False,
            seconds=_seconds(capture),
        )
        for number, (capture, moment) in enumerate(wanted, start=1)
    ]
    return sorted(planned, key=lambda c: (c.at, c.gc, c.id))


def _seconds(capture: Capture) -> float:
    if capture.profile != "cpu":
        return 0.0
    return 1.0 if capture.seconds is None else capture.seconds


def _nominal(moment: Moment, phase: PlannedPhase) -> float:
    return phase.end if moment.edge == "end" else phase.start + moment.after


def _trials(experiment: Experiment, targets: int) -> list[PlannedTrial]:
    """Arms interleaved, every second round in reverse, so that drift meets all arms alike."""
    rounds: list[tuple[int, str]] = []
    for number in range(1, experiment.trials + 1):
        arms = experiment.arms if number % 2 else tuple(reversed(experiment.arms))
        rounds += [(number, arm.name) for arm in arms]
    return [
        PlannedTrial(key=_key(place, arm, target, targets), arm=arm, trial=number, target=target)
        for place, (number, arm) in enumerate(rounds, start=1)
        for target in range(targets)
    ]


def _key(place: int, arm: str, target: int, targets: int) -> str:
    """`t01-default`, and with several targets `t01-default.1`, `t01-default.2`."""
    return f"t{place:02}-{arm}" + (f".{target + 1}" if targets > 1 else "")


def _refusals(experiment: Experiment, inventory: Inventory) -> list[str]:
    kinds: list[str] = [f.kind for f in experiment.faults]
    reasons = [
        f"{kinds.count(kind)} {kind} faults: one target can hold only one; put them into one"
        for kind in _ONCE
        if kinds.count(kind) > 1
    ]
    if len(inventory.targets) > experiment.limits.pods:
        reasons.append(
            f"{len(inventory.targets)} targets are over limits.pods = {experiment.limits.pods}"
        )
    reasons += inventory.refusals
    if not inventory.targets and not inventory.refusals:
        reasons.append("no target was found")
    return reasons


def _notes(experiment: Experiment) -> list[str]:
    """What a reader of the plan should know about the meaning of the checks."""
    notes = [_growth_note(f, experiment) for f in experiment.faults if isinstance(f, HeapFault)]
    if experiment.faults and all(isinstance(f, MemoryFault) for f in experiment.faults):
        notes.append(
            "memory pressure from beside the process cannot move its Go heap: next_gc and "
            "allocation stacks are negative controls there"
        )
    if any(getattr(f, "via", "") == "restart" for f in experiment.faults):
        notes.append(
            "a restart ends everything inside the process: what recovers with it recovers by it"
        )
    if experiment.trials < 6:  # noqa: PLR2004 - 1 - 2·0.5^6 = 0.97 is the first above 0.95
        notes.append(f"{experiment.trials} trial(s) an arm: a 95 % interval of the median needs 6")
    return [n for n in notes if n]


def _growth_note(fault: HeapFault, experiment: Experiment) -> str:
    if not fault.rate or not fault.retain:
        return ""
    needs, has = fault.retain / fault.rate, experiment.phases.inject
    if needs <= has:
        return ""
    return (
        f"the heap grows for {units.human_seconds(needs)}, longer than the inject phase "
        f"of {units.human_seconds(has)}: it is still growing in the hold phase"
    )
