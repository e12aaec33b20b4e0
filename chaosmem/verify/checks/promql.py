"""promql: what a query says of some phases, as far as the scraped samples can tell.

Prometheus answers at any point with the last sample of up to 5 minutes ago (lookback), so an
answer by itself does not tell whether anything was scraped. The raw samples behind the query do:
their spacing is the scrape interval, their last one tells stale from fresh. Points before the first
sample of the window are left out. A value is known as of its scrape, an interval ago at most.
"""

from __future__ import annotations

import itertools
import json
import math
import re
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from chaosmem.errors import ChaosmemError
from chaosmem.evidence.model import Evidence, Trial
from chaosmem.metrics.exported import EXPORTED
from chaosmem.spec.checks import Alert, PromQl
from chaosmem.units import human_seconds
from chaosmem.verify.model import Outcome, Pointer
from chaosmem.verify.ruling import Claim, Ruling, Undecided, number
from chaosmem.verify.words import amount, several

_FRESH: Final = 2.5
"""Scrape intervals without a sample at the window's end after which a series is stale."""
_SUFFIXES: Final = (("_bytes", "By"), ("_bytes_total", "By"), ("_seconds", "s"))
_UNITS: Final = {e.name: e.unit for e in EXPORTED}
"""Units that a name alone does not tell, by client_golang's and cAdvisor's help texts."""
_REDUCE: Mapping[str, Callable[[Sequence[float]], float]] = {
    "max": max,
    "min": min,
    "mean": statistics.fmean,
    "last": lambda v: v[-1],
    "sum": math.fsum,
}


def file_of(trial: str, check: PromQl | Alert) -> str:
    """Where the evidence of a check in a trial is kept."""
    name = re.sub(r"[^A-Za-z0-9._-]", "_", check.name or check.kind)
    return f"prometheus/{trial}-{name}.json"


def unit_of(query: str) -> str:
    """Unit of a query that is one bare metric; empty: not known."""
    name = query.partition("{")[0].strip()
    if name in _UNITS:
        return _UNITS[name]
    return next((u for suffix, u in _SUFFIXES if name.endswith(suffix)), "")


def claim(spec: PromQl) -> Claim:
    """What is expected."""
    phases = ", ".join(spec.during)
    return Claim(f"the {spec.take} of `{spec.query}` in {phases} is {_bounds(spec)}", _bounds(spec))


def _bounds(spec: PromQl) -> str:
    unit = unit_of(spec.query)
    least = "" if spec.at_least is None else f"at least {amount(spec.at_least, unit)}"
    most = "" if spec.at_most is None else f"at most {amount(spec.at_most, unit)}"
    return " and ".join(filter(None, (least, most)))


def kept(trial: Trial, spec: PromQl | Alert) -> tuple[dict[str, Any], Pointer]:
    """The evidence of a check; `Undecided` where there is none or Prometheus gave none."""
    file = file_of(trial.key, spec)
    try:
        data = json.loads(trial.read(file))
    except (ChaosmemError, ValueError, KeyError) as problem:
        raise Undecided(f"no answer of Prometheus was kept: {problem}") from problem
    where = Pointer(file, "Prometheus")
    if data.get("error"):
        raise Undecided(f"Prometheus gave no answer: {data['error']}", evidence=(where,))
    return data, where


def judge(spec: PromQl, trial: Trial, _: Evidence) -> Ruling:
    """Rule on one trial."""
    data, where = kept(trial, spec)
    try:
        _whole(data)
        first, interval = _scraped(spec, data)
        value = _value(spec, data, first)
    except Undecided as undecided:
        undecided.evidence = (where,)
        raise
    unit = unit_of(data["resolved"])
    told = f"{spec.take} {amount(value, unit)}"
    within = (spec.at_least is None or value >= spec.at_least) and (
        spec.at_most is None or value <= spec.at_most
    )
    return Ruling(
        Outcome.PASS if within else Outcome.FAIL,
        told,
        f"{told} of `{data['resolved']}`, expected {_bounds(spec)}; a sample every "
        f"{human_seconds(interval)}",
        evidence=(where,),
        headline=number(value, unit),
        numbers={"value": number(value, unit), "scrape interval": number(interval, "s")},
    )


def _whole(data: Mapping[str, Any]) -> None:
    if data["warnings"]:
        raise Undecided(f"the answer is partial: {'; '.join(data['warnings'])}")


def _scraped(spec: PromQl, data: Mapping[str, Any]) -> tuple[float, float]:
    """Time of the first sample that counts, and the longest interval; all selectors must do."""
    raw: Mapping[str, Any] = data["raw"]
    if not raw:
        raise Undecided("the query reads no series, so nothing was measured by it")
    seen = [_one(spec, name, series, data) for name, series in raw.items()]
    return max(s for s, _ in seen), max(i for _, i in seen)


def _one(
    spec: PromQl, name: str, series: Sequence[Mapping[str, Any]], data: Mapping[str, Any]
) -> tuple[float, float]:
    start, end = float(data["start"]), float(data["end"])
    if not series:
        raise Undecided(f"no series `{name}`, not even in the 5 min before")
    times = [sorted(float(t) for t, _ in s.get("values", ())) for s in series]
    gaps = [b - a for ts in times for a, b in itertools.pairwise(ts)]
    last = max(ts[-1] for ts in times if ts)
    interval = statistics.median(gaps) if gaps else 0.0
    inside = [t for ts in times for t in ts if start <= t <= end]
    if not inside or (interval and end - last > _FRESH * interval and last < start):
        raise Undecided(f"`{name}` is stale: its last sample is {human_seconds(end - last)} old")
    counts = [n for n in (sum(start <= t <= end for t in ts) for ts in times) if n]
    if min(counts) < spec.samples:
        spaced = f" (one every {human_seconds(interval)})" if interval else ""
        raise Undecided(
            f"`{name}` was scraped too coarsely: {several(min(counts), 'sample')}{spaced} in "
            f"{human_seconds(end - start)}, and {spec.samples} are needed"
        )
    if end - last > _FRESH * interval:
        raise Undecided(
            f"`{name}` went stale: no sample in the last {human_seconds(end - last)} of the window"
        )
    return min(inside), interval


def _value(spec: PromQl, data: Mapping[str, Any], first: float) -> float:
    answer = [[(t, float(v)) for t, v in s["values"] if t >= first] for s in data["answer"]]
    answer = [s for s in answer if s]
    if not answer:
        raise Undecided(f"`{data['resolved']}` gave no series, although its metrics are there")
    if len(answer) > 1 and spec.aggregate is None:
        raise Undecided(
            f"`{data['resolved']}` gave {len(answer)} series; say by `aggregate` which one is meant"
        )
    points: dict[float, list[float]] = {}
    for series in answer:
        for t, v in series:
            points.setdefault(t, []).append(v)
    together = _REDUCE[spec.aggregate or "max"]
    values = [together(points[t]) for t in sorted(points)]
    if not all(math.isfinite(v) for v in values):
        raise Undecided(f"`{data['resolved']}` gave a value that is no number (NaN or Inf)")
    return _REDUCE[spec.take](values)
