"""Runtime settings that Go reads once, at its start: changed by restarting the owned process."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass

from chaosmem.drivers.agent import Ack
from chaosmem.errors import FaultRefused
from chaosmem.faults.base import Readback, Scene
from chaosmem.plan.environment import fault_changes
from chaosmem.spec.faults import RuntimeFault

_NAMES = ("GODEBUG", "GOGC", "GOMEMLIMIT")


@dataclass(frozen=True, slots=True)
class RestartRuntime:
    """Restart with GODEBUG, GOGC, GOMEMLIMIT merged in; restart with the original to undo."""

    spec: RuntimeFault
    scene: Scene

    async def apply(self) -> Ack:
        """Restart with the changes."""
        changes = fault_changes(self.spec)
        return await self._timed(self._restart(changes))

    async def prove(self) -> Readback:
        """The settings in the environment of the running process."""
        if self.scene.environment is None:
            return {}
        now = self.scene.environment()
        return {f"environ.{name}": now.get(name, "") for name in _NAMES}

    async def undo(self) -> Ack:
        """Restart with the original environment."""
        return await self._timed(self._restart({}))

    def _restart(self, changes: dict[str, str]) -> Awaitable[None]:
        if self.scene.restart is None:
            raise FaultRefused("only a process that chaosmem started can be restarted")
        return self.scene.restart(changes)

    async def _timed(self, work: Awaitable[None]) -> Ack:
        begin = self.scene.clock.now()
        await work
        end = self.scene.clock.now()
        return Ack((begin + end) / 2, (end - begin) / 2, await self.prove())
