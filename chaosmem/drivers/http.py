"""HTTP as evidence: bounded answers, each with the time at which it was true.

The time of an answer is the middle of its round trip, its uncertainty half of the round trip:
the target read its state somewhere in between (Cristian, 1989).
aiohttp never leaks: every failure is a ProbeFailed that says what and from where.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import aiohttp

from chaosmem.clock import RunClock
from chaosmem.errors import ProbeFailed

SAMPLE_LIMIT = 4 * 2**20
"""Largest accepted sample, bytes: 512 GC cycles are about 100 kB."""
CAPTURE_LIMIT = 256 * 2**20
"""Largest accepted profile, bytes: text forms reach 200 MB, compressed ones about 10 MB."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A response, whole; `t` ± `u` in seconds on the run's clock."""

    status: int
    body: bytes
    begin: float
    end: float

    @property
    def t(self) -> float:
        """Mid-point of the round trip."""
        return (self.begin + self.end) / 2

    @property
    def u(self) -> float:
        """Half of the round trip."""
        return (self.end - self.begin) / 2

    def json(self) -> object:
        """The body as JSON; ProbeFailed where it is none."""
        try:
            return json.loads(self.body)
        except ValueError as problem:
            raise ProbeFailed(f"the answer is not JSON: {problem}") from problem


@dataclass(frozen=True, slots=True)
class Through:
    """Somebody in between, who authorizes us by headers and TLS settings of their own.

    The request's own Authorization is left out: they would take it for theirs, and keep it.
    """

    headers: Mapping[str, str]
    tls: ssl.SSLContext | None = None
    tls_name: str | None = None
    proxy: str | None = None
    refusal: Callable[[Answer], str] = lambda _: ""
    """Why they answer themselves, instead of the target; empty where the target answers."""

    def __repr__(self) -> str:
        return f"Through({', '.join(self.headers)})"

    def merged(self, headers: Mapping[str, str] | None) -> dict[str, str]:
        """The headers of a request, with theirs."""
        own = {k: v for k, v in (headers or {}).items() if k.lower() != "authorization"}
        return {**own, **self.headers}


class Http:
    """Requests to one base URL over at most `connections` connections.

    `keep` false closes the connection after each answer, so that no goroutine of the target
    stays behind for it (net/http keeps an idle connection's goroutine until IdleTimeout).
    """

    def __init__(
        self,
        base: str,
        clock: RunClock,
        *,
        keep: bool = True,
        connections: int = 1,
        through: Through | None = None,
    ) -> None:
        self.base = base.rstrip("/")
        self._clock = clock
        self._through = through
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=connections, force_close=not keep),
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()

    async def request(
        self,
        method: str,
        path: str,
        *,
        timeout: float,
        limit: int = SAMPLE_LIMIT,
        headers: Mapping[str, str] | None = None,
        body: object = None,
    ) -> Answer:
        """One request; the answer whatever its status, ProbeFailed where there is none."""
        begin = self._clock.now()
        try:
            async with (
                asyncio.timeout(timeout),
                self._session.request(
                    method,
                    self.base + path,
                    headers=self._through.merged(headers) if self._through else headers,
                    json=body,
                    allow_redirects=False,
                    **self._security(),
                ) as response,
            ):
                data = await _read(response, limit)
                answer = Answer(response.status, data, begin, self._clock.now())
        except TimeoutError as problem:
            raise ProbeFailed(f"{path}: no whole answer within {timeout:g} s") from problem
        except (aiohttp.ClientError, OSError, ValueError) as problem:
            raise ProbeFailed(f"{path}: {_words(problem)}") from problem
        why = self._through.refusal(answer) if self._through else ""
        if why:
            raise ProbeFailed(f"{path}: {why}")
        return answer

    def _security(self) -> dict[str, Any]:
        through = self._through
        if through is None:
            return {}
        tls: dict[str, Any] = {"ssl": through.tls} if through.tls is not None else {}
        return tls | {"server_hostname": through.tls_name, "proxy": through.proxy}

    async def get(
        self,
        path: str,
        *,
        timeout: float,
        limit: int = SAMPLE_LIMIT,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """GET that must answer 200; ProbeFailed else."""
        answer = await self.request("GET", path, timeout=timeout, limit=limit, headers=headers)
        if answer.status != 200:  # noqa: PLR2004 - HTTP's OK
            raise ProbeFailed(f"{path}: HTTP {answer.status} {_snippet(answer.body)}".rstrip())
        return answer


async def _read(response: aiohttp.ClientResponse, limit: int) -> bytes:
    announced = response.content_length
    if announced is not None and announced > limit:
        raise ProbeFailed(f"the answer has {announced} bytes, over the limit of {limit}")
    data = bytearray()
    async for chunk in response.content.iter_any():
        data += chunk
        if len(data) > limit:
            raise ProbeFailed(f"the answer has more than the limit of {limit} bytes")
    return bytes(data)


def _words(problem: Exception) -> str:
    if isinstance(problem, aiohttp.ClientConnectorError):
        return f"cannot connect: {problem.os_error.strerror or problem.os_error}"
    if isinstance(problem, aiohttp.ServerDisconnectedError):
        return "the connection was closed before an answer"
    if isinstance(problem, aiohttp.ClientPayloadError):
        return "the answer was cut off before its end"
    return f"{type(problem).__name__}: {problem}"


def _snippet(body: bytes) -> str:
    text = body[:120].decode("utf-8", "replace").strip().splitlines()
    return f"({text[0]})" if text else ""
