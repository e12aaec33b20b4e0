"""A run as an OpenTelemetry trace with its true times: run, trial and phase spans.

Faults and captures are events of the phase in which they happened, findings those of their trial.
The ids follow from the run's id, so that exporting twice gives the same trace, not a second one.
Needs the extra `otel`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.trace import Span, Status, StatusCode, Tracer, set_span_in_context

from chaosmem import __version__
from chaosmem.evidence.model import Trial, Window
from chaosmem.export import facts
from chaosmem.export.facts import Run
from chaosmem.verify.model import Outcome


class _Ids(IdGenerator):
    """Ids from the run's id, in the order of spans."""

    def __init__(self, run_id: str) -> None:
        self._run_id, self._count = run_id, 0

    def _bytes(self, what: str, size: int) -> int:
        digest = hashlib.sha256(f"{self._run_id} {what}".encode()).digest()
        return int.from_bytes(digest[:size], "big")

    def generate_trace_id(self) -> int:
        return self._bytes("trace", 16)

    def generate_span_id(self) -> int:
        self._count += 1
        return self._bytes(f"span {self._count}", 8)


class _Kept(SpanProcessor):
    """Keeps ended spans, in their order."""

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def on_end(self, span: ReadableSpan) -> None:
        """Keep it."""
        self.spans.append(span)


def spans(run: Run) -> list[ReadableSpan]:
    """The run's spans, in the order in which they ended."""
    kept = _Kept()
    resource = Resource({"service.name": "chaosmem", "service.version": __version__})
    provider = TracerProvider(
        resource=resource, id_generator=_Ids(run.evidence.run_id), shutdown_on_exit=False
    )
    provider.add_span_processor(kept)
    _trace(run, provider.get_tracer("chaosmem", __version__))
    return kept.spans


def _trace(run: Run, tracer: Tracer) -> None:
    start, end = facts.span(run)
    root = tracer.start_span(
        f"chaosmem {run.verdict.experiment}",
        start_time=_ns(run, start),
        attributes={
            "chaosmem.run": run.evidence.run_id,
            "chaosmem.experiment": run.verdict.experiment,
            "chaosmem.outcome": run.verdict.outcome,
            "chaosmem.exit_code": run.verdict.exit_code,
        },
    )
    root.set_status(_status(run.verdict.outcome, run.verdict.says))
    for trial in run.evidence.trials:
        if trial.phases:
            _trial(run, tracer, trial, root)
    root.end(end_time=_ns(run, end))


def _trial(run: Run, tracer: Tracer, trial: Trial, root: Span) -> None:
    windows = list(trial.phases.values())
    span = tracer.start_span(
        f"trial {trial.key}",
        context=set_span_in_context(root),
        start_time=_ns(run, windows[0].start),
        attributes={
            "chaosmem.trial": trial.key,
            "chaosmem.arm": trial.arm,
            "chaosmem.target": trial.target,
        },
    )
    end = _ns(run, windows[-1].end)
    for finding in run.verdict.findings:
        if finding.trial_key == trial.key:
            said = {"outcome": str(finding.outcome), "reason": finding.reason}
            span.add_event(f"finding {finding.name}", said, timestamp=end)
    for phase, window in trial.phases.items():
        inner = tracer.start_span(
            phase.value,
            context=set_span_in_context(span),
            start_time=_ns(run, window.start),
            attributes={"chaosmem.phase": phase.value, "chaosmem.trial": trial.key},
        )
        for t, name in _events(trial, window, last=window is windows[-1]):
            inner.add_event(name, timestamp=_ns(run, t))
        inner.end(end_time=_ns(run, window.end))
    span.end(end_time=end)


def _events(trial: Trial, window: Window, *, last: bool) -> Iterator[tuple[float, str]]:
    """What happened in a phase: start included, end excluded but in the last one."""
    found = [(c.begin, f"capture {c.profile} {c.moment}") for c in trial.captures]
    for record in trial.faults:
        if record.applied is not None:
            found.append((record.applied, f"fault applied {record.planned.id}"))
        if record.undone is not None:
            found.append((record.undone, f"fault undone {record.planned.id}"))
    for t, name in sorted(found):
        if window.start <= t < window.end or (last and t >= window.end):
            yield t, name


def _ns(run: Run, t: float) -> int:
    return round(run.unix(t) * 1e9)


def _status(outcome: Outcome, says: str) -> Status:
    if outcome is Outcome.FAIL:
        return Status(StatusCode.ERROR, says)
    return Status(StatusCode.OK if outcome is Outcome.PASS else StatusCode.UNSET)
