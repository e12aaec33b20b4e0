"""Runtime settings by rollout: made before the trial, reverted after it; here they are read back.

The pods that the trial sees were started with the settings, so nothing acts in the trial itself.
"""

from __future__ import annotations

from dataclasses import dataclass

from chaosmem.drivers.agent import Ack
from chaosmem.faults.base import Readback, Scene
from chaosmem.spec.faults import RuntimeFault

_NAMES = ("GODEBUG", "GOGC", "GOMEMLIMIT")


@dataclass(frozen=True, slots=True)
class RolloutRuntime:
    """GODEBUG, GOGC and GOMEMLIMIT of pods that a rollout has started."""

    spec: RuntimeFault
    scene: Scene

    async def apply(self) -> Ack:
        """It is in effect since the pod's start."""
        return Ack(self.scene.clock.now(), 0.0, await self.prove())

    async def prove(self) -> Readback:
        """The settings in the pod's own environment, as the API server has it."""
        now = self.scene.environment() if self.scene.environment else {}
        return {f"environ.{name}": now.get(name, "") for name in _NAMES}

    async def undo(self) -> Ack:
        """The workload is rolled back after the trial, and that is promised on its own."""
        return Ack(self.scene.clock.now(), 0.0, {})
