"""The faults of the language; `chaosmem.faults` acts them out."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from chaosmem.spec.base import Bytes, BytesPerSecond, Model, PerSecond, Phase, Seconds, Share

DEFAULT_DURING = (Phase.INJECT, Phase.HOLD)


class FaultBase(Model):
    """What all faults share."""

    during: tuple[Phase, ...] = DEFAULT_DURING
    """Consecutive phases in which the fault acts; undone at the end of the last one."""


class HeapFault(FaultBase):
    """Retain live heap and/or churn garbage inside the process, through the agent."""

    kind: Literal["heap"] = "heap"
    via: Literal["agent"] = "agent"
    retain: Bytes = 0
    rate: BytesPerSecond | None = None
    """Growth of the retained heap; absent: at once."""
    churn: BytesPerSecond = 0.0
    """Garbage allocated a second."""
    object: Bytes = 1024
    pointers: bool = True
    at: str | None = None
    """Injection point registered with `agent.HeapPoint`; absent: the agent's own function."""

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if not self.retain and not self.churn:
            msg = "a heap fault needs `retain` (for example 64MiB) or `churn` (for example 20MiB/s)"
            raise ValueError(msg)
        return self


class GoroutinesFault(FaultBase):
    """A surge of goroutines, through the agent."""

    kind: Literal["goroutines"] = "goroutines"
    via: Literal["agent"] = "agent"
    count: Annotated[int, Field(ge=1)]
    rate: PerSecond | None = None
    state: Literal["blocked", "sleeping", "network"] = "blocked"
    at: str | None = None
    """Injection point registered with `agent.GoroutinePoint`; absent: the agent's own."""


class RuntimeFault(FaultBase):
    """Other settings of the Go runtime: live through the agent, or by restart."""

    kind: Literal["runtime"] = "runtime"
    via: Literal["agent", "restart", "rollout"] = "agent"
    gogc: Annotated[int, Field(ge=1, le=100_000)] | Literal["off"] | None = None
    gomemlimit: Bytes | Literal["off"] | None = None
    godebug: dict[str, str] = Field(default_factory=dict)


class Request(Model):
    """One kind of request of a load mix."""

    path: str
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"] = "GET"
    weight: Annotated[int, Field(ge=1)] = 1
    headers: dict[str, str] = Field(default_factory=dict)
    body: str | None = None


class LoadFault(FaultBase):
    """HTTP requests at a fixed rate (open loop)."""

    kind: Literal["load"] = "load"
    rate: PerSecond
    mix: tuple[Request, ...]
    timeout: Seconds = 2.0
    connections: Annotated[int, Field(ge=1, le=10_000)] = 16


class MemoryFault(FaultBase):
    """Memory pressure from beside the process, in its cgroup (pods only)."""

    kind: Literal["memory"] = "memory"
    via: Literal["helper", "chaos-mesh"]
    level: Share | Bytes
    of: Literal["limit", "absolute"] = "limit"
    ramp: Seconds | None = None
    oom: Literal["forbidden", "expected"] = "forbidden"


Fault = Annotated[
    HeapFault | GoroutinesFault | RuntimeFault | LoadFault | MemoryFault,
    Field(discriminator="kind"),
]
"""Written `- heap: {retain: 64MiB}`; the reader turns the single key into `kind`."""
