"""What Prometheus says of a run: guards while it lasts, the evidence of its checks afterwards.

Each check's evidence is `prometheus/TRIAL-NAME.json`: the resolved query, the answer as it came,
the raw samples behind it, and the clock's difference; the check judges from that file alone.
"""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from chaosmem import evidence
from chaosmem.drivers.prometheus import PrometheusClient
from chaosmem.errors import ChaosmemError
from chaosmem.evidence.model import Evidence, Trial, Window
from chaosmem.plan.promql import filled, selectors
from chaosmem.rundir import RunDir
from chaosmem.spec.base import Phase
from chaosmem.spec.checks import Alert, PromQl
from chaosmem.spec.model import Experiment, PromQlGuard
from chaosmem.verify.checks.promql import file_of

FORMAT = 1
_BEFORE = 300.0
"""Raw samples are asked for from so long before the window, seconds: Prometheus's own lookback."""


def variables(experiment: Experiment, target: str, window: float) -> dict[str, str]:
    """Values of the built-in variables and the declared ones."""
    where = experiment.target.kubernetes
    built_in = {
        "namespace": (where.namespace or "") if where else "",
        "pod": target.rpartition("/")[2],
        "target": target,
        "window": f"{max(1, math.ceil(window))}s",
    }
    declared = experiment.prometheus.variables if experiment.prometheus else {}
    return built_in | dict(declared)


async def collect(rundir: RunDir) -> None:
    """Ask for all that the checks need of each trial; what fails is written as an error."""
    found = evidence.load(rundir)
    experiment = found.experiment
    wanted = [c for c in experiment.checks if isinstance(c, PromQl | Alert)]
    if experiment.prometheus is None or not wanted:
        return
    try:
        async with PrometheusClient(experiment.prometheus) as client:
            skew = await _skew(client)
            for trial in found.trials:
                for check in wanted:
                    kept = await _kept(client, check, trial, found, skew)
                    _write(rundir, trial, check, kept)
    except ChaosmemError as problem:
        for trial in found.trials:
            for check in wanted:
                if not rundir.has(file_of(trial.key, check)):
                    _write(rundir, trial, check, {"error": str(problem)})


def _write(rundir: RunDir, trial: Trial, check: PromQl | Alert, kept: Mapping[str, Any]) -> None:
    data = json.dumps({"format": FORMAT, **kept}, indent=1, sort_keys=True, default=str)
    rundir.write(file_of(trial.key, check), data.encode())


async def _skew(client: PrometheusClient) -> tuple[float, float]:
    return await client.skew()


async def _kept(
    client: PrometheusClient,
    check: PromQl | Alert,
    trial: Trial,
    found: Evidence,
    skew: tuple[float, float],
) -> dict[str, Any]:
    zero = datetime.fromisoformat(found.started).timestamp() + skew[0]
    base: dict[str, Any] = {"zero": zero, "skew": skew[0], "skew_error": skew[1]}
    try:
        if isinstance(check, PromQl):
            return base | await _query(client, check, trial, found.experiment, zero)
        return base | await _alert(client, check, trial, zero)
    except ChaosmemError as problem:
        return base | {"error": str(problem)}


def _span(trial: Trial, phases: tuple[Phase, ...]) -> Window | None:
    have = [trial.phases[p] for p in phases if p in trial.phases]
    return Window(have[0].start, have[-1].end) if have else None


async def _query(
    client: PrometheusClient, check: PromQl, trial: Trial, experiment: Experiment, zero: float
) -> dict[str, Any]:
    window = _span(trial, check.during)
    if window is None:
        return {"error": "the phases that it asks about did not take place"}
    query = filled(check.query, variables(experiment, trial.target, window.seconds))
    start, end = zero + window.start, zero + window.end
    answer = await client.between(query, start, end)
    raw = {}
    for selector in selectors(query):
        back = f"[{math.ceil(window.seconds + _BEFORE)}s]"
        raw[selector] = list((await client.instant(selector + back, end)).series)
    return {
        "query": check.query,
        "resolved": query,
        "start": start,
        "end": end,
        "warnings": list(answer.warnings),
        "answer": list(answer.series),
        "raw": raw,
    }


async def _alert(
    client: PrometheusClient, check: Alert, trial: Trial, zero: float
) -> dict[str, Any]:
    window = _span(trial, tuple(Phase))
    if window is None:
        return {"error": "no phase took place"}
    labels = {"alertname": check.alert, **check.labels}
    selector = "ALERTS{%s}" % ",".join(f"{k}={json.dumps(v)}" for k, v in labels.items())  # noqa: UP031 - braces
    rules = [r for r in await client.rules() if r.get("name") == check.alert]
    raw = await client.instant(f"{selector}[{math.ceil(window.seconds)}s]", zero + window.end)
    now = [a for a in await client.alerts() if labels.items() <= a.get("labels", {}).items()]
    return {
        "resolved": raw.query,
        "start": zero + window.start,
        "end": zero + window.end,
        "warnings": list(raw.warnings),
        "answer": list(raw.series),
        "rules": rules,
        "alerts_now": now,
        "asked_at": time.time(),
    }


class PromGuard:
    """Asks the guards' queries beside the run; what it learns it hands to `report`."""

    def __init__(self, experiment: Experiment, target: str) -> None:
        self._experiment = experiment
        self._target = target
        self.values: dict[str, tuple[float, float]] = {}
        """Smallest and largest value of each query, as last answered."""
        self._guards = [g for g in experiment.guards if isinstance(g, PromQlGuard)]

    @property
    def wanted(self) -> bool:
        """Whether there is anything to ask."""
        return bool(self._guards) and self._experiment.prometheus is not None

    async def run(self) -> None:
        """Ask for ever; cancel it."""
        where = self._experiment.prometheus
        if where is None:
            return
        async with PrometheusClient(where) as client:
            await asyncio.gather(*(self._watch(client, g) for g in self._guards))

    async def _watch(self, client: PrometheusClient, guard: PromQlGuard) -> None:
        query = filled(guard.query, variables(self._experiment, self._target, guard.every))
        while True:
            await self.ask(client, guard.query, query)
            await asyncio.sleep(guard.every)

    async def ask(self, client: PrometheusClient, name: str, query: str) -> None:
        """One question; without an answer the last one is forgotten, and nothing aborts."""
        try:
            answer = await client.instant(query)
        except ChaosmemError:
            self.values.pop(name, None)
            return
        found = [float(s["value"][1]) for s in answer.series if "value" in s]
        finite = [v for v in found if math.isfinite(v)]
        if finite:
            self.values[name] = (min(finite), max(finite))
        else:
            self.values.pop(name, None)
