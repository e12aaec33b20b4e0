"""The faults of the language; `chaosmem.faults` acts them out."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    WithJsonSchema,
    model_validator,
)

from chaosmem import units
from chaosmem.spec.base import (
    BYTES_PATTERN,
    SHARE_PATTERN,
    Bytes,
    BytesPerSecond,
    Gogc,
    GoMemLimit,
    HttpPath,
    Model,
    PerSecond,
    Phase,
    Seconds,
    is_number,
    one_or_more,
)

DEFAULT_DURING = (Phase.INJECT, Phase.HOLD)


def _phases(value: object) -> object:
    return tuple(Phase) if value == "all" else one_or_more(value)


def _consecutive(value: tuple[Phase, ...]) -> tuple[Phase, ...]:
    order = list(Phase)
    places = [order.index(phase) for phase in value]
    if not places or places != list(range(places[0], places[0] + len(places))):
        said = ", ".join(value) or "none"
        raise ValueError(
            f"phases must follow each other without a gap (here: {said});"
            f" their order is {', '.join(order)}"
        )
    return value


During = Annotated[
    tuple[Phase, ...],
    BeforeValidator(_phases),
    AfterValidator(_consecutive),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "array", "items": {"enum": list(Phase)}, "minItems": 1},
                {"enum": ["all", *Phase]},
            ],
            "examples": [["inject", "hold"], "all"],
        }
    ),
]


class FaultBase(Model):
    """What all faults share."""

    during: During = DEFAULT_DURING
    """Consecutive phases in which the fault acts, or `all`; undone at the end of the last one."""


class HeapFault(FaultBase):
    """Retain live heap and/or churn garbage inside the process, through the agent."""

    kind: Literal["heap"] = "heap"
    via: Literal["agent"] = "agent"
    """How: through the agent that is linked into the process."""
    retain: Bytes = 0
    """Live heap to retain until the fault is undone."""
    rate: BytesPerSecond | None = None
    """Growth of the retained heap; absent: at once."""
    churn: BytesPerSecond = 0.0
    """Garbage allocated a second, so that GC cycles happen by themselves."""
    object: Annotated[Bytes, Field(ge=8, le=2**30)] = 1024
    """Size of each allocated object, 8B to 1GiB."""
    pointers: bool = True
    """Whether the objects hold pointers, so that the collector scans them."""
    at: Annotated[str, Field(min_length=1)] | None = None
    """Injection point registered with `agent.HeapPoint`; absent: the agent's own function."""

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if not self.retain and not self.churn:
            raise ValueError(
                "a heap fault needs `retain` (for example 64MiB) or `churn` (for example 20MiB/s)"
            )
        if self.rate == 0:
            raise ValueError("rate: 0 never retains anything; leave `rate` out for at once")
        return self


class GoroutinesFault(FaultBase):
    """A surge of goroutines, through the agent."""

    kind: Literal["goroutines"] = "goroutines"
    via: Literal["agent"] = "agent"
    """How: through the agent that is linked into the process."""
    count: Annotated[int, Field(strict=True, ge=1, le=10_000_000)]
    """Goroutines to start."""
    rate: PerSecond | None = None
    """Goroutines started a second; absent: at once."""
    state: Literal["blocked", "sleeping", "network"] = "blocked"
    """What they do: wait on a channel, sleep, or wait for the network."""
    at: Annotated[str, Field(min_length=1)] | None = None
    """Injection point registered with `agent.GoroutinePoint`; absent: the agent's own."""


class RuntimeFault(FaultBase):
    """Other settings of the Go runtime: live through the agent, or by restart."""

    kind: Literal["runtime"] = "runtime"
    via: Literal["agent", "restart", "rollout"] = "agent"
    """How: live by the agent, by restart of the process, or by rollout of the pods."""
    gogc: Gogc | None = None
    """GOGC, in percent, or `off`."""
    gomemlimit: GoMemLimit | None = None
    """GOMEMLIMIT, for example 512MiB, or `off`."""
    godebug: dict[str, str] = Field(default_factory=dict)
    """GODEBUG settings; Go reads them at start, so they need `via: restart` or `rollout`."""


class Request(Model):
    """One kind of request of a load mix."""

    path: HttpPath
    """Path and query, beginning with /."""
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"] = "GET"
    """HTTP method."""
    weight: Annotated[int, Field(strict=True, ge=1, le=10_000)] = 1
    """Share of this request in the mix, relative to the other weights."""
    headers: dict[str, str] = Field(default_factory=dict)
    """Request headers; never put a secret here, specs are kept with the run."""
    body: str | None = None
    """Request body."""


def _not_empty(value: tuple[Request, ...]) -> tuple[Request, ...]:
    if not value:
        raise ValueError("a load needs at least one request; write for example [{path: /healthz}]")
    return value


class LoadFault(FaultBase):
    """HTTP requests at a fixed rate (open loop)."""

    kind: Literal["load"] = "load"
    rate: PerSecond
    """Requests a second in all, sent whether or not earlier ones were answered."""
    mix: Annotated[tuple[Request, ...], AfterValidator(_not_empty)]
    """The kinds of requests, drawn by weight."""
    origin: Literal["auto", "runner", "cluster"] = "auto"
    """Who sends: where chaosmem runs, or a pod in the cluster; `auto`: a pod, unless the target is
    reached by its own address."""
    timeout: Seconds = 2.0
    """A request that takes longer counts as failed."""
    connections: Annotated[int, Field(strict=True, ge=1, le=10_000)] = 16
    """Most connections open at a time; each is a goroutine of the target, two while it serves."""


def _level(value: object) -> float | int:
    if isinstance(value, float) or (isinstance(value, str) and value.rstrip().endswith("%")):
        level = units.parse_percent(value)
        if not level:
            raise ValueError("a level of 0% asks for nothing; write for example 80%")
        return level
    if is_number(value):
        raise ValueError(f"{value} has no unit; write {value}% of the limit, or {value}MiB")
    return units.parse_bytes(value)


def _show_level(value: float) -> str:
    return units.format_bytes(value) if isinstance(value, int) else units.format_percent(value)


Level = Annotated[
    float | int,
    BeforeValidator(_level),
    PlainSerializer(_show_level),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": f"{SHARE_PATTERN}|{BYTES_PATTERN}",
            "examples": ["80%", "600MiB"],
        }
    ),
]


class MemoryFault(FaultBase):
    """Memory pressure from beside the process, in its cgroup (pods only)."""

    kind: Literal["memory"] = "memory"
    via: Literal["helper", "chaos-mesh"]
    """How: chaosmem's own stressor in the pod's cgroup, or a StressChaos of Chaos Mesh."""
    level: Level
    """Memory in use to reach: a share of the limit (`80%`), or an amount (`600MiB`)."""
    of: Literal["limit", "absolute"] = "limit"
    """What `level` counts from: the container's limit (a share), or `absolute` (an amount)."""
    ramp: Seconds | None = None
    """Time to reach the level; absent: the whole inject phase."""
    oom: Literal["forbidden", "expected"] = "forbidden"
    """Whether an OOM kill of the target is what the experiment wants to see."""

    @model_validator(mode="after")
    def _of_what(self) -> Self:
        if isinstance(self.level, int) and self.of == "limit":
            shown = units.format_bytes(self.level)
            raise ValueError(f"level: {shown} is an amount; add of: absolute, or write a share")
        if isinstance(self.level, float) and self.of == "absolute":
            shown = units.format_percent(self.level)
            raise ValueError(f"level: {shown} is a share; write of: limit, or an amount")
        return self


Fault = Annotated[
    HeapFault | GoroutinesFault | RuntimeFault | LoadFault | MemoryFault,
    Field(discriminator="kind"),
]
"""Written `- heap: {retain: 64MiB}`; the reader turns the single key into `kind`."""
