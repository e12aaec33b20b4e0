"""Where samples come from: the agent, Prometheus-format metrics, or the pprof index.

All give a `Reading`: values by metric name, true at `t` ± `u`. The agent gives all; client_golang's
default metrics give the most of it; the pprof index gives the goroutine count alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from chaosmem import metrics
from chaosmem.drivers.agent import Agent, Cycle
from chaosmem.drivers.http import Http
from chaosmem.errors import ProbeFailed, TargetError
from chaosmem.metrics.exported import FROM_TARGET

_RUNTIME = {m.source: m.name for m in metrics.REGISTRY.values() if m.source.startswith("/")}
_OFF = 2.0**63
"""/gc/gogc:percent reads 2^64-1 when GOGC is off, /gc/gomemlimit:bytes 2^63-1 without a limit; a
float of at least 2^63 means just that."""
_SETTINGS = (metrics.GOGC.name, metrics.GOMEMLIMIT.name)
_INDEX_COUNT = re.compile(rb"<td>(\d+)</td>\s*<td><a href='?\"?goroutine\?")


@dataclass(frozen=True, slots=True)
class Reading:
    """Values by metric name at `t` ± `u` (run clock); the GC cycles since the last reading."""

    t: float
    u: float
    values: Mapping[str, float]
    cycles: Sequence[Cycle] = ()
    now_unix_ns: int = 0


class Source(Protocol):
    """Something that can be read again and again."""

    name: str

    async def read(self, *, timeout: float) -> Reading:
        """One reading; ProbeFailed where there is none."""
        ...


class AgentSource:
    """The in-process agent: everything, in one cheap answer."""

    name = "agent"

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._since = 0

    async def read(self, *, timeout: float) -> Reading:
        """One sample and the cycles since the last one."""
        answer, sample = await self._agent.sample(since=self._since, timeout=timeout)
        total = sample.metrics.get("/gc/cycles/total:gc-cycles", self._since)
        self._since = max((c.n for c in sample.cycles), default=min(self._since, int(total)))
        values = {n: _off(n, sample.metrics[s]) for s, n in _RUNTIME.items() if s in sample.metrics}
        values[metrics.GOROUTINES.name] = sample.goroutines
        held = sample.held
        values[metrics.GOROUTINES_HELD.name] = held.get("goroutines", 0)
        values[metrics.HEAP_HELD.name] = held.get("heap_bytes", 0)
        values[metrics.CHURNED.name] = held.get("churned_bytes", 0)
        return Reading(answer.t, answer.u, values, sample.cycles, sample.now_unix_ns)


def _off(name: str, value: float) -> float:
    return -1.0 if name in _SETTINGS and value >= _OFF else value


class MetricsSource:
    """Prometheus text exposition with client_golang's names."""

    name = "metrics"

    def __init__(self, http: Http, path: str) -> None:
        self._http, self._path = http, path

    async def read(self, *, timeout: float) -> Reading:
        """One scrape. The text format is asked for: OpenMetrics writes other names."""
        from prometheus_client.parser import (  # noqa: PLC0415 - only this source pays for it
            text_string_to_metric_families,
        )

        answer = await self._http.get(
            self._path, timeout=timeout, headers={"Accept": "text/plain;version=0.0.4"}
        )
        values: dict[str, float] = {}
        try:
            for family in text_string_to_metric_families(answer.body.decode()):
                for sample in family.samples:
                    known = FROM_TARGET.get(sample.name)
                    if known is not None and not sample.labels:
                        values[known.name] = _off(known.name, sample.value)
        except (ValueError, KeyError, IndexError) as problem:
            raise ProbeFailed(f"{self._path}: not Prometheus text: {problem}") from problem
        if metrics.GOROUTINES.name not in values:
            raise ProbeFailed(
                f"{self._path}: no go_goroutines", hint="register client_golang's Go collector"
            )
        return Reading(answer.t, answer.u, values)


class PprofSource:
    """The index page of net/http/pprof, which counts goroutines without dumping them."""

    name = "pprof"

    def __init__(self, http: Http, path: str) -> None:
        self._http, self._path = http, path.rstrip("/") + "/"

    async def read(self, *, timeout: float) -> Reading:
        """The goroutine count."""
        answer = await self._http.get(self._path, timeout=timeout)
        match = _INDEX_COUNT.search(answer.body)
        if match is None:
            raise ProbeFailed(f"{self._path}: not the index of net/http/pprof")
        return Reading(answer.t, answer.u, {metrics.GOROUTINES.name: float(match[1])})


async def choose(candidates: Sequence[Source], *, timeout: float) -> Source:
    """The first source that answers; TargetError names why each of the others does not."""
    why = []
    for source in candidates:
        try:
            await source.read(timeout=timeout)
        except ProbeFailed as problem:
            why.append(f"{source.name}: {problem}")
        else:
            return source
    raise TargetError(
        "nothing to measure the target by: " + ("; ".join(why) or "no source is declared"),
        hint="mount the chaosmem agent, Prometheus metrics or net/http/pprof (`chaosmem doctor`)",
    )
