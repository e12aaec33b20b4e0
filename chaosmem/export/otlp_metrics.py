"""A run's numbers as OpenTelemetry metrics, each at the time at which it became true.

The SDK's meters stamp what they measure with now; a run is in the past, so its points are made
directly, as the SDK's data types. Needs the extra `otel`.
"""

from __future__ import annotations

from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from chaosmem import __version__
from chaosmem.export.facts import Run
from chaosmem.export.families import RUN_LABELS, Family, Row, grouped
from chaosmem.export.finished import rows


def data(run: Run) -> MetricsData:
    """Everything that is told of a run, as one batch."""
    told = grouped([rows(run)])
    made = [_metric(run, family, [row for _, row in found]) for family, found in told]
    resource = Resource({"service.name": "chaosmem", "service.version": __version__})
    scope = ScopeMetrics(InstrumentationScope("chaosmem", __version__), made, "")
    return MetricsData([ResourceMetrics(resource, [scope], "")])


def points(data: MetricsData) -> int:
    """How many numbers it has."""
    scopes = [scope for resource in data.resource_metrics for scope in resource.scope_metrics]
    return sum(len(metric.data.data_points) for scope in scopes for metric in scope.metrics)


def _metric(run: Run, family: Family, found: list[Row]) -> Metric:
    points = [_point(run, row) for row in found]
    kept: Gauge | Sum = Gauge(points)
    if family.counter:
        kept = Sum(points, AggregationTemporality.CUMULATIVE, is_monotonic=True)
    return Metric(family.otel, family.words, family.unit or "1", kept)


def _point(run: Run, row: Row) -> NumberDataPoint:
    said = (run.verdict.experiment, run.evidence.run_id, *row.labels)
    names = (*RUN_LABELS, *row.family.labels)
    return NumberDataPoint(
        attributes={f"chaosmem.{n.replace('_', '.')}": v for n, v in zip(names, said, strict=True)},
        start_time_unix_nano=round(run.zero * 1e9),
        time_unix_nano=round(run.unix(row.t) * 1e9),
        value=row.value,
    )
