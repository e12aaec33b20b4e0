"""The plan: an experiment resolved to what will be done, to whom, when, and how it is undone."""

from __future__ import annotations

from typing import Literal

from chaosmem.spec.base import Model, MomentField, Phase
from chaosmem.spec.kinds import AnyFault

PLAN_FORMAT = 1


class PlannedPhase(Model):
    """One phase of every trial; `start` and `end` in nominal seconds from the trial's start."""

    phase: Phase
    start: float
    end: float


class PlannedFault(Model):
    """One fault with its words for people: what it does, how it is proven, how it is undone."""

    id: str
    fault: AnyFault
    begin: Phase
    end: Phase
    does: str
    proof: str
    undo: str


class PlannedCapture(Model):
    """One profile to take; `at` in nominal seconds from the trial's start."""

    id: str
    profile: str
    moment: MomentField
    at: float
    gc: bool = False
    seconds: float = 0.0


class PlannedTrial(Model):
    """One pass of one target through all phases, under one arm.

    Trials of the same number and arm are one round: they run side by side, one a target.
    """

    key: str
    arm: str
    trial: int
    target: int = 0
    """Index into the plan's targets."""


class PlannedPod(Model):
    """A pod as it was when the plan was made; `uid` is its identity, a name can come again."""

    namespace: str
    name: str
    uid: str
    node: str
    container: str
    container_id: str
    port: int
    """The service's HTTP port."""
    limit: int | None = None
    """Memory limit of the container, bytes; None: it has none."""
    workload: str = ""
    """The topmost owner, `Deployment/cart`; empty: a bare pod."""


class PlannedTarget(Model):
    """One thing that will be acted on."""

    name: str
    kind: Literal["process", "endpoint", "kubernetes"]
    detail: str
    pod: PlannedPod | None = None


class Plan(Model):
    """Everything that a run will do; `plan.json` of a run directory.

    `trials` stand in the order of their execution: arms are interleaved, so that drift of the
    machine meets all arms alike.
    """

    format: int = PLAN_FORMAT
    experiment: str
    sha256: str
    targets: tuple[PlannedTarget, ...]
    phases: tuple[PlannedPhase, ...]
    faults: tuple[PlannedFault, ...]
    captures: tuple[PlannedCapture, ...]
    trials: tuple[PlannedTrial, ...]
    trial_seconds: float
    notes: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        """Nominal length of all rounds' phases."""
        return self.trial_seconds * len(self.rounds)

    @property
    def rounds(self) -> tuple[tuple[PlannedTrial, ...], ...]:
        """The trials in the order of execution; those of one round run side by side."""
        found: dict[tuple[int, str], list[PlannedTrial]] = {}
        for trial in self.trials:
            found.setdefault((trial.trial, trial.arm), []).append(trial)
        return tuple(tuple(r) for r in found.values())

    def phase(self, phase: Phase) -> PlannedPhase:
        """The planned phase of that name."""
        return next(p for p in self.phases if p.phase is phase)
