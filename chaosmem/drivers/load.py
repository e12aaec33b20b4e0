"""Open-loop HTTP load at a fixed rate: each request has its due time, whatever the others do.

Latency counts from the *due* time, so that a target that stalls is not hidden by a client that
politely waits (coordinated omission; Tene, "How NOT to Measure Latency").
aiohttp is the client; the k-th request's kind is drawn from the mix by a seeded generator.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import aiohttp

from chaosmem.clock import RunClock

ERROR_KINDS = ("status-5xx", "timeout", "connect", "broken", "overrun")
_SERVER_ERROR = 500
_IDLE_SECONDS = 1.0
"""An idle connection is closed then: each holds a goroutine of the target, and those of a burst
would look like goroutines that do not come back."""
_BACKLOG_SECONDS = 10.0
"""Requests overdue by more are not sent but counted as `overrun`: the client bounds its memory."""


@dataclass(frozen=True, slots=True)
class Shot:
    """One kind of request."""

    method: str
    path: str
    weight: int
    headers: dict[str, str]
    body: str | None


@dataclass(frozen=True, slots=True)
class Result:
    """One request: due and done on the run's clock; `status` 0 and `error` where unanswered."""

    due: float
    done: float
    status: int
    error: str = ""


@dataclass(slots=True)
class Totals:
    """Counts so far."""

    sent: int = 0
    ok: int = 0
    failed: int = 0
    by_error: dict[str, int] = field(default_factory=dict)

    def count(self, result: Result) -> None:
        """Count one."""
        self.sent += 1
        if result.error:
            self.failed += 1
            self.by_error[result.error] = self.by_error.get(result.error, 0) + 1
        else:
            self.ok += 1


class Load:
    """A running load; `stop` ends it and closes every connection."""

    def __init__(
        self,
        base: str,
        shots: Sequence[Shot],
        clock: RunClock,
        *,
        rate: float,
        timeout: float,
        connections: int,
        seed: int,
        on_result: Callable[[Result], None],
    ) -> None:
        self.totals = Totals()
        self._base, self._shots, self._clock = base.rstrip("/"), tuple(shots), clock
        self._rate, self._on_result = rate, on_result
        self._random = random.Random(seed)  # noqa: S311 - a repeatable mix, no secret
        self._gate = asyncio.Semaphore(connections)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=connections, keepalive_timeout=_IDLE_SECONDS),
            timeout=aiohttp.ClientTimeout(total=timeout),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
        )
        self._tasks: set[asyncio.Task[None]] = set()
        self._pacer = asyncio.create_task(self._pace(), name="chaosmem-load")

    async def _pace(self) -> None:
        begin, number = self._clock.now(), 0
        weights = [s.weight for s in self._shots]
        while True:
            due = begin + number / self._rate
            await self._clock.until(due)
            shot = self._random.choices(self._shots, weights)[0]
            task = asyncio.create_task(self._fire(shot, due))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            number += 1

    async def _fire(self, shot: Shot, due: float) -> None:
        async with self._gate:
            if self._clock.now() - due > _BACKLOG_SECONDS:
                self._count(Result(due, self._clock.now(), 0, "overrun"))
                return
            status, error = await self._send(shot)
        self._count(Result(due, self._clock.now(), status, error))

    async def _send(self, shot: Shot) -> tuple[int, str]:
        try:
            async with self._session.request(
                shot.method,
                self._base + shot.path,
                headers=shot.headers,
                data=shot.body,
                allow_redirects=False,
            ) as response:
                async for _ in response.content.iter_any():
                    pass
                bad = response.status >= _SERVER_ERROR
                return response.status, "status-5xx" if bad else ""
        except TimeoutError:
            return 0, "timeout"
        except aiohttp.ClientConnectorError:
            return 0, "connect"
        except (aiohttp.ClientError, OSError):
            return 0, "broken"

    def _count(self, result: Result) -> None:
        self.totals.count(result)
        self._on_result(result)

    async def stop(self) -> None:
        """End the load: no new request, those under way are cancelled, connections closed."""
        tasks = [self._pacer, *self._tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._session.close()
