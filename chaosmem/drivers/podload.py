"""Load from inside the cluster: a pod sends it, and its results are fetched and dated here.

docs/helper-protocol.md has the other side. Times come in the pod's clock; the offset to ours is
taken from the quickest answer (Cristian, 1989), and its error is half of that round trip.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence

from chaosmem.drivers.agent import Ack, Agent, Message, parsed
from chaosmem.drivers.helper import TOKEN_HEADER
from chaosmem.drivers.http import Http
from chaosmem.drivers.load import ERROR_KINDS, Result, Shot, Totals
from chaosmem.errors import ChaosmemError, ProbeFailed

_POLL = 0.25
_TIMEOUT = 3.0
_LIMIT = 16 * 2**20


class _Results(Message):
    now_unix_ns: int
    first: int
    sent: int
    rows: tuple[tuple[int, int, int, int], ...]


class PodLoad:
    """The load pod of one trial."""

    def __init__(self, http: Http, client: Agent, token: str, url: str) -> None:
        self._http, self.client, self._url = http, client, url
        self._headers = {TOKEN_HEADER: token}
        self._next = 0
        self._offset: tuple[float, float] | None = None
        self._polling: asyncio.Task[None] | None = None
        self.totals = Totals()
        self.lost = 0
        """Results that the pod had to forget before they were fetched."""

    async def begin(
        self,
        shots: Sequence[Shot],
        *,
        rate: float,
        timeout: float,
        connections: int,
        seed: int,
        on_result: Callable[[Result], None],
    ) -> Ack:
        """Start the load; acknowledged by the pod."""
        body = {
            "url": self._url,
            "rate": rate,
            "timeout_ms": max(1, round(timeout * 1000)),
            "connections": connections,
            "seed": seed,
            "mix": [
                {
                    "method": s.method,
                    "path": s.path,
                    "weight": s.weight,
                    "headers": s.headers,
                    "body": s.body,
                }
                for s in shots
            ],
        }
        ack = await self.client.act("load", body)
        self._polling = asyncio.create_task(self._poll(on_result), name="results of the load")
        return ack

    async def _poll(self, on_result: Callable[[Result], None]) -> None:
        while True:
            with contextlib.suppress(ProbeFailed):
                await self._fetch(on_result)
            await asyncio.sleep(_POLL)

    async def _fetch(self, on_result: Callable[[Result], None]) -> None:
        path = f"/v1/results?after={self._next}"
        answer = await self._http.get(path, timeout=_TIMEOUT, limit=_LIMIT, headers=self._headers)
        found = parsed(_Results, answer, who="load pod")
        if self._offset is None or answer.u < self._offset[1]:
            self._offset = (answer.t - found.now_unix_ns / 1e9, answer.u)
        self.lost += max(0, found.first - self._next)
        self._next = found.first + len(found.rows)
        for due, done, status, kind in found.rows:
            error = "" if kind < 0 else ERROR_KINDS[kind]
            offset = self._offset[0]
            result = Result(due / 1e9 + offset, done / 1e9 + offset, status, error)
            self.totals.count(result)
            on_result(result)

    async def stop(self, on_result: Callable[[Result], None]) -> Ack:
        """End it, and fetch the last results."""
        if self._polling is not None:
            self._polling.cancel()
            await asyncio.gather(self._polling, return_exceptions=True)
            self._polling = None
        ack = await self.client.act("release", {})
        with contextlib.suppress(ChaosmemError):
            await self._fetch(on_result)
        return ack
