"""Stacks for other people's viewers: folded lines and speedscope JSON.

Sources: the collapsed format of FlameGraph and inferno ("root;...;leaf value"),
and https://www.speedscope.app/file-format-schema.json. Speedscope's own pprof import keeps only one
line of an inlined location and one sample type; this keeps every frame of every type.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from chaosmem.profile.columns import Profile
from chaosmem.profile.graph import frames
from chaosmem.profile.nodes import Nodes, build_nodes
from chaosmem.profile.options import DEFAULT, Options
from chaosmem.profile.report import Report, prepare

SPEEDSCOPE_SCHEMA = "https://www.speedscope.app/file-format-schema.json"

_UNITS = {"bytes": "bytes", "nanoseconds": "nanoseconds", "microseconds": "microseconds"}


def folded(profile: Profile, *, options: Options = DEFAULT) -> str:
    """One line per stack, root first: "main.main;main.fill 4096"; equal stacks are added up.

    Raises:
        UsageError: an option is malformed, or the sample type is not there.
    """
    sums: dict[str, int] = {}
    report = prepare(profile, options)
    nodes = build_nodes(report.profile, options)
    names = [nodes.printable(i).replace(";", ":").replace("\n", " ") for i in range(len(nodes))]
    for stack, value in _stacks(report, nodes):
        line = ";".join(names[node] for node in stack)
        sums[line] = sums.get(line, 0) + value
    return "".join(f"{line} {value}\n" for line, value in sorted(sums.items()) if value)


def speedscope(profile: Profile, *, name: str = "profile", options: Options = DEFAULT) -> str:
    """Speedscope JSON with one sampled profile per sample type, the chosen one first.

    Raises:
        UsageError: an option is malformed, or the sample type is not there.
    """
    report = prepare(profile, options)
    nodes = build_nodes(report.profile, options)
    order = [report.index, *(i for i in range(len(profile.sample_types)) if i != report.index)]
    document = {
        "$schema": SPEEDSCOPE_SCHEMA,
        "name": name,
        "exporter": "chaosmem",
        "activeProfileIndex": 0,
        "shared": {"frames": [_frame(nodes, node) for node in range(len(nodes))]},
        "profiles": [_sampled(replace(report, index=index), nodes) for index in order],
    }
    return json.dumps(document)


def _frame(nodes: Nodes, node: int) -> dict[str, object]:
    row: dict[str, object] = {"name": nodes.name[node] or nodes.printable(node)}
    if nodes.file[node]:
        row["file"] = nodes.file[node]
    if nodes.line[node]:
        row["line"] = int(nodes.line[node])
    return row


def _sampled(report: Report, nodes: Nodes) -> dict[str, object]:
    chosen = report.profile.sample_types[report.index]
    stacks = list(_stacks(report, nodes))
    weights = [value for _, value in stacks]
    return {
        "type": "sampled",
        "name": chosen.type,
        "unit": _UNITS.get(chosen.unit, "none"),
        "startValue": 0,
        "endValue": sum(weights),
        "samples": [stack for stack, _ in stacks],
        "weights": weights,
    }


def _stacks(report: Report, nodes: Nodes) -> Iterator[tuple[list[int], int]]:
    """(nodes of the stack, root first, value) of each sample that counts."""
    weighted = report.weighted()
    for batch in frames(weighted, nodes):
        bounds = np.searchsorted(batch.owner, np.arange(batch.count + 1)).tolist()
        node = batch.node.tolist()
        values = weighted.value[batch.first : batch.first + batch.count].tolist()
        for first, last, value in zip(bounds[:-1], bounds[1:], values, strict=True):
            yield node[first:last][::-1], value
