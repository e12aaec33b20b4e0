"""The experiment, version 1: the whole of what a user can declare."""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from chaosmem.spec.base import (
    Bytes,
    Gogc,
    GoMemLimit,
    Model,
    Moment,
    MomentField,
    PerSecond,
    Phase,
    Seconds,
    Share,
    one_or_more,
)
from chaosmem.spec.kinds import AnyCheck, AnyFault
from chaosmem.spec.notify import AnyChannel
from chaosmem.spec.prometheus import Prometheus
from chaosmem.spec.target import Target

API_VERSION: Final = "chaosmem/v1"


class Metadata(Model):
    """Name and words for people."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
    """Names the runs: lower-case letters, digits and hyphens, at most 63."""
    description: str = ""
    """What the experiment claims, in a sentence."""
    labels: dict[str, str] = Field(default_factory=dict)
    """Free labels, kept with the verdict."""


class Phases(Model):
    """Lengths of the phases; a trial takes their sum."""

    warmup: Seconds = 0.0
    """Nothing is asked of it: caches fill, the first GC cycles pass."""
    baseline: Seconds = 10.0
    """The steady state is measured here."""
    inject: Seconds = 5.0
    """Faults begin here, and grow to their full size."""
    hold: Seconds = 10.0
    """Faults stay at their full size."""
    release: Seconds = 0.0
    """Faults that end with `hold` are undone at its start; recovery is counted from there."""
    recover: Seconds = 15.0
    """The target is watched while it comes back."""

    def of(self, phase: Phase) -> float:
        """Length of `phase` in seconds."""
        return float(getattr(self, phase.value))


class Sampling(Model):
    """How often, and from where, the target is read."""

    rate: PerSecond = 10.0
    """Samples a second of goroutines, heap and GC; it bounds the error of every recovery time."""
    timeout: Seconds = 1.0
    """A sample that takes longer is recorded as failed."""
    source: Literal["auto", "agent", "metrics", "pprof"] = "auto"
    """Where samples come from; `auto` takes the first that answers: agent, metrics, pprof."""


def _some_moment(value: tuple[Moment, ...]) -> tuple[Moment, ...]:
    if not value:
        raise ValueError("name at least one moment, for example hold.end")
    return value


class Capture(Model):
    """A profile taken at named moments."""

    profile: Literal[
        "heap", "allocs", "goroutine", "goroutineleak", "cpu", "block", "mutex", "threadcreate"
    ]
    """Which profile of net/http/pprof."""
    at: Annotated[
        tuple[MomentField, ...], BeforeValidator(one_or_more), AfterValidator(_some_moment)
    ] = (
        Moment(phase=Phase.BASELINE, edge="end"),
        Moment(phase=Phase.HOLD, edge="end"),
        Moment(phase=Phase.RECOVER, edge="end"),
    )
    """When: `phase.start`, `phase.end`, or `phase+2s`."""
    gc: bool | None = None
    """Force a GC first (heap only; default true), so that the profile is not two cycles old."""
    seconds: Seconds | None = None
    """Length of a cpu profile (default 1s)."""


class RestartsGuard(Model):
    """Abort when the target restarted more often."""

    kind: Literal["restarts"] = "restarts"
    max: Annotated[int, Field(strict=True, ge=0)] = 0
    """Most restarts that are allowed."""


class RssGuard(Model):
    """Abort when resident memory is above `max`."""

    kind: Literal["rss"] = "rss"
    max: Bytes
    """Most resident memory, for example 1GiB."""


class HeapGuard(Model):
    """Abort when heap objects are above `max`."""

    kind: Literal["heap"] = "heap"
    max: Bytes
    """Most heap in objects, for example 512MiB."""


class GoroutinesGuard(Model):
    """Abort when the goroutine count is above `max`."""

    kind: Literal["goroutines"] = "goroutines"
    max: Annotated[int, Field(strict=True, ge=1)]
    """Most goroutines."""


class ErrorRateGuard(Model):
    """Abort when the share of failed load requests over `window` is above `max`."""

    kind: Literal["error-rate"] = "error-rate"
    max: Share
    """Largest share of failed requests."""
    window: Seconds = 5.0
    """Over how much of the past the share is taken."""


class UnresponsiveGuard(Model):
    """Abort when no sample succeeded for `longest`."""

    kind: Literal["unresponsive"] = "unresponsive"
    longest: Seconds = 5.0
    """Longest time without a good sample."""


class PromQlGuard(Model):
    """Abort when a PromQL query leaves its bounds; no answer never aborts."""

    kind: Literal["promql"] = "promql"
    query: Annotated[str, Field(min_length=1)]
    """PromQL with the variables of the check `promql`; the largest or smallest series counts."""
    at_most: float | None = None
    """Largest value that is allowed."""
    at_least: float | None = None
    """Smallest value that is allowed."""
    every: Annotated[Seconds, Field(gt=0)] = 5.0
    """How often it is asked."""

    @model_validator(mode="after")
    def _has_a_bound(self) -> Self:
        if self.at_most is None and self.at_least is None:
            raise ValueError("nothing is expected; write atMost or atLeast")
        return self


Guard = Annotated[
    RestartsGuard
    | RssGuard
    | HeapGuard
    | GoroutinesGuard
    | ErrorRateGuard
    | UnresponsiveGuard
    | PromQlGuard,
    Field(discriminator="kind"),
]


class Limits(Model):
    """Blast radius: what the plan may not exceed."""

    pods: Annotated[int, Field(strict=True, ge=1)] = 1
    """Most pods that a run may touch."""
    share: Share = 1.0
    """Largest share of the selected pods that a run may touch."""
    namespaces: tuple[str, ...] = ()
    """Namespaces that a run may touch; empty: the target's own only."""
    heap: Bytes = 2 * 2**30
    """Most heap that the faults may retain in one process."""
    goroutines: Annotated[int, Field(strict=True, ge=1)] = 100_000
    """Most goroutines that the faults may start in one process."""
    duration: Seconds = 3600.0
    """Longest that all phases of all trials and arms may take together."""


class Arm(Model):
    """One runtime setting under which the whole experiment is run."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,40}$")]
    """Names the arm in reports: lower-case letters, digits and hyphens."""
    gogc: Gogc | None = None
    """GOGC of this arm, in percent, or `off`."""
    gomemlimit: GoMemLimit | None = None
    """GOMEMLIMIT of this arm, for example 512MiB, or `off`."""
    godebug: dict[str, str] = Field(default_factory=dict)
    """GODEBUG settings of this arm, merged over the target's own."""
    env: dict[str, str] = Field(default_factory=dict)
    """Further environment of this arm, merged over the target's own."""


class Experiment(Model):
    """A declared experiment."""

    api_version: Literal["chaosmem/v1"] = API_VERSION
    """Version of this language."""
    kind: Literal["Experiment"] = "Experiment"
    """Always Experiment."""
    metadata: Metadata
    """Name and words for people."""
    preset: str | None = None
    """A named set of defaults for the sections that this spec leaves out."""
    target: Target
    """What the experiment acts on."""
    phases: Phases = Phases()
    """Lengths of the phases of a trial."""
    sampling: Sampling = Sampling()
    """How often, and from where, the target is read."""
    faults: tuple[AnyFault, ...]
    """What is done to the target; `[]` measures the steady state only."""
    captures: tuple[Capture, ...] = ()
    """Profiles taken at named moments."""
    checks: tuple[AnyCheck, ...] = ()
    """What the verdict is made of."""
    guards: tuple[Guard, ...] = ()
    """What aborts the run, sampled all through it."""
    prometheus: Prometheus | None = None
    """Where the queries of checks and guards are asked."""
    notify: tuple[AnyChannel, ...] = ()
    """Who is told of the verdict, and of a guard that trips; it never changes either."""
    limits: Limits = Limits()
    """Blast radius: what the plan may not exceed."""
    trials: Annotated[int, Field(strict=True, ge=1, le=100)] = 1
    """How often each arm is run."""
    arms: tuple[Arm, ...] = (Arm(name="default"),)
    """Runtime settings to compare, run in turns."""
    seed: Annotated[int, Field(strict=True, ge=0, le=2**63 - 1)] = 0
    """Makes every random choice (pods, load mix) repeatable."""
