"""The checks of the language; `chaosmem.verify` decides them."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from chaosmem.spec.base import Bytes, Model, Moment, MomentField, Phase, Seconds, Share
from chaosmem.spec.faults import During


def _compiles(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(
            f"{value!r} is no regular expression ({error}); escape . * ( ) with a backslash"
        ) from error
    return value


_BASELINE_END = Moment(phase=Phase.BASELINE, edge="end")
_HOLD_END = Moment(phase=Phase.HOLD, edge="end")


class CheckBase(Model):
    """What all checks share."""

    name: str | None = None
    """Shown instead of the kind where a kind is used twice."""
    advisory: bool = False
    """Reported, but does not decide the verdict."""


class Band(Model):
    """Steady-state band: median ± max(mad · MAD, share · median, count)."""

    mad: Annotated[float, Field(strict=True, gt=0)] = 3.0
    """Half width in median absolute deviations of the baseline."""
    share: Share = 0.05
    """Half width at least this share of the baseline's median."""
    count: Annotated[float, Field(strict=True, ge=0)] = 2.0
    """Half width at least this many goroutines."""


class GoroutineRecovery(CheckBase):
    """After release the goroutine count is back in the baseline band in time, and stays."""

    kind: Literal["goroutine-recovery"] = "goroutine-recovery"
    within: Seconds = 5.0
    """Time after release by which the count has entered the band."""
    dwell: Seconds = 1.0
    """Time that it must then stay in the band."""
    min_samples: Annotated[int, Field(strict=True, ge=3)] = 10
    """Samples of the baseline without which there is no band, and the check is inconclusive."""
    band: Band = Band()
    """The baseline band: median ± max(mad · MAD, share · median, count)."""


class NextGcPrediction(CheckBase):
    """The heap goal follows the pacer's formula, and the heap lands on it."""

    kind: Literal["next-gc-prediction"] = "next-gc-prediction"
    min_cycles: Annotated[int, Field(strict=True, ge=1)] = 5
    """GC cycles under pressure without which the check is inconclusive."""
    tolerance: Share = 0.02
    """Of the formula's goal; beside it 1 MiB for the sweep distance is always allowed."""
    overshoot: Share = 0.10
    """How far above the goal the heap may land at mark termination."""
    slack: Bytes = 8 * 2**20
    """Landing fails only above both `overshoot` and `slack`."""


class TopAllocations(CheckBase):
    """The stacks that grew most contain the injection point (or must not)."""

    kind: Literal["top-allocations"] = "top-allocations"
    top: Annotated[int, Field(strict=True, ge=1, le=1000)] = 10
    """How many stacks count as the top, ranked by growth in bytes."""
    contains: Annotated[str, AfterValidator(_compiles)] | None = None
    """Regular expression over function names; absent: the injection point of the heap fault."""
    share: Share = 0.5
    """Of the growth that the matching stacks must reach."""
    sample: Literal["inuse_space", "alloc_space"] = "inuse_space"
    """In-use space, or space allocated since the start."""
    base: MomentField = _BASELINE_END
    """Moment of the earlier heap capture."""
    at: MomentField = _HOLD_END
    """Moment of the later heap capture."""
    expect: Literal["present", "absent"] = "present"
    """`absent` makes it a negative control: these stacks must not have grown."""
    slack: Bytes = 4 * 2**20
    """With `absent`: growth that is of no account, whatever its share."""


class StressEffect(CheckBase):
    """Every fault is proven to have taken effect."""

    kind: Literal["stress-effect"] = "stress-effect"
    tolerance: Share = 0.10
    """How far the effect may be from what was asked."""


class NoRestart(CheckBase):
    """The target is the same process from start to end."""

    kind: Literal["no-restart"] = "no-restart"


class NoOom(CheckBase):
    """Nothing was OOM-killed."""

    kind: Literal["no-oom"] = "no-oom"


class HeapReturns(CheckBase):
    """Live heap is back in the baseline band after recovery."""

    kind: Literal["heap-returns"] = "heap-returns"
    within: Seconds | None = None
    """Absent: by the end of the recover phase, after the forced GC of its last capture."""
    share: Share = 0.10
    """Half width of the band at least this share of the baseline's median."""
    slack: Bytes = 4 * 2**20
    """Half width of the band at least this much."""


class RssReturns(CheckBase):
    """Resident memory is back near the baseline by the end of the recover phase.

    Go returns memory to the system over minutes: give it a long recover phase, or make it advisory.
    """

    kind: Literal["rss-returns"] = "rss-returns"
    share: Share = 0.20
    """Rise above the baseline's median that is allowed, as a share of it."""
    slack: Bytes = 16 * 2**20
    """Rise that is always allowed."""


class GcCpu(CheckBase):
    """The collector's share of CPU stays bounded, and its CPU limiter stays off."""

    kind: Literal["gc-cpu"] = "gc-cpu"
    max: Share = 0.25
    """Most CPU time that the collector may take, of the CPU used (counted as at least one core,
    without idle-priority marking)."""
    limiter: Literal["never", "allowed"] = "never"
    """Whether the GC CPU limiter may switch on (it lets the heap grow beyond its goal)."""


class Pause(CheckBase):
    """Stop-the-world pauses of the collector stay short."""

    kind: Literal["pause"] = "pause"
    quantile: Annotated[float, Field(strict=True, gt=0, lt=1)] = 0.99
    """Which quantile of the pauses is compared."""
    max: Seconds = 0.010
    """Longest that this quantile may be."""


class PromQl(CheckBase):
    """What a PromQL query says of some phases stays within bounds."""

    kind: Literal["promql"] = "promql"
    query: Annotated[str, Field(min_length=1)]
    """PromQL; `$namespace`, `$pod`, `$target`, `$window` and declared variables are filled in."""
    during: During = (Phase.HOLD,)
    """Phases, from the first one's start to the last one's end, that are asked about."""
    take: Literal["max", "min", "mean", "last"] = "max"
    """Which value of that time is compared."""
    at_most: float | None = None
    """Largest value that is allowed, in the unit of the query."""
    at_least: float | None = None
    """Smallest value that is allowed, in the unit of the query."""
    aggregate: Literal["sum", "max", "min", "mean"] | None = None
    """How several series become one at each point; absent: there must be only one."""
    samples: Annotated[int, Field(strict=True, ge=2)] = 3
    """Scraped samples in that time without which the check is inconclusive."""

    @model_validator(mode="after")
    def _has_a_bound(self) -> Self:
        if self.at_most is None and self.at_least is None:
            raise ValueError("nothing is expected; write atMost or atLeast")
        return self


class Alert(CheckBase):
    """A Prometheus alert fires under the faults in time, and resolves after their release."""

    kind: Literal["alert"] = "alert"
    alert: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
    """Name of the alert."""
    labels: dict[str, str] = Field(default_factory=dict)
    """Labels by which its series are chosen."""
    fires_within: Seconds = 60.0
    """Longest time from the fault's effect being ordered to the alert firing, `for` included."""
    resolves_within: Seconds = 60.0
    """Longest time from the release to the alert's end, `keep_firing_for` included."""


Check = Annotated[
    GoroutineRecovery
    | NextGcPrediction
    | TopAllocations
    | StressEffect
    | NoRestart
    | NoOom
    | HeapReturns
    | RssReturns
    | GcCpu
    | Pause
    | PromQl
    | Alert,
    Field(discriminator="kind"),
]
