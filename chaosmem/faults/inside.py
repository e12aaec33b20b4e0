"""Faults inside the process, through the agent: heap, goroutines, live runtime settings."""

from __future__ import annotations

from dataclasses import dataclass

from chaosmem.drivers.agent import Ack
from chaosmem.faults.base import Readback, Scene, held
from chaosmem.spec.faults import GoroutinesFault, HeapFault, RuntimeFault

NO_LIMIT = 2**63 - 1
"""math.MaxInt64: GOMEMLIMIT=off (runtime/debug.SetMemoryLimit)."""
GOGC_OFF = -1


@dataclass(frozen=True, slots=True)
class Heap:
    """Retain live heap and churn garbage."""

    spec: HeapFault
    scene: Scene

    async def apply(self) -> Ack:
        """Start the growth and the churn."""
        agent, spec, ack = self.scene.need_agent(), self.spec, None
        if spec.retain:
            body = {
                "bytes": spec.retain,
                "rate": round(spec.rate or 0),
                "object": spec.object,
                "point": spec.at or "",
                "pointers": spec.pointers,
            }
            ack = await agent.act("heap", body)
        if spec.churn:
            churned = await agent.act("churn", {"rate": round(spec.churn), "object": spec.object})
            ack = ack or churned
        assert ack is not None  # noqa: S101 - the model refuses a heap fault that does nothing
        return ack

    async def prove(self) -> Readback:
        """The agent's own count and the runtime's heap."""
        return await held(self.scene.need_agent(), "heap_bytes", "churned_bytes")

    async def undo(self) -> Ack:
        """Let go of all of it."""
        return await self.scene.need_agent().act("release", {"what": ["heap", "churn"]})


@dataclass(frozen=True, slots=True)
class Goroutines:
    """A surge of goroutines."""

    spec: GoroutinesFault
    scene: Scene

    async def apply(self) -> Ack:
        """Start them."""
        spec = self.spec
        body = {
            "count": spec.count,
            "rate": round(spec.rate or 0),
            "state": "" if spec.at else spec.state,
            "point": spec.at or "",
        }
        return await self.scene.need_agent().act("goroutines", body)

    async def prove(self) -> Readback:
        """The agent's own count and runtime.NumGoroutine."""
        return await held(self.scene.need_agent(), "goroutines")

    async def undo(self) -> Ack:
        """Let them end."""
        return await self.scene.need_agent().act("release", {"what": ["goroutines"]})


@dataclass(frozen=True, slots=True)
class LiveRuntime:
    """GOGC and GOMEMLIMIT, live."""

    spec: RuntimeFault
    scene: Scene

    async def apply(self) -> Ack:
        """Set them; the agent remembers what was before."""
        body: dict[str, object] = {}
        if self.spec.gogc is not None:
            body["gogc"] = GOGC_OFF if self.spec.gogc == "off" else self.spec.gogc
        if self.spec.gomemlimit is not None:
            off = self.spec.gomemlimit == "off"
            body["gomemlimit"] = NO_LIMIT if off else self.spec.gomemlimit
        return await self.scene.need_agent().act("runtime", body)

    async def prove(self) -> Readback:
        """The settings as runtime/metrics has them."""
        return await held(self.scene.need_agent())

    async def undo(self) -> Ack:
        """Put the original settings back."""
        return await self.scene.need_agent().act("release", {"what": ["runtime"]})
