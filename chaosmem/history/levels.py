"""Trials of a run into one level a check, arm and subject. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from chaosmem.history.model import INCONCLUSIVE, Judged, Level, worst
from chaosmem.history.stats.bands import median

RUN = "run"
"""Kind of the findings about a run as a whole: they are no level of any check."""


def levels(findings: Sequence[Judged]) -> tuple[Level, ...]:
    """One level for each check, arm and subject, in the order of the findings."""
    groups: dict[tuple[str, str, str], list[Judged]] = {}
    for finding in findings:
        if finding.check != RUN:
            groups.setdefault((finding.name, finding.arm, finding.subject), []).append(finding)
    return tuple(_level(group) for group in groups.values())


def _level(group: Sequence[Judged]) -> Level:
    first = group[0]
    unit = next((f.unit for f in group if f.value is not None), "")
    told = [f for f in group if f.outcome != INCONCLUSIVE and f.unit == unit]
    values = [f.value for f in told if f.value is not None]
    errors = [f.error for f in told if f.value is not None and f.error is not None]
    return Level(
        first.name,
        first.check,
        first.arm,
        first.subject,
        worst([f.outcome for f in group]),
        first.advisory,
        len(group),
        len(values),
        median(values) if values else None,
        unit,
        max(errors, default=None),
    )
