"""All metrics by name, and what has become of those that were replaced."""

from __future__ import annotations

import difflib

from chaosmem.errors import UsageError
from chaosmem.metrics import app, cgroup, process, runtime, stress
from chaosmem.metrics.conversions import CONVERSIONS, RETIRED
from chaosmem.metrics.exported import EXPORTED
from chaosmem.metrics.model import Metric

REGISTRY: dict[str, Metric] = {
    metric.name: metric
    for layer in (runtime, process, cgroup, app, stress)
    for metric in layer.METRICS
}
"""Every metric of now, by its full name; its order is that of columns in tables."""
_NEWEST = {metric.base: metric for metric in REGISTRY.values()}


def newest(base: str) -> Metric | None:
    """The metric of now by its name without a version."""
    return _NEWEST.get(base)


def find(name: str) -> Metric:
    """The metric that `name` means: with its version, without, replaced, or an exporter's name.

    Raises:
        UsageError: there is none; the hint has the nearest names.
    """
    exported = {e.name: e.same_as for e in EXPORTED if e.same_as is not None}
    found = REGISTRY.get(name) or RETIRED.get(name) or _NEWEST.get(name) or exported.get(name)
    if found is not None:
        return found
    retired = {metric.base: metric for metric in RETIRED.values()}
    if name in retired:
        return retired[name]
    near = difflib.get_close_matches(name, [*_NEWEST, *retired, *exported], n=3, cutoff=0.5)
    hint = f"do you mean {', '.join(near)}?" if near else "`chaosmem metrics` lists them"
    raise UsageError(f"there is no metric {name!r}", hint=hint)


def successors(name: str) -> tuple[Metric, ...]:
    """What a replaced metric has become, version by version; the last one is of now."""
    found: list[Metric] = []
    for conversion in CONVERSIONS:
        if conversion.replaces == name:
            found.append(conversion.to)
            name = conversion.to.name
    return tuple(found)
