"""The wish to stop: by signal, by guard. An event that is awaited, never an exception that flies.

Raising from a signal handler loses undo steps in the middle (chaostoolkit-lib PR#221); here a
handler only sets a flag, and the run's own code stops at a place of its choosing.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from enum import StrEnum


class Cause(StrEnum):
    """Why a run is to stop."""

    GUARD = "guard"
    OPERATOR = "operator"
    EVIDENCE = "evidence"
    """The run directory cannot be written any more."""


@dataclass(slots=True)
class StopRequest:
    """Set once or more; `skip_rest` after the second signal."""

    event: asyncio.Event = field(default_factory=asyncio.Event)
    cause: Cause | None = None
    reason: str = ""
    signals: int = 0

    def ask(self, cause: Cause, reason: str) -> None:
        """Ask to stop; the first cause stands."""
        if self.cause is None:
            self.cause, self.reason = cause, reason
        self.event.set()

    def signal(self, name: str) -> int:
        """Count a signal and ask to stop; how many there were."""
        self.signals += 1
        self.ask(Cause.OPERATOR, f"stopped by {name}")
        return self.signals

    @property
    def skip_rest(self) -> bool:
        """Whether even the last captures are to be left out (undo never is)."""
        return self.signals > 1
