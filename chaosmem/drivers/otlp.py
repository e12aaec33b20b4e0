"""Sends traces and metrics to an OTLP/HTTP receiver, by OpenTelemetry's exporters.

Both retry what the receiver calls transient (429, 502, 503, 504) with growing pauses for up to ten
seconds. `OTEL_EXPORTER_OTLP_HEADERS` and `OTEL_EXPORTER_OTLP_CERTIFICATE` are theirs. Needs the
extra `otel`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics.export import MetricExportResult, MetricsData
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult

from chaosmem.errors import ProbeFailed

_TIMEOUT_SECONDS = 10.0
_HINT = "is it an OTLP/HTTP receiver (port 4318), and does it take this signal?"


def send_spans(
    spans: Sequence[ReadableSpan], endpoint: str, headers: Mapping[str, str] | None = None
) -> None:
    """Send to `endpoint`, the base address: `/v1/traces` is added. ProbeFailed: not taken."""
    url = _url(endpoint, "traces")
    exporter = OTLPSpanExporter(endpoint=url, headers=_own(headers), timeout=_TIMEOUT_SECONDS)
    try:
        taken = exporter.export(spans) is SpanExportResult.SUCCESS
    finally:
        exporter.shutdown()  # type: ignore[no-untyped-call]
    if not taken:
        raise ProbeFailed(f"{url} did not take the spans", hint=_HINT)


def send_metrics(
    data: MetricsData, endpoint: str, headers: Mapping[str, str] | None = None
) -> None:
    """Send to `endpoint`, the base address: `/v1/metrics` is added. ProbeFailed: not taken."""
    url = _url(endpoint, "metrics")
    exporter = OTLPMetricExporter(endpoint=url, headers=_own(headers), timeout=_TIMEOUT_SECONDS)
    try:
        taken = exporter.export(data) is MetricExportResult.SUCCESS
    finally:
        exporter.shutdown()
    if not taken:
        raise ProbeFailed(f"{url} did not take the metrics", hint=_HINT)


def _own(headers: Mapping[str, str] | None) -> dict[str, str] | None:
    return dict(headers) if headers else None


def _url(endpoint: str, signal: str) -> str:
    """The signal's address below the base; one that names a signal already is its base's."""
    base = endpoint.rstrip("/").removesuffix("/v1/traces").removesuffix("/v1/metrics")
    return f"{base}/v1/{signal}"
