"""What Prometheus answered to the checks that asked it, as time lines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from chaosmem.errors import ChaosmemError
from chaosmem.evidence.model import Trial
from chaosmem.report.chart import Chart, Columns, Line, window
from chaosmem.report.downsample import extremes
from chaosmem.verify.model import Finding

_FOLDER = "prometheus/"
_MOST = 8  # lines of one chart
_ROLES = ("main", "second", "fault", "soft")
_HIDDEN = ("__name__", "job", "instance")  # labels that tell no series of a query from another


def queried(trial: Trial, findings: Sequence[Finding], limit: int) -> tuple[Chart, ...]:
    """A time line for each kept answer that a finding rests on and that has any point."""
    named = {p.file: f for f in findings for p in f.evidence if p.file.startswith(_FOLDER)}
    made = (_chart(trial, f"query{i}", *item, limit) for i, item in enumerate(named.items()))
    return tuple(chart for chart in made if chart is not None)


def _chart(trial: Trial, id_: str, file: str, finding: Finding, limit: int) -> Chart | None:
    try:
        kept: Mapping[str, Any] = json.loads(trial.read(file))
        columns = tuple(_columns(kept, window(trial).start, limit))
    except (ChaosmemError, OSError, KeyError, TypeError, ValueError):
        return None  # the finding says what is wrong with it
    if not columns:
        return None
    unit = finding.headline.unit if finding.headline and finding.check == "promql" else ""
    source = f"Prometheus: {kept.get('resolved', '')}"
    return Chart(id_, finding.name, unit or "1", source, columns, file=file)


def _columns(kept: Mapping[str, Any], start: float, limit: int) -> Iterable[Columns]:
    """Each series, its times turned to seconds of the trial; NaN and Inf left out."""
    for i, series in enumerate(kept["answer"][:_MOST]):
        points = np.array([(float(t), float(v)) for t, v in series["values"]], np.float64)
        points = points.reshape(-1, 2)
        points = points[np.isfinite(points).all(axis=1)]
        if len(points):
            t, v = points[:, 0] - float(kept["zero"]) - start, points[:, 1]
            rows = extremes(t, [v], max(2, limit // _MOST))
            line = Line(_label(series["metric"], i), _ROLES[i % len(_ROLES)], step=True)
            yield Columns((line,), t[rows], (v[rows],))


def _label(metric: Mapping[str, str], place: int) -> str:
    """The labels that tell it from others, else its name."""
    told = ", ".join(f"{k}={v}" for k, v in sorted(metric.items()) if k not in _HIDDEN)
    return told or metric.get("__name__", "") or f"series {place + 1}"
