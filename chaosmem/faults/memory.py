"""Memory pressure from beside the process: the helper holds memory in the container's cgroup."""

from __future__ import annotations

from dataclasses import dataclass

from chaosmem.drivers.agent import Ack
from chaosmem.errors import FaultRefused
from chaosmem.faults.base import PodScene, Readback, Scene
from chaosmem.plan.pods import level_bytes
from chaosmem.spec.faults import MemoryFault


@dataclass(frozen=True, slots=True)
class HelperMemory:
    """A working set held at a level by chaosmem's own helper."""

    spec: MemoryFault
    scene: Scene

    async def apply(self) -> Ack:
        """Begin the ramp; acknowledged when the helper's child has joined the cgroup."""
        pod = self._pod
        if pod.target.limit is None:
            raise FaultRefused(f"container {pod.target.container} has no memory limit")
        level = level_bytes(self.spec, pod.target.limit)
        ramp = self.scene.inject_seconds if self.spec.ramp is None else self.spec.ramp
        body = {"level_bytes": level, "ramp_ms": round(ramp * 1000), "oom": self.spec.oom}
        ack = await self.scene.need_helper().act("memory", body)
        return Ack(ack.t, ack.u, {**ack.said, "level_bytes": level})

    @property
    def _pod(self) -> PodScene:
        self.scene.need_helper()
        assert self.scene.pod is not None  # noqa: S101 - there is a helper only beside a pod
        return self.scene.pod

    async def prove(self) -> Readback:
        """Nothing more: the series of the container's cgroup say what became of it."""
        return {}

    async def undo(self) -> Ack:
        """Let go; acknowledged when the child has ended and its memory is back."""
        return await self.scene.need_helper().act("release", {})
