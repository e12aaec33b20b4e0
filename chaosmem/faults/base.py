"""What a fault is at run time: apply, prove, undo; each acknowledged and dated by the target."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from chaosmem.clock import RunClock
from chaosmem.drivers.agent import Ack, Agent
from chaosmem.drivers.load import Result
from chaosmem.errors import FaultRefused
from chaosmem.plan.model import PlannedPod

if TYPE_CHECKING:
    from chaosmem.drivers.podload import PodLoad
    from chaosmem.faults.mesh_access import MeshAccess

Readback = Mapping[str, float | str]


@dataclass(frozen=True, slots=True)
class PodScene:
    """A pod, its helper, and Chaos Mesh where a fault acts through it."""

    target: PlannedPod
    helper: Callable[[], Agent | None]
    """Speaks the agent's protocol: lease, act, end. It may come while the warmup passes."""
    chaos_mesh: MeshAccess | None = None
    no_helper: Callable[[], str] = str
    """Why there is no helper."""
    loader: PodLoad | None = None
    """The pod that sends load; None: load is sent from here."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What a fault may act through."""

    clock: RunClock
    url: str
    agent: Agent | None
    restart: Callable[[Mapping[str, str]], Awaitable[None]] | None
    """Restart the owned process with these environment changes merged in; {} reverts."""
    environment: Callable[[], Mapping[str, str]] | None
    """Environment of the owned process as the kernel has it."""
    on_request: Callable[[Result], None]
    seed: int
    inject_seconds: float = 0.0
    """Length of the inject phase."""
    pod: PodScene | None = None
    """What a fault on a pod may act through besides."""
    pid: Callable[[], int | None] = lambda: None
    """The target's process on this machine, while it runs; None: it is elsewhere, or gone."""

    def need_agent(self) -> Agent:
        """The agent; FaultRefused where the target has none."""
        if self.agent is None:
            raise FaultRefused(
                "the target has no chaosmem agent, so nothing can act inside the process",
                hint="mount it beside net/http/pprof: docs/agent-protocol.md",
            )
        return self.agent

    def need_helper(self) -> Agent:
        """The helper beside the target; FaultRefused where there is none."""
        helper = self.pod.helper() if self.pod else None
        if helper is None:
            why = self.pod.no_helper() if self.pod else ""
            why = f": {why}" if why else ""
            raise FaultRefused(
                f"there is no helper beside the target, so nothing can press on its cgroup{why}",
                hint="`chaosmem doctor SPEC` says what the helper lacks",
            )
        return helper

    def need_loader(self) -> PodLoad:
        """The pod that sends load; FaultRefused where there is none."""
        if self.pod is None or self.pod.loader is None:
            raise FaultRefused("there is no load pod, so nothing can be sent from the cluster")
        return self.pod.loader


class FaultAct(Protocol):
    """One fault on one target."""

    async def apply(self) -> Ack:
        """Do it; the target's acknowledgement."""
        ...

    async def prove(self) -> Readback:
        """Read back from the target what proves it, at the end of the inject phase."""
        ...

    async def undo(self) -> Ack:
        """Take it back. Idempotent; safe before `apply` and after a half-done one."""
        ...


class OutsideAct(FaultAct, Protocol):
    """A plugin's fault: nothing holds it under a lease, so it promises its undo before it acts."""

    def promise(self) -> Mapping[str, str]:
        """All that the plugin's `finish` needs to undo it, known before `apply`; no secrets."""
        ...


async def held(agent: Agent, *names: str) -> Readback:
    """What the agent says it holds, beside the runtime's own numbers."""
    _, sample = await agent.sample(since=2**62, timeout=2.0)
    said: dict[str, float | str] = {f"held.{n}": sample.held.get(n, 0.0) for n in names}
    said["runtime.goroutines"] = float(sample.goroutines)
    for key, source in (
        ("runtime.heap_objects", "/memory/classes/heap/objects:bytes"),
        ("runtime.gogc", "/gc/gogc:percent"),
        ("runtime.gomemlimit", "/gc/gomemlimit:bytes"),
    ):
        if source in sample.metrics:
            said[key] = sample.metrics[source]
    return said
