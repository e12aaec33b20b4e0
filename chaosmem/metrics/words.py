"""The registry in words: a table for terminals, JSON for programs, Markdown for docs/metrics.md."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from chaosmem.metrics.conversions import CONVERSIONS, RETIRED
from chaosmem.metrics.exported import EXPORTED
from chaosmem.metrics.model import Layer, Metric
from chaosmem.metrics.registry import REGISTRY, successors

_LAYERS = {
    Layer.RUNTIME: "The Go runtime of the target, by its agent or its metrics page.",
    Layer.OS: "The operating system, of the process.",
    Layer.CGROUP: "The kernel, of the container; read by the helper on the pod's node.",
    Layer.APP: "The callers of the service (the `load` fault).",
    Layer.STRESS: "Whoever does the fault, of what it holds: a claim until the target agrees.",
}


def of_layer(layer: Layer | None) -> tuple[Metric, ...]:
    """The metrics of one layer, or all."""
    return tuple(m for m in REGISTRY.values() if layer in (None, m.layer))


def exported_as(metric: Metric) -> tuple[str, ...]:
    """Names of it in Prometheus, with whose they are."""
    return tuple(f"{e.name} ({e.exporter})" for e in EXPORTED if e.same_as == metric)


def as_json(metric: Metric) -> dict[str, object]:
    """One metric for programs."""
    return {
        "name": metric.name,
        "layer": metric.layer,
        "kind": metric.kind,
        "unit": metric.unit,
        "source": metric.source,
        "meaning": metric.meaning,
        "prometheus": [e.name for e in EXPORTED if e.same_as == metric],
        "replacedBy": [m.name for m in successors(metric.name)],
    }


def table(metrics: Sequence[Metric]) -> Iterator[str]:
    """Lines of a table: name, unit, layer, source."""
    rows = [(m.name, m.unit, m.layer.value, m.source) for m in metrics]
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    for row in rows:
        yield "  ".join(f"{cell:<{w}}" for cell, w in zip(row[:3], widths, strict=True)) + (
            f"  {row[3]}"
        )


def one(metric: Metric) -> Iterator[str]:
    """Lines about one metric."""
    yield metric.name
    yield f"  {metric.meaning}"
    yield f"  {metric.kind} in {metric.unit}, layer {metric.layer}, from {metric.source}"
    names = exported_as(metric)
    if names:
        yield f"  in Prometheus: {', '.join(names)}"
    for step in CONVERSIONS:
        if step.to == metric:
            yield f"  read from older runs: {step.replaces}: {step.how}"
            yield f"    because {step.why}"
    if metric.name in RETIRED:
        yield f"  replaced by {successors(metric.name)[-1].name}; older runs are read as that"


def markdown() -> str:
    """docs/metrics.md."""
    parts = [_HEAD]
    for layer, words in _LAYERS.items():
        parts += [f"## {layer}", words, _of_layer(layer)]
    parts += ["## Versions", _VERSIONS, _conversions(), "## Names in Prometheus", _EXPORTED]
    return "\n\n".join([*parts, _exported()]) + "\n"


def _rows(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _of_layer(layer: Layer) -> str:
    return _rows(
        ("metric", "unit", "kind", "source", "meaning"),
        [(f"`{m.name}`", m.unit, m.kind, f"`{m.source}`", m.meaning) for m in of_layer(layer)],
    )


def _conversions() -> str:
    return _rows(
        ("written", "read as", "how", "why"),
        [(f"`{c.replaces}`", f"`{c.to.name}`", c.how, c.why) for c in CONVERSIONS],
    )


def _exported() -> str:
    return _rows(
        ("name", "unit", "of", "is"),
        [
            (f"`{e.name}`", e.unit, e.exporter, f"`{e.same_as.name}`" if e.same_as else "")
            for e in EXPORTED
        ],
    )


_HEAD = textwrap.dedent("""\
    # Metrics

    <!-- Written by `chaosmem metrics --format markdown`; a test holds it equal to the registry. -->

    Every series in a run directory has one of these names, with its schema version. `chaosmem
    metrics NAME` tells about one. Units are UCUM: `By` bytes, `s` seconds, `1` a number, `%`.
    A counter counts since its process, container or load began; a gauge goes up and down.""")
_VERSIONS = textwrap.dedent("""\
    A name never changes its meaning: a change of meaning or unit makes the next version, a better
    name a new one. Run directories are never rewritten: they are read as the metrics of now, so
    checks and reports know no other, and findings point at the column as it was written. A series
    that a newer chaosmem made, or that cannot be brought to now, makes the run INCONCLUSIVE with
    the series' name; it is never left out in silence.""")
_EXPORTED = textwrap.dedent("""\
    These names belong to their exporters and have no version. Those of client_golang are read
    from a target's own metrics page into the metric in the last column; all have their units in
    `promql` checks.""")
