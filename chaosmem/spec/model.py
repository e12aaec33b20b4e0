"""The experiment, version 1: the whole of what a user can declare."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from chaosmem.spec.base import Bytes, Model, Moment, MomentField, PerSecond, Phase, Seconds, Share
from chaosmem.spec.checks import Check
from chaosmem.spec.faults import Fault
from chaosmem.spec.target import Target

API_VERSION = "chaosmem/v1"


class Metadata(Model):
    """Name and words for people."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
    description: str = ""
    labels: dict[str, str] = Field(default_factory=dict)


class Phases(Model):
    """Lengths of the phases; a trial takes their sum."""

    warmup: Seconds = 0.0
    baseline: Seconds = 10.0
    inject: Seconds = 5.0
    hold: Seconds = 10.0
    release: Seconds = 0.0
    recover: Seconds = 15.0

    def of(self, phase: Phase) -> float:
        """Length of `phase` in seconds."""
        return float(getattr(self, phase.value))


class Sampling(Model):
    """How often, and from where, the target is read."""

    rate: PerSecond = 10.0
    timeout: Seconds = 1.0
    source: Literal["auto", "agent", "metrics", "pprof"] = "auto"


class Capture(Model):
    """A profile taken at named moments."""

    profile: Literal[
        "heap", "allocs", "goroutine", "goroutineleak", "cpu", "block", "mutex", "threadcreate"
    ]
    at: tuple[MomentField, ...] = (
        Moment(phase=Phase.BASELINE, edge="end"),
        Moment(phase=Phase.HOLD, edge="end"),
        Moment(phase=Phase.RECOVER, edge="end"),
    )
    gc: bool | None = None
    """Force a GC first (heap only; default true), so that the profile is not two cycles old."""
    seconds: Seconds | None = None
    """Length of a cpu profile (default 1s)."""


class RestartsGuard(Model):
    """Abort when the target restarted more often."""

    kind: Literal["restarts"] = "restarts"
    max: Annotated[int, Field(ge=0)] = 0


class RssGuard(Model):
    """Abort when resident memory is above `max`."""

    kind: Literal["rss"] = "rss"
    max: Bytes


class HeapGuard(Model):
    """Abort when heap objects are above `max`."""

    kind: Literal["heap"] = "heap"
    max: Bytes


class GoroutinesGuard(Model):
    """Abort when the goroutine count is above `max`."""

    kind: Literal["goroutines"] = "goroutines"
    max: Annotated[int, Field(ge=1)]


class ErrorRateGuard(Model):
    """Abort when the share of failed load requests over `window` is above `max`."""

    kind: Literal["error-rate"] = "error-rate"
    max: Share
    window: Seconds = 5.0


class UnresponsiveGuard(Model):
    """Abort when no sample succeeded for `longest`."""

    kind: Literal["unresponsive"] = "unresponsive"
    longest: Seconds = 5.0


Guard = Annotated[
    RestartsGuard | RssGuard | HeapGuard | GoroutinesGuard | ErrorRateGuard | UnresponsiveGuard,
    Field(discriminator="kind"),
]


class Limits(Model):
    """Blast radius: what the plan may not exceed."""

    pods: Annotated[int, Field(ge=1)] = 1
    share: Share = 1.0
    namespaces: tuple[str, ...] = ()
    heap: Bytes = 2 * 2**30
    goroutines: Annotated[int, Field(ge=1)] = 100_000
    duration: Seconds = 3600.0


class Arm(Model):
    """One runtime setting under which the whole experiment is run."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,40}$")]
    gogc: Annotated[int, Field(ge=1, le=100_000)] | Literal["off"] | None = None
    gomemlimit: Bytes | Literal["off"] | None = None
    godebug: dict[str, str] = Field(default_factory=dict)
    env: dict[str, str] = Field(default_factory=dict)


class Experiment(Model):
    """A declared experiment."""

    api_version: Literal["chaosmem/v1"] = API_VERSION
    kind: Literal["Experiment"] = "Experiment"
    metadata: Metadata
    preset: str | None = None
    """A named set of defaults for the sections that this spec leaves out."""
    target: Target
    phases: Phases = Phases()
    sampling: Sampling = Sampling()
    faults: tuple[Fault, ...]
    captures: tuple[Capture, ...] = ()
    checks: tuple[Check, ...] = ()
    guards: tuple[Guard, ...] = ()
    limits: Limits = Limits()
    trials: Annotated[int, Field(ge=1, le=100)] = 1
    arms: tuple[Arm, ...] = (Arm(name="default"),)
    seed: int = 0
