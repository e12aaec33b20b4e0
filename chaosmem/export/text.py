"""`chaosmem_*` metrics of runs as Prometheus text: a textfile for node_exporter, or a scrape.

Without own time stamps: the textfile collector refuses them, and a run is in the past. Series of
one run carry `run`; keep few runs in one file (`latest` of each experiment).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.registry import Collector, CollectorRegistry

from chaosmem.export.families import RUN_LABELS, Family, Row, Rows, grouped


class RunMetrics(Collector):
    """A collector of prometheus-client: `runs` is asked at each scrape."""

    def __init__(self, runs: Callable[[], Iterable[Rows]]) -> None:
        self._runs = runs

    def collect(self) -> Iterator[Metric]:
        """All families, each with the series of all runs."""
        for family, found in grouped(self._runs()):
            yield _metric(family, found)


def registry(runs: Callable[[], Iterable[Rows]]) -> CollectorRegistry:
    """A registry that holds nothing but the runs."""
    made = CollectorRegistry()
    made.register(RunMetrics(runs))
    return made


def text(runs: Iterable[Rows], *, openmetrics: bool = False) -> bytes:
    """The runs as Prometheus text 0.0.4, or as OpenMetrics."""
    kept = tuple(runs)
    made: bytes = (generate_openmetrics if openmetrics else generate_latest)(registry(lambda: kept))
    return made


def _metric(family: Family, found: list[tuple[Rows, Row]]) -> Metric:
    kind = CounterMetricFamily if family.counter else GaugeMetricFamily
    made = kind(family.prometheus, family.words, labels=[*RUN_LABELS, *family.labels])
    for run, row in found:
        made.add_metric([run.experiment, run.run, *row.labels], row.value)
    return made
