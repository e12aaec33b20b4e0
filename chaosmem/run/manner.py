"""How a run is to be done, beside what it is to do: whether it asks, and how long it may wait."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from chaosmem.errors import UsageError
from chaosmem.plan.model import Plan
from chaosmem.run.lease import DEADLINE_SLACK
from chaosmem.spec.faults import MemoryFault

MAX_HOLD: Final = 1800.0
"""Seconds that a round may wait in all where nothing else is said."""
_LONGEST_LEASE: Final = 86_400.0
"""Seconds: agent and helper accept no later deadline (lease.go, maxDeadline)."""


@dataclass(frozen=True, slots=True)
class Manner:
    """What the operator wishes of the run.

    Attributes:
        steps: ask before every step.
        max_hold: seconds that one round may wait in all, by pause, hold and extension; None: half
            an hour, and 0 where Chaos Mesh acts: its stress has no heartbeat, so it would outlive
            a killed run by as much.
    """

    steps: bool = False
    max_hold: float | None = None

    def longest(self, plan: Plan) -> float:
        """Seconds that a round of `plan` may wait; UsageError where it must ask and may not."""
        wish = self.max_hold
        if wish is None:
            wish = 0.0 if _meshed(plan) else MAX_HOLD
        room = _LONGEST_LEASE - plan.trial_seconds - DEADLINE_SLACK
        longest = max(0.0, min(wish, room))
        if self.steps and not longest:
            raise UsageError(
                "a run that asks before each step must be allowed to wait",
                hint="give --max-hold, for example 10m: so much later a stress of Chaos Mesh ends "
                "by itself, should this run be killed",
            )
        return longest


def _meshed(plan: Plan) -> bool:
    faults = [p.fault for p in plan.faults]
    return any(isinstance(f, MemoryFault) and f.via == "chaos-mesh" for f in faults)
