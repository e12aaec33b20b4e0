"""From a finding's evidence to the place on the page that shows it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from chaosmem.evidence.model import Trial
from chaosmem.report.chart import Chart
from chaosmem.report.happened import Event
from chaosmem.report.words import pointer
from chaosmem.verify.model import Pointer

_METRIC = re.compile(r"[\w.]+@v\d+")


@dataclass(frozen=True, slots=True)
class Shown:
    """What a trial's part of the page shows, and under which ids; `graphs` are moments."""

    id: str
    trial: Trial
    start: float
    charts: tuple[Chart, ...]
    graphs: tuple[str, ...]
    stacks: bool
    groups: bool
    states: bool
    cycles: bool
    trace: bool
    histograms: frozenset[str]
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Link:
    """One piece of evidence.

    Attributes:
        words: where it is in the run directory; times are seconds of the trial.
        anchor: id of what shows it; empty where nothing on the page does.
        chart: the time line that draws it, empty where none does.
        graph: which flame graph, by number; -1: none.
        start, end: its interval, seconds of the trial.
    """

    words: str
    anchor: str = ""
    chart: str = ""
    graph: int = -1
    start: float | None = None
    end: float | None = None


def link(shown: Shown | None, given: Pointer, ledger: frozenset[int]) -> Link:
    """Where the page shows a piece of evidence.

    Args:
        shown: the trial that the finding is about; None for the run as a whole.
        given: the evidence.
        ledger: lines of the journal that the undo ledger shows.
    """
    if shown is None:
        return Link(pointer(given), _ledger(given, ledger))
    at = _of_trial(given, shown.start)
    words, start, end = pointer(at), at.start, at.end if at.end is not None else at.start
    chart = _chart(shown, given)
    drawn = chart or start is not None
    lines = f"{shown.id}-lines" if shown.charts and drawn else ""
    anchor = _table(shown, given) or lines or _ledger(given, ledger)
    return Link(words, anchor, chart, _graph(shown, given), start, end)


def _of_trial(given: Pointer, start: float) -> Pointer:
    begin, end = (None if t is None else round(t - start, 3) for t in (given.start, given.end))
    return Pointer(given.file, given.what, given.line, begin, end)


def _ledger(given: Pointer, ledger: frozenset[int]) -> str:
    known = given.file.startswith("journal") and given.line in ledger
    return f"undo-{given.line}" if known else ""


def _chart(shown: Shown, given: Pointer) -> str:
    """The time line of the metric that is named; of GC cycles the heap's."""
    names = set(_METRIC.findall(given.what))
    found = next((c.id for c in shown.charts if names & set(c.shows) or _is_of(c, given)), "")
    heap = given.file == shown.trial.cycles.file and any(c.id == "heap" for c in shown.charts)
    return found or ("heap" if heap else "")


def _is_of(chart: Chart, given: Pointer) -> bool:
    return bool(chart.file) and chart.file == given.file


def _table(shown: Shown, given: Pointer) -> str:
    """The id of the table or flame graph that shows a capture, a log or a line of the journal."""
    capture = next((c for c in shown.trial.captures if c.file == given.file), None)
    if capture is not None:
        return _of_capture(shown, capture.profile, capture.moment)
    if given.file in shown.histograms:
        return f"{shown.id}-histograms"
    if shown.trial.log is not None and given.file == shown.trial.log.file:
        return f"{shown.id}-trace" if shown.trace else ""
    if given.file.startswith("journal"):
        row = next((i for i, e in enumerate(shown.events) if given.line in e.lines), None)
        return "" if row is None else f"{shown.id}-event-{row}"
    return ""


def _of_capture(shown: Shown, profile: str, moment: str) -> str:
    if f"{profile} {moment}" in shown.graphs:
        return f"{shown.id}-flames"
    if profile == "heap" and shown.stacks:
        return f"{shown.id}-stacks"
    if profile == "goroutine" and (shown.groups or shown.states):
        return f"{shown.id}-groups" if shown.groups else f"{shown.id}-states"
    return ""


def _graph(shown: Shown, given: Pointer) -> int:
    capture = next((c for c in shown.trial.captures if c.file == given.file), None)
    if capture is None:
        return -1
    name = f"{capture.profile} {capture.moment}"
    return shown.graphs.index(name) if name in shown.graphs else -1
