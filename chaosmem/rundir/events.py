"""The entries of a run's journal, each one type. `docs/run-directory.md` describes the file.

Every entry has `t`, seconds on the run's clock. `trial` is the trial's key (`t00`), empty for
the run as a whole. Secrets never enter an entry: an undo names where a token is, not the token.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter

from chaosmem.rundir import entry
from chaosmem.rundir.acts import ControlAnswered, WaitBegun, WaitEnded

Value = float | str
Entry = entry.Entry


class RunStarted(Entry):
    """First entry: identity, wall clock at t = 0, versions and host facts."""

    event: Literal["run.started"] = "run.started"
    format: int
    run_id: str
    wall: str
    owner_pid: int
    owner_ticks: int = 0
    """Start of the owner in clock ticks since boot: with the pid, its identity."""
    facts: dict[str, str]


class RunEnded(Entry):
    """Last entry of a run that ended by itself."""

    event: Literal["run.ended"] = "run.ended"
    state: str
    reason: str = ""


class TrialStarted(Entry):
    """A trial begins."""

    event: Literal["trial.started"] = "trial.started"
    arm: str
    number: int
    target: str


class TrialEnded(Entry):
    """A trial is over; `complete` where all its phases ran to their end."""

    event: Literal["trial.ended"] = "trial.ended"
    complete: bool


class PhaseBegun(Entry):
    """A phase begins."""

    event: Literal["phase.begun"] = "phase.begun"
    phase: str


class PhaseEnded(Entry):
    """A phase has ended, its last captures taken."""

    event: Literal["phase.ended"] = "phase.ended"
    phase: str


class TargetChanged(Entry):
    """The target started, got ready, exited, ..."""

    event: Literal["target.changed"] = "target.changed"
    state: str
    pid: int | None = None
    by_us: bool = False
    detail: str = ""


class TargetFacts(Entry):
    """What the target says of itself: Go version, GOGC, build settings."""

    event: Literal["target.facts"] = "target.facts"
    facts: dict[str, str]


class StopMarked(BaseModel):
    """Undo: stop every process that carries this run's mark in its environment."""

    model_config = ConfigDict(frozen=True)
    act: Literal["stop-marked"] = "stop-marked"
    run_id: str


class FinishByPlugin(BaseModel):
    """Undo: what the plugin of the fault `kind` makes of the facts that it promised."""

    model_config = ConfigDict(frozen=True)
    act: Literal["plugin"] = "plugin"
    kind: str
    facts: dict[str, str]


class ReleaseAgent(BaseModel):
    """Undo: end the lease that this run holds on an agent, which puts everything back."""

    model_config = ConfigDict(frozen=True)
    act: Literal["release-agent"] = "release-agent"
    run_id: str
    url: str
    token_env: str = ""
    token_file: str = ""


class ReleaseInPod(BaseModel):
    """Undo: end the lease that this run holds on the agent in a pod, which puts everything back."""

    model_config = ConfigDict(frozen=True)
    act: Literal["release-in-pod"] = "release-in-pod"
    run_id: str
    context: str = ""
    namespace: str
    pod: str
    uid: str
    """Of the pod: another one of that name has nothing of ours in it."""
    container: str = ""
    container_id: str = ""
    """Of the container: one that was started again has nothing of ours in it."""
    port: int
    path: str
    transport: str = "auto"
    token_env: str = ""
    token_file: str = ""
    token_secret: str = ""


class DeleteObject(BaseModel):
    """Undo: delete an object of this run from the cluster, and see it gone."""

    model_config = ConfigDict(frozen=True)
    act: Literal["delete-object"] = "delete-object"
    run_id: str
    context: str = ""
    kind: Literal["Pod", "Secret", "ConfigMap", "Lease", "StressChaos"]
    namespace: str
    name: str


class RevertEnvironment(BaseModel):
    """Undo: give a workload its former environment back, and follow that rollout to its end."""

    model_config = ConfigDict(frozen=True)
    act: Literal["revert-environment"] = "revert-environment"
    run_id: str
    context: str = ""
    former: JsonValue
    """`EnvUndo` of the kubernetes driver, which alone reads it."""


ClusterUndo = ReleaseInPod | DeleteObject | RevertEnvironment
UndoAct = Annotated[
    StopMarked | ReleaseAgent | FinishByPlugin | ClusterUndo,
    Field(discriminator="act"),
]


class UndoPlanned(Entry):
    """Written, and on disk, before the thing that it undoes is done."""

    event: Literal["undo.planned"] = "undo.planned"
    id: str
    what: str
    undo: UndoAct


class UndoDone(Entry):
    """That undo is done and confirmed."""

    event: Literal["undo.done"] = "undo.done"
    id: str
    by: str = "run"


class UndoFailed(Entry):
    """That undo was tried and did not succeed."""

    event: Literal["undo.failed"] = "undo.failed"
    id: str
    error: str


class FaultApplying(Entry):
    """About to act; a fault without `fault.applied` after this may or may not have acted."""

    event: Literal["fault.applying"] = "fault.applying"
    fault: str


class FaultApplied(Entry):
    """The target acknowledged the fault at `at` ± `u`."""

    event: Literal["fault.applied"] = "fault.applied"
    fault: str
    at: float
    u: float
    readback: dict[str, Value] = Field(default_factory=dict)


class FaultProved(Entry):
    """What was read back at the end of the inject phase."""

    event: Literal["fault.proved"] = "fault.proved"
    fault: str
    readback: dict[str, Value]


class FaultFailed(Entry):
    """The fault could not be applied."""

    event: Literal["fault.failed"] = "fault.failed"
    fault: str
    error: str


class FaultUndone(Entry):
    """The target acknowledged the release at `at` ± `u`."""

    event: Literal["fault.undone"] = "fault.undone"
    fault: str
    at: float
    u: float
    readback: dict[str, Value] = Field(default_factory=dict)


class FaultUndoFailed(Entry):
    """The release of this fault did not succeed (its undo record stays open)."""

    event: Literal["fault.undo-failed"] = "fault.undo-failed"
    fault: str
    error: str


class CaptureTaken(Entry):
    """A profile is in the run directory, or `error` says why not."""

    event: Literal["capture.taken"] = "capture.taken"
    capture: str
    profile: str
    moment: str
    begin: float
    end: float
    file: str = ""
    sha256: str = ""
    size: int = 0
    gc: bool = False
    error: str = ""


class HistogramsTaken(Entry):
    """The runtime's cumulative histograms at a moment."""

    event: Literal["histograms.taken"] = "histograms.taken"
    moment: str
    file: str


class ProbeTrouble(Entry):
    """A source of samples stopped answering, or answers again (`text` empty)."""

    event: Literal["probe.trouble"] = "probe.trouble"
    source: str
    text: str
    missed: int = 0


class GuardTripped(Entry):
    """A guard ends the run."""

    event: Literal["guard.tripped"] = "guard.tripped"
    guard: str
    text: str


class Signalled(Entry):
    """A signal asked to stop."""

    event: Literal["signal"] = "signal"
    name: str
    count: int


class Noted(Entry):
    """A note, by a person or by chaosmem."""

    event: Literal["note"] = "note"
    text: str


AnyEntry = Annotated[
    RunStarted
    | RunEnded
    | TrialStarted
    | TrialEnded
    | PhaseBegun
    | PhaseEnded
    | TargetChanged
    | TargetFacts
    | UndoPlanned
    | UndoDone
    | UndoFailed
    | FaultApplying
    | FaultApplied
    | FaultProved
    | FaultFailed
    | FaultUndone
    | FaultUndoFailed
    | CaptureTaken
    | HistogramsTaken
    | ProbeTrouble
    | GuardTripped
    | Signalled
    | Noted
    | ControlAnswered
    | WaitBegun
    | WaitEnded,
    Field(discriminator="event"),
]

ENTRY: TypeAdapter[AnyEntry] = TypeAdapter(AnyEntry)
