"""Three ways to a port of a pod: by its address, through the API server's proxy, by port-forward.

All give an `Http`, so whoever speaks to the pod does not know which it is. Never exec.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, Literal

from chaosmem.clock import RunClock
from chaosmem.drivers.http import Answer, Http, Through
from chaosmem.drivers.kube.connect import Cluster
from chaosmem.drivers.kube.forward import Forward
from chaosmem.drivers.kube.kinds import POD
from chaosmem.drivers.kube.podmodel import Pod
from chaosmem.errors import ProbeFailed, TargetError

Transport = Literal["direct", "proxy", "port-forward"]
_ORDER: Final[tuple[Transport, ...]] = ("direct", "proxy", "port-forward")
"""The nearest first: the proxy costs the API server each answer, a port-forward a stream."""
_PROBE_SECONDS: Final[Mapping[Transport, float]] = {
    "direct": 1.0,  # where it is filtered, nothing comes back at all
    "proxy": 3.0,
    "port-forward": 3.0,
}


@dataclass(frozen=True, slots=True)
class Attempt:
    """A way that was tried, how long that took, and why it does not work (empty: it does)."""

    transport: Transport
    seconds: float
    why: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """The way that was taken, and why."""

    transport: Transport
    reason: str
    tried: tuple[Attempt, ...] = ()


class Route:
    """A way to one port of one pod that answers."""

    def __init__(self, way: _Way, choice: Choice, clock: RunClock) -> None:
        self._way, self._clock = way, clock
        self.choice = choice

    @property
    def url(self) -> str:
        """Base address of the port, as this machine reaches it."""
        return self._way.base

    def http(self, *, keep: bool = True, connections: int = 1) -> Http:
        """Connections over this way; the caller closes them."""
        way = self._way
        return Http(way.base, self._clock, keep=keep, connections=connections, through=way.through)


@dataclass(frozen=True, slots=True)
class _Way:
    base: str
    through: Through | None = None


@asynccontextmanager
async def open_route(
    cluster: Cluster,
    pod: Pod,
    port: int,
    clock: RunClock,
    *,
    wanted: str = "auto",
    probe: str = "/",
) -> AsyncIterator[Route]:
    """The first way that answers a GET of `probe`, whatever it answers; or the wanted one.

    Raises:
        TargetError: no way answers; the message has each way's reason.
    """
    tried: list[Attempt] = []
    for transport in _ORDER:
        if wanted not in ("auto", transport):
            continue
        async with contextlib.AsyncExitStack() as stack:
            begin, why = clock.now(), ""
            try:
                way = await stack.enter_async_context(_opened(cluster, pod, port, transport))
                await _answers(way, probe, transport, clock)
            except (ProbeFailed, TargetError) as problem:
                why = str(problem)
            tried.append(Attempt(transport, clock.now() - begin, why))
            if not why:
                yield Route(way, Choice(transport, _reason(wanted, tried), tuple(tried)), clock)
                return
    whys = "; ".join(f"{a.transport}: {a.why}" for a in tried)
    raise TargetError(
        f"port {port} of pod {pod.namespace}/{pod.name} cannot be reached ({whys})",
        hint="does the process listen on all addresses (`:8080`, not `127.0.0.1:8080`)?",
    )


def _reason(wanted: str, tried: list[Attempt]) -> str:
    if wanted != "auto":
        return "asked for"
    before = [f"{a.transport} does not work ({a.why})" for a in tried if a.why]
    return "; ".join(before) or "the nearest, and it answers"


@asynccontextmanager
async def _opened(
    cluster: Cluster, pod: Pod, port: int, transport: Transport
) -> AsyncIterator[_Way]:
    match transport:
        case "direct":
            if not pod.ip:
                raise TargetError("the pod has no address")
            host = f"[{pod.ip}]" if ":" in pod.ip else pod.ip
            yield _Way(f"http://{host}:{port}")
        case "proxy":
            path = POD.path(pod.namespace, f"{pod.name}:{port}", "proxy")
            yield _Way(cluster.server + path, await _through(cluster))
        case "port-forward":
            async with Forward(cluster, pod.namespace, pod.name, port) as forward:
                yield _Way(forward.base)


async def _through(cluster: Cluster) -> Through:
    return Through(
        headers=await cluster.authorization(),
        tls=cluster.tls,
        tls_name=cluster.tls_name,
        proxy=cluster.proxy,
        refusal=_refusal,
    )


async def _answers(way: _Way, probe: str, transport: Transport, clock: RunClock) -> None:
    """Any answer of the pod will do; the API server's own refusal is none."""
    async with Http(way.base, clock, keep=False, through=way.through) as http:
        await http.request("GET", probe, timeout=_PROBE_SECONDS[transport])


def _refusal(answer: Answer) -> str:
    """What the API server says instead of the pod: an object of kind Status."""
    if answer.status < 400:  # noqa: PLR2004 - HTTP's first error
        return ""
    try:
        said = json.loads(answer.body)
    except ValueError:
        said = None
    if isinstance(said, dict) and said.get("kind") == "Status" and said.get("apiVersion") == "v1":
        return str(said.get("message") or f"HTTP {answer.status}")
    return ""
