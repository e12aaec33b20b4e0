"""The run report: one self-contained HTML page (see `document`)."""

from __future__ import annotations

from collections.abc import Callable

from chaosmem.evidence.model import Evidence
from chaosmem.report.chart import Chart
from chaosmem.report.charts import rounding
from chaosmem.report.document import document
from chaosmem.report.links import Link, link
from chaosmem.report.operators import KIND
from chaosmem.report.page import Page, TrialView, page
from chaosmem.report.words import plain
from chaosmem.verify.model import Finding, Pointer, Verdict

_SCRIPTS = (
    "vendor/uplot/uPlot.iife.min.js",
    "bands.js",
    "marks.js",
    "charts.js",
    "flame.js",
    "flamepart.js",
    "evidence.js",
    "page.js",
)
_STYLES = ("vendor/uplot/uPlot.min.css", "report.css")
_MOST_CYCLES = 3_000  # marks of GC cycles in all trials together


def html(verdict: Verdict, evidence: Evidence) -> str:
    """The report as one HTML document, UTF-8."""
    made = page(verdict, evidence)
    return document(
        "report.html.j2",
        _SCRIPTS,
        _STYLES,
        {f"data-{trial.id}": _trial(trial, len(made.trials)) for trial in made.trials},
        page=made,
        verdict=verdict,
        evidence=evidence,
        link=_linker(made),
    )


def _trial(view: TrialView, trials: int) -> dict[str, object]:
    start = view.span.start
    cycles = view.trial.cycles
    step = max(1, -(-len(cycles) * trials // _MOST_CYCLES)) if len(cycles) else 1
    return {
        "seconds": max(round(view.span.seconds, 3), 0.001),
        "phases": [
            [str(phase), round(w.start - start, 3), round(w.end - start, 3)]
            for phase, w in view.trial.phases.items()
        ],
        "fault": view.fault,
        "captures": [
            [round(c.begin - start, 3), f"{c.profile} capture"]
            for c in view.trial.captures
            if not c.error
        ],
        "cycles": [
            [int(n), round(float(t) - start, 3)]
            for n, t in zip(cycles["n"][::step], cycles["t"][::step], strict=True)
        ]
        if len(cycles)
        else [],
        "acts": [[round(e.t, 3), plain(e.words)] for e in view.events if e.kind == KIND],
        "waits": [[round(w.start, 3), round(w.end, 3), plain(w.words)] for w in view.waits],
        "charts": [_chart(c) for c in view.charts],
        "flames": [f.columns() for f in view.flames],
    }


def _chart(chart: Chart) -> dict[str, object]:
    written = rounding(chart.unit)
    return {
        "id": chart.id,
        "title": chart.title,
        "unit": chart.unit,
        "band": chart.band,
        "deadline": chart.deadline,
        "lines": [
            {"label": line.label, "role": line.role, "step": line.step, "area": line.area}
            for group in chart.columns
            for line in group.lines
        ],
        "groups": [
            [[round(float(t), 3) for t in group.t], *(written(v) for v in group.v)]
            for group in chart.columns
        ],
    }


def _linker(made: Page) -> Callable[[Finding, Pointer], Link]:
    """Where the page shows each piece of a finding's evidence."""
    ledger = frozenset(record.line for record in made.evidence.undo if record.line)
    shown = {view.trial.key: view.shown for view in made.trials}
    return lambda finding, pointer: link(shown.get(finding.trial_key), pointer, ledger)
