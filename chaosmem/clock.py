"""Time, as the shell of chaosmem reads it: one monotonic clock a run, and the wall for labels.

`RunClock` counts on the event loop's clock, so that tests with a virtual loop (looptime) have
virtual runs. The pure packages never import this.
"""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class RunClock:
    """Seconds since the run's start; `origin` is the loop's time at that moment."""

    origin: float

    @classmethod
    def start(cls) -> RunClock:
        """A clock that reads 0 now; needs a running loop."""
        return cls(asyncio.get_running_loop().time())

    def now(self) -> float:
        """Seconds since the start, monotonic."""
        return asyncio.get_running_loop().time() - self.origin

    async def until(self, t: float) -> None:
        """Sleep until `t`; at once where it has passed."""
        await asyncio.sleep(max(0.0, t - self.now()))


def wall() -> str:
    """Now, as RFC 3339 in UTC with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def new_run_id() -> str:
    """A fresh id that sorts by time: `20261123T180501Z-3fa9c1`."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
