"""Client of the in-process agent; docs/agent-protocol.md describes both sides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from chaosmem.drivers.http import Answer, Http
from chaosmem.errors import FaultRefused, ProbeFailed

ACT_TIMEOUT = 3.0
"""Seconds an act may take to be acknowledged; a release of 200 000 goroutines takes 0.12 s."""


class Message(BaseModel):
    """What an agent, or a helper, answers; fields that are not known here are left out."""

    model_config = ConfigDict(frozen=True, extra="ignore")


M = TypeVar("M", bound=Message)


class Info(Message):
    """`GET /info`."""

    agent: str
    go: str
    pid: int
    start_unix_ns: int = 0
    now_unix_ns: int = 0
    gomaxprocs: int = 0
    num_cpu: int = 0
    main: str = ""
    godebug: str = ""
    gogc: int = 100
    gomemlimit: int = 0
    memprofilerate: int = 0
    heap_points: tuple[str, ...] = ()
    goroutine_points: tuple[str, ...] = ()
    limits: dict[str, int] = Field(default_factory=dict)
    build_settings: dict[str, str] = Field(default_factory=dict)


class Cycle(Message):
    """One GC cycle; bytes as docs/agent-protocol.md says."""

    n: int
    unix_ns: int
    live: float = 0
    goal: float = 0
    stack: float = 0
    globals: float = 0
    gogc: float = 0
    limit: float = 0
    limiter: float = 0
    forced_total: float = 0
    total: float = 0
    released: float = 0
    heap_free: float = 0
    heap_objects: float = 0


class Sample(Message):
    """`GET /sample`."""

    now_unix_ns: int
    goroutines: int
    metrics: dict[str, float]
    cycles: tuple[Cycle, ...] = ()
    cycles_lost: int = 0
    held: dict[str, float] = Field(default_factory=dict)
    ended: dict[str, int] = Field(default_factory=dict)
    acts: dict[str, int] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ack:
    """An acknowledged act: when (run clock, ± u), and what the agent said it holds."""

    t: float
    u: float
    said: Mapping[str, float | str]


class Agent:
    """One agent, spoken to over one connection."""

    def __init__(self, http: Http, *, path: str, token: str, run_id: str) -> None:
        self._http = http
        self._base = path.rstrip("/") + "/v1"
        # The API server's pod proxy keeps Authorization for itself.
        self._headers = {"Authorization": f"Bearer {token}", "Chaosmem-Token": token}
        self._run = run_id

    async def info(self, *, timeout: float = 2.0) -> Info:
        """What the process says of itself; ProbeFailed where there is no agent."""
        answer = await self._http.get(f"{self._base}/info", timeout=timeout, headers=self._headers)
        return parsed(Info, answer)

    async def sample(self, *, since: int, timeout: float) -> tuple[Answer, Sample]:
        """One sample with the GC cycles after number `since`."""
        answer = await self._http.get(
            f"{self._base}/sample?cycles_since={since}", timeout=timeout, headers=self._headers
        )
        return answer, parsed(Sample, answer)

    async def histograms(self, *, timeout: float = 2.0) -> Answer:
        """The runtime's cumulative histograms, as received."""
        return await self._http.get(
            f"{self._base}/histograms", timeout=timeout, headers=self._headers
        )

    async def lease(self, *, ttl: float, deadline: float) -> Ack:
        """Begin or renew the lease."""
        body = {"ttl_ms": round(ttl * 1000), "deadline_ms": max(1, round(deadline * 1000))}
        return await self._act("POST", "/lease", body)

    async def end(self) -> Ack:
        """End the lease: everything is released and put back. Idempotent."""
        return await self._act("DELETE", "/lease", {})

    async def act(self, name: str, body: Mapping[str, object]) -> Ack:
        """One act: heap, churn, goroutines, runtime or release."""
        return await self._act("POST", f"/{name}", body)

    async def _act(self, method: str, path: str, body: Mapping[str, object]) -> Ack:
        answer = await self._http.request(
            method,
            self._base + path,
            timeout=ACT_TIMEOUT,
            headers=self._headers,
            body={"run": self._run, **body},
        )
        if answer.status != 200:  # noqa: PLR2004 - HTTP's OK
            raise FaultRefused(f"agent {path}: {_refusal(answer)}")
        said = answer.json()
        return Ack(answer.t, answer.u, _flat(said) if isinstance(said, dict) else {})


def parsed(kind: type[M], answer: Answer, *, who: str = "agent") -> M:
    """The answer as a message; ProbeFailed names the first place that is not one."""
    try:
        return kind.model_validate_json(answer.body)
    except ValidationError as problem:
        first = problem.errors()[0]
        place = ".".join(str(p) for p in first["loc"])
        raise ProbeFailed(f"{who}: malformed answer: {place}: {first['msg']}") from problem


def _refusal(answer: Answer) -> str:
    try:
        said = answer.json()
    except ProbeFailed:
        said = None
    if isinstance(said, dict) and "error" in said:
        return f"{said['error']} ({said.get('code', answer.status)})"
    return f"HTTP {answer.status}" + (
        "; is CHAOSMEM_AGENT_TOKEN set in the target?" if answer.status == 404 else ""  # noqa: PLR2004 - HTTP's Not Found
    )


def _flat(said: Mapping[str, object], prefix: str = "") -> dict[str, float | str]:
    flat: dict[str, float | str] = {}
    for key, value in said.items():
        name = prefix + key
        if isinstance(value, dict):
            flat |= _flat(value, f"{name}.")
        elif isinstance(value, int | float | str):
            flat[name] = value
    return flat
