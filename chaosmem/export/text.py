"""`chaosmem_*` metrics of runs as Prometheus text: a textfile for node_exporter, or a scrape.

Only gauges without own time stamps: the textfile collector refuses stamps, and a run is in
the past. Series of one run carry `run`; keep few runs in one file (`latest` of each experiment).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.registry import CollectorRegistry

from chaosmem.export import facts
from chaosmem.export.facts import Run
from chaosmem.verify.model import Outcome

_RUN = ["experiment", "run"]


class RunMetrics:
    """A collector of prometheus-client: `runs` is asked at each scrape."""

    def __init__(self, runs: Callable[[], Iterable[Run]]) -> None:
        self._runs = runs

    def collect(self) -> Iterator[Metric]:
        """All families, each with the series of all runs."""
        runs = list(self._runs())
        yield from (_started(runs), _duration(runs), _outcome(runs), _exit(runs))
        yield from (_phases(runs), _faults(runs), _findings(runs), _numbers(runs))


def text(runs: Sequence[Run], *, openmetrics: bool = False) -> bytes:
    """The runs as Prometheus text 0.0.4, or as OpenMetrics."""
    registry = CollectorRegistry()
    registry.register(RunMetrics(lambda: runs))
    made: bytes = (generate_openmetrics if openmetrics else generate_latest)(registry)
    return made


def _key(run: Run) -> list[str]:
    return [run.verdict.experiment, run.evidence.run_id]


def _family(name: str, words: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"chaosmem_{name}", words, labels=[*_RUN, *labels])


def _started(runs: Sequence[Run]) -> Metric:
    family = _family("run_start_timestamp_seconds", "When the run began, Unix time.")
    for run in runs:
        family.add_metric(_key(run), run.zero)
    return family


def _duration(runs: Sequence[Run]) -> Metric:
    family = _family("run_duration_seconds", "From the run's start to the end of its last phase.")
    for run in runs:
        family.add_metric(_key(run), facts.span(run)[1])
    return family


def _outcome(runs: Sequence[Run]) -> Metric:
    family = _family("run_outcome", "1 for the run's outcome, 0 for the others.", "outcome")
    for run in runs:
        for outcome in Outcome:
            family.add_metric([*_key(run), outcome], float(run.verdict.outcome is outcome))
    return family


def _exit(runs: Sequence[Run]) -> Metric:
    family = _family("run_exit_code", "Exit code of the run.")
    for run in runs:
        family.add_metric(_key(run), run.verdict.exit_code)
    return family


def _phases(runs: Sequence[Run]) -> Metric:
    words = "Measured length of a phase of a trial."
    family = _family("phase_duration_seconds", words, "trial", "arm", "phase")
    for run in runs:
        for trial in run.evidence.trials:
            for phase, window in trial.phases.items():
                family.add_metric([*_key(run), trial.key, trial.arm, phase], window.seconds)
    return family


def _faults(runs: Sequence[Run]) -> Metric:
    words = "How long a fault acted; NaN where its release was never acknowledged."
    family = _family("fault_active_seconds", words, "trial", "fault", "fault_kind")
    for run in runs:
        for fault in facts.faults(run):
            length = float("nan") if fault.undone is None else fault.undone - fault.applied
            family.add_metric([*_key(run), fault.trial, fault.id, fault.kind], length)
    return family


def _findings(runs: Sequence[Run]) -> Metric:
    words = "1: what a check said of a trial."
    family = _family("finding_info", words, "trial", "arm", "check", "outcome", "advisory")
    for run in runs:
        for f in run.verdict.findings:
            advisory = str(f.advisory).lower()
            labels = [*_key(run), f.trial_key, f.arm, f.name, f.outcome, advisory]
            family.add_metric(labels, 1.0)
    return family


def _numbers(runs: Sequence[Run]) -> Metric:
    words = "Headline number of a check in a trial, in its unit (UCUM)."
    family = _family("finding_value", words, "trial", "arm", "check", "unit")
    for run in runs:
        for f in run.verdict.findings:
            if f.headline is not None:
                labels = [*_key(run), f.trial_key, f.arm, f.name, f.headline.unit]
                family.add_metric(labels, f.headline.value)
    return family
