"""What the HTML page shows, worked out before any markup."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from chaosmem.errors import ChaosmemError
from chaosmem.evidence.model import Evidence, Trial, Window
from chaosmem.report import stacks, svg
from chaosmem.report.captures import Captures, captured
from chaosmem.report.chart import Chart, window
from chaosmem.report.charts import charts, fault_window
from chaosmem.report.flames import Flame, flames
from chaosmem.report.gctrace import TraceRows, trace_rows
from chaosmem.report.goroutines import GoroutineMap, of_captures
from chaosmem.report.rows import CheckRow, check_rows, outcome_of, worst_trial
from chaosmem.report.words import amount, pointer
from chaosmem.verify.model import Finding, Outcome, Pointer, Verdict

# All trials together; 40,000 rows of four numbers are 1.5 MB of JSON.
_CHART_ROWS = 40_000
_MOST_ROWS, _LEAST_ROWS = 1_200, 60
_CYCLE_ROWS = 1_000
_CHARTS = 6


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, at `t` seconds of the trial."""

    t: float
    kind: str
    words: str
    line: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class CycleRows:
    """GC cycles as a table, at most so many; `step` is 1 where none is left out."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    step: int
    lost: int


@dataclass(frozen=True, slots=True, eq=False)
class TrialView:
    """One trial: everything below its tab. `start` and `end` are on the run's clock."""

    id: str
    label: str
    outcome: Outcome
    trial: Trial
    span: Window
    fault: tuple[float, float] | None
    charts: tuple[Chart, ...]
    sparks: tuple[tuple[str, Markup], ...]
    heap: stacks.Table | None
    goroutines: stacks.Table | None
    states: GoroutineMap | None
    flames: tuple[Flame, ...]
    missing: tuple[str, ...]
    events: tuple[Event, ...]
    cycles: CycleRows | None
    trace: TraceRows | None


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """The whole page."""

    verdict: Verdict
    evidence: Evidence
    checks: tuple[CheckRow, ...]
    trials: tuple[TrialView, ...]
    shown: str
    """Id of the trial that is open at first: the worst."""
    strips: tuple[svg.Strip, ...]


def page(verdict: Verdict, evidence: Evidence) -> Page:
    """Work out the page."""
    arms = {arm.name: i for i, arm in enumerate(evidence.experiment.arms)}
    order = sorted(evidence.trials, key=lambda t: (arms.get(t.arm, len(arms)), t.trial))
    trials = tuple(_trial(verdict, evidence, t, f"t{i}") for i, t in enumerate(order))
    worst = worst_trial(verdict, [t.trial.key for t in trials])
    return Page(
        verdict,
        evidence,
        check_rows(verdict),
        trials,
        next((t.id for t in trials if t.trial.key == worst), ""),
        svg.strips(verdict.findings, verdict.summaries),
    )


def _trial(verdict: Verdict, evidence: Evidence, trial: Trial, id_: str) -> TrialView:
    many = len(evidence.trials)
    findings = [f for f in verdict.findings if f.trial_key == trial.key]
    limit = min(_MOST_ROWS, max(_LEAST_ROWS, _CHART_ROWS // (_CHARTS * many)))
    made = charts(trial, findings, evidence.experiment.checks, limit)
    span, fault = window(trial), fault_window(trial)
    shade = None if fault is None else (fault.start - span.start, fault.end - span.start)
    heaps, bad_heaps = captured(trial, "heap")
    routines, bad_routines = captured(trial, "goroutine")
    heap, bad_heap = _table(heaps, "By")
    groups, bad_groups = _table(routines, "1")
    return TrialView(
        id=id_,
        label=_label(evidence, trial),
        outcome=outcome_of(verdict, trial.key),
        trial=trial,
        span=span,
        fault=shade,
        charts=made,
        sparks=_sparks(made, span.seconds, shade),
        heap=heap,
        goroutines=groups,
        states=None if routines is None else of_captures(routines),
        flames=() if heaps is None else flames(heaps),
        missing=bad_heaps + bad_heap + bad_routines + bad_groups,
        events=tuple(sorted(_events(trial, span.start), key=lambda e: e.t)),
        cycles=_cycles(trial, span.start, max(20, _CYCLE_ROWS // many)),
        trace=trace_rows(trial, span.start, max(20, _CYCLE_ROWS // many)),
    )


def _table(found: Captures | None, unit: str) -> tuple[stacks.Table | None, tuple[str, ...]]:
    """The table, or why there is none although there are captures."""
    if found is None:
        return None, ()
    try:
        return stacks.table(found, unit), ()
    except ChaosmemError as error:  # captures that count different things: a replaced target
        return None, (f"{found.kind} growth: {error}",)


def _label(evidence: Evidence, trial: Trial) -> str:
    number = f"trial {trial.trial}"
    many_targets = len({t.target for t in evidence.trials}) > 1
    target = f" \u00b7 {trial.target}" if many_targets else ""
    arm = f"{trial.arm} \u00b7 " if len(evidence.experiment.arms) > 1 else ""
    return f"{arm}{number}{target}"


def _sparks(
    made: Sequence[Chart], seconds: float, fault: tuple[float, float] | None
) -> tuple[tuple[str, Markup], ...]:
    return tuple(
        (chart.title, svg.sparkline(chart, 0.0, seconds, fault))
        for chart in made
        if chart.id in {"goroutines", "heap"}
    )


def _events(trial: Trial, start: float) -> Iterable[Event]:
    for phase, span in trial.phases.items():
        yield Event(span.start - start, "phase", f"{phase} begins")
    for fault in trial.faults:
        line = fault.lines[0] if fault.lines else 0
        does = fault.planned.does
        if fault.applied is not None:
            yield Event(fault.applied - start, "fault", f"applied: {does}", line)
        if fault.undone is not None:
            yield Event(fault.undone - start, "fault", f"undone: {does}", fault.lines[-1])
        for error in (fault.apply_error, fault.undo_error):
            if error:
                yield Event((fault.applied or span_end(trial)) - start, "problem", error, line)
    for capture in trial.captures:
        words = f"{capture.profile} at {capture.moment}"
        words += f": {capture.error}" if capture.error else f", {amount(capture.size, 'By')}"
        yield Event(capture.begin - start, "capture", words)
    for event in trial.events:
        by = ", by chaosmem" if event.by_us else ""
        pid = f" (pid {event.pid})" if event.pid else ""
        words = f"target {event.state}{pid}{by}"
        words += f": {event.detail}" if event.detail else ""
        yield Event(event.t - start, "target", words, event.line)
    for problem in trial.problems:
        words = f"{problem.source}: {problem.text}"
        yield Event(problem.t - start, "problem", words, problem.line)


def span_end(trial: Trial) -> float:
    """End of the trial's last phase."""
    return max((w.end for w in trial.phases.values()), default=0.0)


_CYCLE_COLUMNS = (
    ("cycle", "n", "1"),
    ("t", "t", "s"),
    ("live", "live", "By"),
    ("goal", "goal", "By"),
    ("heap objects", "heap_objects", "By"),
    ("stacks", "stack", "By"),
    ("GOGC", "gogc", "%"),
)


def _cycles(trial: Trial, start: float, most: int) -> CycleRows | None:
    many = len(trial.cycles)
    if not many:
        return None
    step = -(-many // most)
    shown = [c for c in _CYCLE_COLUMNS if c[1] in trial.cycles.columns]
    rows = tuple(
        tuple(_cell(float(trial.cycles[key][i]), key, unit, start) for _, key, unit in shown)
        for i in range(0, many, step)
    )
    return CycleRows(tuple(name for name, _, _ in shown), rows, step, trial.cycles.lost)


def _cell(value: float, key: str, unit: str, start: float) -> str:
    if key == "t":
        return f"{value - start:.2f} s"
    if key == "gogc":
        return "off" if value < 0 else f"{value:g}"
    return f"{value:.0f}" if key == "n" else amount(value, unit)


def place(trials: Sequence[TrialView], finding: Finding, given: Pointer) -> str:
    """A pointer in words, its times in seconds of the finding's trial where it has one."""
    own = next((t for t in trials if t.trial.key == finding.trial_key), None)
    if own is None or given.start is None:
        return pointer(given)
    start, end = given.start - own.span.start, given.end
    end = None if end is None else end - own.span.start
    return pointer(Pointer(given.file, given.what, given.line, start, end))
