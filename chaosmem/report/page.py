"""What the HTML page shows, worked out before any markup."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from chaosmem.errors import ChaosmemError
from chaosmem.evidence.model import Evidence, Trial, Window
from chaosmem.report import stacks, svg
from chaosmem.report.captures import Captures, captured
from chaosmem.report.chart import Chart, window
from chaosmem.report.charts import charts, fault_window
from chaosmem.report.compared import CheckGroup, check_groups
from chaosmem.report.flames import Flame, flames, other_flames
from chaosmem.report.gctrace import TraceRows, trace_rows
from chaosmem.report.goroutines import GoroutineMap, of_captures
from chaosmem.report.happened import Event, events
from chaosmem.report.histograms import HistogramTable, histogram_tables
from chaosmem.report.links import Shown
from chaosmem.report.multiples import Drawn, Multiples, multiples
from chaosmem.report.operators import Wait, of_trial, operated, waited
from chaosmem.report.rows import CheckRow, TargetRow, by_target, check_rows, outcome_of, worst_trial
from chaosmem.report.words import amount, short
from chaosmem.verify.model import Outcome, Verdict

# All trials together; 40,000 rows of four numbers are 1.5 MB of JSON.
_CHART_ROWS = 40_000
_MOST_ROWS, _LEAST_ROWS = 1_200, 60
_CYCLE_ROWS = 1_000
_CHARTS = 7
_DRAWN = {"goroutines", "heap", "container"}  # as pictures, for readers without scripts


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
    waits: tuple[Wait, ...]
    histograms: tuple[HistogramTable, ...]

    @property
    def shown(self) -> Shown:
        """What of it a finding's evidence can lead to."""
        return Shown(
            self.id,
            self.trial,
            self.span.start,
            self.charts,
            tuple(flame.of for flame in self.flames),
            stacks=self.heap is not None,
            groups=self.goroutines is not None,
            states=self.states is not None,
            cycles=self.cycles is not None,
            trace=self.trace is not None,
            histograms=frozenset(file for table in self.histograms for file in table.files),
            events=self.events,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Switch:
    """One row of the choice of trials: those under one arm on one target."""

    label: str
    trials: tuple[tuple[str, TrialView], ...]
    """What stands on each one's button."""


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """The whole page."""

    verdict: Verdict
    evidence: Evidence
    checks: tuple[CheckRow, ...]
    trials: tuple[TrialView, ...]
    shown: str
    """Id of the trial that is open at first: the worst."""
    switch: tuple[Switch, ...]
    groups: tuple[CheckGroup, ...]
    targets: tuple[TargetRow, ...]
    beside: Multiples | None
    """The targets of the shown trial's round."""
    operated: tuple[Event, ...]
    """What operators did, on the run's clock."""


def page(verdict: Verdict, evidence: Evidence) -> Page:
    """Work out the page."""
    arms = {arm.name: i for i, arm in enumerate(evidence.experiment.arms)}
    order = sorted(evidence.trials, key=lambda t: (arms.get(t.arm, len(arms)), t.trial))
    trials = tuple(_trial(verdict, evidence, t, f"t{i}") for i, t in enumerate(order))
    worst = worst_trial(verdict, [t.trial.key for t in trials])
    checks = check_rows(verdict)
    return Page(
        verdict,
        evidence,
        checks,
        trials,
        next((t.id for t in trials if t.trial.key == worst), ""),
        _switch(trials, many_arms=len(evidence.experiment.arms) > 1),
        check_groups(verdict, [row.name for row in checks]) if len(trials) > 1 else (),
        by_target(verdict, evidence),
        _beside(trials, worst),
        operated(evidence),
    )


def _switch(trials: Sequence[TrialView], *, many_arms: bool) -> tuple[Switch, ...]:
    """A row for each arm and target; one row for all where each would have one trial."""
    many_targets = len({t.trial.target for t in trials}) > 1
    rows: dict[str, list[TrialView]] = {}
    for view in trials:
        arm = view.trial.arm if many_arms else ""
        target = short(view.trial.target) if many_targets else ""
        rows.setdefault(" \u00b7 ".join(filter(None, (arm, target))) or "trial", []).append(view)
    if all(len(row) == 1 for row in rows.values()):
        return (Switch("", tuple((label, row[0]) for label, row in rows.items())),)
    return tuple(
        Switch(label, tuple((str(v.trial.trial), v) for v in row)) for label, row in rows.items()
    )


def _beside(trials: Sequence[TrialView], key: str) -> Multiples | None:
    """The trials of that one's round, target beside target."""
    shown = next((t.trial for t in trials if t.trial.key == key), None)
    if shown is None:
        return None
    return multiples(
        [
            Drawn(t.id, t.trial.target, t.outcome, t.charts, t.span.seconds, t.fault)
            for t in trials
            if (t.trial.arm, t.trial.trial) == (shown.arm, shown.trial)
        ]
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
    others, bad_others = other_flames(trial)
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
        sparks=tuple(
            (c.title, svg.sparkline(c, span.seconds, shade)) for c in made if c.id in _DRAWN
        ),
        heap=heap,
        goroutines=groups,
        states=None if routines is None else of_captures(routines),
        flames=(*(() if heaps is None else flames(heaps)), *others),
        missing=bad_heaps + bad_heap + bad_routines + bad_groups + bad_others,
        events=events(trial, span.start, of_trial(evidence, trial, span)),
        cycles=_cycles(trial, span.start, max(20, _CYCLE_ROWS // many)),
        trace=trace_rows(trial, span.start, max(20, _CYCLE_ROWS // many)),
        waits=waited(evidence, trial, span),
        histograms=histogram_tables(trial),
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
