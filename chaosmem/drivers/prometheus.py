"""Prometheus by prometheus-api-client: instant and range queries, raw samples, alerts, rules.

The library is requests-based, so each call runs in a thread and none outlives its time-out. What it
drops is kept: its `custom_query_range` rounds start and end to whole seconds (given again through
`params`, which win), and it returns `data.result` alone (a hook sees the body, so that warnings of
partial answers reach the evidence). Its three retries are off: the answer to a guard's query is
worth nothing late. Secrets come from the environment or a file at connection time,
and are never repeated.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self

import requests
from prometheus_api_client import PrometheusConnect
from prometheus_api_client.exceptions import PrometheusApiClientException
from urllib3.util.retry import Retry

from chaosmem.drivers.secrets import secret
from chaosmem.errors import ProbeFailed
from chaosmem.spec.prometheus import Prometheus

ANSWER_LIMIT = 32 * 2**20
"""Largest accepted answer, bytes: 11,000 points of 50 series are about 20 MB."""
MOST_POINTS = 11_000
"""More points of one series Prometheus refuses (web/api/v1, query_range)."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a query gave: series as Prometheus writes them, and its warnings.

    Attributes:
        series: `{"metric": {...}, "values": [[unix seconds, "value"], ...]}`; `value` for instants.
    """

    query: str
    series: tuple[dict[str, Any], ...]
    warnings: tuple[str, ...] = ()


@dataclass(slots=True)
class _Body:
    """The last answer as it came."""

    warnings: tuple[str, ...] = field(default=())

    def keep(self, response: requests.Response, *_: object, **__: object) -> requests.Response:
        """Read it, bounded, and keep its warnings."""
        data = bytearray()
        for chunk in response.iter_content(65536):
            data += chunk
            if len(data) > ANSWER_LIMIT:
                response.close()
                raise ProbeFailed(f"the answer has more than the limit of {ANSWER_LIMIT} bytes")
        response._content = bytes(data)  # noqa: SLF001 - what `.content` itself fills
        said = response.json() if _is_json(response) else {}
        self.warnings = tuple(map(str, said.get("warnings", ()))) if isinstance(said, dict) else ()
        return response


def _is_json(response: requests.Response) -> bool:
    kind = response.headers.get("Content-Type", "")
    return response.status_code == requests.codes.ok and "json" in kind


def _headers(where: Prometheus) -> dict[str, str]:
    found = dict(where.headers)
    found |= {k: secret(v, None) or "" for k, v in where.headers_env.items()}
    token = secret(where.bearer_env, where.bearer_file)
    return found | ({"Authorization": f"Bearer {token}"} if token else {})


def _session(where: Prometheus, body: _Body) -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    session.stream = True
    session.hooks["response"].append(body.keep)
    if where.tls:
        session.verify = where.tls.ca_file or True
        if where.tls.cert_file and where.tls.key_file:
            session.cert = (where.tls.cert_file, where.tls.key_file)
    return session


class PrometheusClient:
    """One Prometheus; calls follow each other."""

    def __init__(self, where: Prometheus) -> None:
        self._where = where
        self._body = _Body()
        self._session = _session(where, self._body)
        self._turn = asyncio.Lock()
        password = secret(where.basic_password_env, where.basic_password_file)
        self._api = PrometheusConnect(
            url=where.url.rstrip("/"),
            headers=_headers(where),
            auth=(where.basic_user, password) if where.basic_user else None,
            session=self._session,
            retry=Retry(total=0),
            timeout=where.timeout,
            method="POST",
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._session.close()

    async def instant(self, query: str, at: float | None = None) -> Answer:
        """An instant query, or with `query[5m]` the raw samples; `at` in Unix seconds."""
        when = {} if at is None else {"time": f"{at:.3f}"}
        return await self._ask(query, lambda: self._api.custom_query(query, params=when))

    async def between(self, query: str, start: float, end: float) -> Answer:
        """A range query, Unix seconds; the step is widened where it would be too many points."""
        step = max(self._where.step, (end - start) / (MOST_POINTS - 1))
        exact = {"start": f"{start:.3f}", "end": f"{end:.3f}"}
        days = [datetime.fromtimestamp(t, UTC) for t in (start, end)]
        return await self._ask(
            query,
            lambda: self._api.custom_query_range(query, *days, step=f"{step:.3f}", params=exact),
        )

    async def skew(self) -> tuple[float, float]:
        """Prometheus's clock less ours, and its uncertainty (half the round trip), in seconds."""
        before = time.time()
        answer = await self._ask("time()", lambda: [self._api.custom_query("time()")])
        after = time.time()
        try:
            there = float(answer.series[0][1])  # type: ignore[index]
        except (IndexError, KeyError, TypeError, ValueError) as problem:
            raise ProbeFailed("time() gave no time") from problem
        return there - (before + after) / 2, (after - before) / 2

    async def rules(self) -> tuple[dict[str, Any], ...]:
        """All alerting rules, each with `interval`, the seconds between its evaluations."""
        answer = await self._ask("rules", lambda: self._get("/api/v1/rules?type=alert"))
        return tuple(
            {**rule, "interval": group.get("interval", 0.0)}
            for group in answer.series
            for rule in group.get("rules", ())
        )

    async def alerts(self) -> tuple[dict[str, Any], ...]:
        """The alerts that are pending or firing now."""
        return (await self._ask("alerts", lambda: self._get("/api/v1/alerts"))).series

    def _get(self, path: str) -> list[dict[str, Any]]:
        response = self._session.get(
            self._api.url + path,
            headers=self._api.headers,
            auth=self._api.auth,
            timeout=self._where.timeout,
            verify=self._session.verify,
        )
        if response.status_code != requests.codes.ok:
            raise PrometheusApiClientException(f"HTTP Status Code {response.status_code}")
        found: list[dict[str, Any]] = next(iter(response.json()["data"].values()))
        return found

    async def _ask(self, query: str, call: Callable[[], list[dict[str, Any]]]) -> Answer:
        async with self._turn:
            self._body.warnings = ()
            try:
                async with asyncio.timeout(self._where.timeout * 2):
                    found = await asyncio.to_thread(call)
            except TimeoutError as problem:
                raise ProbeFailed(f"{query}: no answer in {self._where.timeout:g} s") from problem
            except PrometheusApiClientException as problem:
                raise ProbeFailed(f"{query}: {_short(problem)}") from problem
            except (OSError, ValueError, KeyError, TypeError) as problem:  # requests' are OSErrors
                raise ProbeFailed(f"{query}: {type(problem).__name__}: {_short(problem)}") from None
            return Answer(query, tuple(found), self._body.warnings)


def _short(problem: Exception) -> str:
    return str(problem)[:300]
