"""`traces`: every sample with its labels and its stack.

Source: github.com/google/pprof/internal/report (report.go, printTraces).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import tzinfo

import numpy as np

from chaosmem.profile.columns import Profile
from chaosmem.profile.graph import Weighted, frames
from chaosmem.profile.measurement import label, truncated_division
from chaosmem.profile.nodes import Nodes, build_nodes
from chaosmem.profile.options import DEFAULT, Options
from chaosmem.profile.report import Report, header, prepare
from chaosmem.profile.tags import SampleLabels, number_units, sample_labels

_SEPARATOR = "-----------+-------------------------------------------------------"


def traces(profile: Profile, options: Options = DEFAULT, zone: tzinfo | None = None) -> str:
    """All samples as text: `go tool pprof -traces`.

    Raises:
        UsageError: an option is malformed, or the sample type is not there.
    """
    report = prepare(profile, options)
    lines = header(report, options.unit, zone)
    units = number_units(profile)
    labels = dict(sample_labels(report.profile))
    nodes = build_nodes(report.profile, options, trim_paths=False)
    names = [nodes.printable(node) for node in range(len(nodes))]
    for sample, stack in _stacks(report, nodes):
        if not stack:
            continue
        lines.append(_SEPARATOR)
        lines += _label_lines(labels.get(sample), units)
        value = report.format(_value(report, sample), options.unit)
        for node, inlined in stack:
            lines.append(f"{value:>10}   {names[node]}{' (inline)' if inlined else ''}")
            value = ""
    return "\n".join([*lines, _SEPARATOR]) + "\n"


def _stacks(report: Report, nodes: Nodes) -> Iterator[tuple[int, list[tuple[int, bool]]]]:
    """(sample, its (node, inlined) leaf first) of every sample."""
    samples = report.profile.samples
    every = Weighted.every(samples, samples.values[report.index])
    for batch in frames(every, nodes):
        bounds = np.searchsorted(batch.owner, np.arange(batch.count + 1)).tolist()
        rows = list(zip(batch.node.tolist(), batch.inlined.tolist(), strict=True))
        for place in range(batch.count):
            yield batch.first + place, rows[bounds[place] : bounds[place + 1]]


def _value(report: Report, sample: int) -> int:
    value = int(report.profile.samples.values[report.index, sample])
    divisor = int(report.profile.samples.values[0, sample]) if report.options.mean else 0
    return truncated_division(value, divisor) if divisor else value


def _label_lines(found: SampleLabels | None, units: dict[str, str]) -> list[str]:
    if found is None:
        return []
    texts = [f"{key:>10}:  {' '.join(values)}" for key, values in found.texts.items()]
    numbers = [
        f"{key:>10}:  {' '.join(label(number, units[key]) for number, _ in values)}"
        for key, values in found.numbers.items()
    ]
    return sorted(texts) + sorted(numbers)
