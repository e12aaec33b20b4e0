"""How far the API server's clock is from this machine's: coarse, and it says how coarse.

The server's `Date` header has whole seconds and is written during the round trip, so one answer
bounds the offset to an interval a second wide plus the round trip. Answers at different fractions
of a second cut that interval down; the rest is the uncertainty.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

from chaosmem.drivers.kube.connect import Cluster
from chaosmem.errors import ClusterError

_ASKS: Final = 6
_APART: Final = 0.19
"""Seconds between questions: six of them meet different fractions of the server's second."""


@dataclass(frozen=True, slots=True)
class Skew:
    """Server minus this machine, seconds, ± uncertainty (a bound, not a deviation)."""

    offset: float
    uncertainty: float

    def server_now(self) -> datetime:
        """The server's time now, by this machine's clock and the offset."""
        return datetime.now(UTC) + timedelta(seconds=self.offset)


@dataclass(frozen=True, slots=True)
class Sight:
    """One answer: this machine's Unix time before and after, and the server's whole second."""

    sent: float
    received: float
    second: int


def bound(sights: tuple[Sight, ...]) -> Skew:
    """The offsets that all answers allow; widened to all of them where none is (a clock jumped)."""
    low = [s.second - s.received for s in sights]
    high = [s.second + 1 - s.sent for s in sights]
    least, most = max(low), min(high)
    if least > most:
        least, most = min(low), max(high)
    return Skew((least + most) / 2, (most - least) / 2)


async def measure_skew(cluster: Cluster, asks: int = _ASKS) -> Skew:
    """Ask `asks` times within about a second."""
    sights = []
    for number in range(asks):
        if number:
            await asyncio.sleep(_APART)
        sights.append(await _ask(cluster))
    return bound(tuple(sights))


async def _ask(cluster: Cluster) -> Sight:
    before = time.time()
    reply = await cluster.get("/version", "ask the time")
    after = time.time()
    try:
        date = parsedate_to_datetime(reply.headers["Date"])
    except (KeyError, ValueError) as problem:
        raise ClusterError("the API server does not tell the time") from problem
    return Sight(before, after, int(date.timestamp()))
