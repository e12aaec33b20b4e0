"""A run's phases and faults as the bodies of Grafana annotations (POST /api/annotations)."""

from __future__ import annotations

from collections.abc import Iterator

from chaosmem.export import facts
from chaosmem.export.facts import Run


def regions(run: Run) -> Iterator[dict[str, object]]:
    """One region for each phase and fault; times are Unix milliseconds."""
    tags = ["chaosmem", run.verdict.experiment, run.evidence.run_id]
    for trial in run.evidence.trials:
        for phase, window in trial.phases.items():
            words = f"{phase} of {trial.key} ({run.verdict.outcome})"
            yield _region(run, window.start, window.end, words, [*tags, "phase", phase.value])
    for fault in facts.faults(run):
        end = facts.span(run)[1] if fault.undone is None else fault.undone
        words = f"{fault.id} in {fault.trial}"
        yield _region(run, fault.applied, end, words, [*tags, "fault", fault.kind])


def _region(run: Run, start: float, end: float, text: str, tags: list[str]) -> dict[str, object]:
    ms = [round(run.unix(t) * 1000) for t in (start, end)]
    return {"time": ms[0], "timeEnd": ms[1], "text": text, "tags": tags}
