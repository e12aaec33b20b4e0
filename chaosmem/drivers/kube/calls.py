"""One request to the API server: authorized, bounded in time, tried again where that is safe.

What is tried again, within `patience` seconds:
* always: a connection that was never made, and 429 (the server refused before it acted);
* where the request may run twice (`repeat`): 5xx and connections that broke in the middle.
GET and DELETE may always run twice. A write may only where its caller made it so: a create of a
deterministic name, a replace with a resource version, a patch guarded by `test`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import aiohttp
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_delay
from tenacity.wait import wait_exponential, wait_random

from chaosmem.drivers.kube.status import Refusal, failure, read_refusal
from chaosmem.errors import ClusterError, ClusterUnreachable

if TYPE_CHECKING:
    from kubernetes.aio.client import ApiClient
    from kubernetes.aio.client.rest import RESTResponse

TIMEOUT: Final = 10.0
"""Seconds that one try may take."""
PATIENCE: Final = 10.0
"""Seconds after which no further try is begun."""
BODY_LIMIT: Final = 64 * 2**20
"""Largest accepted answer, bytes: a list of 5000 pods is about 40 MB."""
_FIRST_WAIT: Final = 0.1
_LONGEST_WAIT: Final = 2.0

Body = Mapping[str, Any] | Sequence[Any]
Query = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Reply:
    """A 2xx answer; `begin` and `end` in seconds on the event loop's clock."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    begin: float
    end: float

    def json(self) -> Any:
        """The body as JSON; ClusterError where it is none."""
        try:
            return json.loads(self.body)
        except ValueError as problem:
            raise ClusterError(f"the API server's answer is not JSON: {problem}") from problem


@dataclass(frozen=True, slots=True)
class Call:
    """A request; `what` names it in errors (`list pods in shop`)."""

    method: str
    path: str
    what: str
    query: Query = field(default_factory=dict)
    body: Body | None = None
    content: str = "application/json"
    timeout: float = TIMEOUT
    patience: float = PATIENCE
    repeat: bool | None = None
    """Whether it may run twice; None: by its method."""

    @property
    def repeatable(self) -> bool:
        """Whether it may run twice."""
        return self.method in {"GET", "DELETE"} if self.repeat is None else self.repeat


class _Again(Exception):
    """A try that failed and may be made again; `wait` in seconds, where the server asked."""

    def __init__(self, error: ClusterError, wait: float | None = None) -> None:
        super().__init__(str(error))
        self.error, self.wait = error, wait


_backoff = wait_exponential(multiplier=_FIRST_WAIT, max=_LONGEST_WAIT) + wait_random(0, _FIRST_WAIT)


def _wait(state: RetryCallState) -> float:
    problem = state.outcome.exception() if state.outcome else None
    asked = problem.wait if isinstance(problem, _Again) else None
    return _backoff(state) if asked is None else asked


class Caller:
    """Makes calls through one client of the `kubernetes` package."""

    def __init__(self, client: ApiClient, server: str) -> None:
        self._client, self._server = client, server

    async def call(self, call: Call) -> Reply:
        """The 2xx answer; ClusterError else. ClusterUnreachable once patience has run out."""
        trying = AsyncRetrying(
            retry=retry_if_exception_type(_Again),
            wait=_wait,
            stop=stop_after_delay(call.patience),
            reraise=True,
        )
        try:
            async for attempt in trying:
                with attempt:
                    return await self._once(call)
        except _Again as last:
            raise last.error from last
        raise AssertionError("tenacity ends by an answer or an error")

    async def _once(self, call: Call) -> Reply:
        begin = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(call.timeout):
                response = await self._send(call, aiohttp.ClientTimeout(total=None))
                body = await _read(response)
        except (TimeoutError, aiohttp.ClientError, OSError) as problem:
            raise self._broken(call, problem) from problem
        _raise_refusal(call, response, body)
        end = asyncio.get_running_loop().time()
        return Reply(response.status, response.headers, body, begin, end)

    async def _send(self, call: Call, timeout: aiohttp.ClientTimeout) -> RESTResponse:
        method, url, headers, body, _ = await self._client.param_serialize(
            method=call.method,
            resource_path=call.path,
            query_params=list(call.query.items()),
            header_params={"Accept": "application/json", "Content-Type": call.content},
            body=call.body,
            auth_settings=["BearerToken"],
        )
        response: RESTResponse = await self._client.rest_client.request(  # type: ignore[no-untyped-call]
            method, url, headers=headers, body=body, _request_timeout=timeout
        )
        return response

    def _broken(self, call: Call, problem: Exception) -> Exception:
        error = ClusterUnreachable(
            f"{call.what}: no answer from {self._server}: {_words(problem, call.timeout)}",
            hint="is the cluster up and reachable from here? `kubectl get --raw /readyz`",
        )
        never_sent = isinstance(problem, aiohttp.ClientConnectorError)
        certain = isinstance(problem, aiohttp.ClientConnectorCertificateError)
        again = (never_sent or call.repeatable) and not certain
        return _Again(error) if again else error

    @asynccontextmanager
    async def stream(self, call: Call, *, silence: float) -> AsyncIterator[AsyncIterator[bytes]]:
        """The answer's chunks as they come; ClusterUnreachable after `silence` seconds of none."""
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=call.timeout, sock_read=silence)
        try:
            response = await self._send(call, timeout)
            try:
                if response.status != 200:  # noqa: PLR2004 - HTTP's OK
                    _raise_refusal(call, response, await _read(response))
                yield response.response.content.iter_any()
            finally:
                response.response.close()
        except _Again as problem:
            raise problem.error from problem
        except (TimeoutError, aiohttp.ClientError, OSError) as problem:
            broken = self._broken(call, problem)
            raise (broken.error if isinstance(broken, _Again) else broken) from problem


async def _read(response: RESTResponse) -> bytes:
    data = bytearray()
    async for chunk in response.response.content.iter_any():
        data += chunk
        if len(data) > BODY_LIMIT:
            response.response.close()
            raise ClusterError(f"the API server's answer is over the limit of {BODY_LIMIT} bytes")
    return bytes(data)


def _raise_refusal(call: Call, response: RESTResponse, body: bytes) -> None:
    if 200 <= response.status < 300:  # noqa: PLR2004 - HTTP's successes
        return
    refusal = read_refusal(response.status, body, response.headers.get("Retry-After"))
    error = failure(refusal, call.what)
    raise _Again(error, refusal.retry_after) if _again(call, refusal) else error


def _again(call: Call, refusal: Refusal) -> bool:
    return refusal.code == 429 or (refusal.code >= 500 and call.repeatable)  # noqa: PLR2004 - 5xx


def _words(problem: Exception, timeout: float) -> str:
    if isinstance(problem, aiohttp.ClientConnectorCertificateError):
        return f"its certificate is not trusted ({problem.certificate_error})"
    if isinstance(problem, aiohttp.ClientConnectorError):
        return f"cannot connect: {problem.os_error.strerror or problem.os_error}"
    if isinstance(problem, TimeoutError):
        return f"nothing within {timeout:g} s"
    return str(problem) or type(problem).__name__
