"""Every piece of evidence leads to the place on the page that shows it."""

from __future__ import annotations

import pytest

from chaosmem.evidence.model import Evidence
from chaosmem.report.links import Link, link
from chaosmem.report.page import page
from chaosmem.verify.model import Pointer
from tests.report import sample

EVIDENCE = sample.evidence("leak")


def led(pointer: Pointer, evidence: Evidence = EVIDENCE) -> Link:
    (view,) = page(sample.verdict(evidence), evidence).trials
    return link(view.shown, pointer, frozenset({12}))


def test_a_series_leads_to_its_chart_and_its_interval_in_seconds_of_the_trial() -> None:
    found = led(Pointer("s/agent.npz", "goroutines.count@v1, after release", start=26, end=31))
    assert (found.anchor, found.chart) == ("t0-lines", "goroutines")
    assert (found.start, found.end) == (25.0, 30.0)
    assert found.words == "s/agent.npz, 25.0\u201330.0 s (goroutines.count@v1, after release)"


@pytest.mark.parametrize(
    ("what", "chart"),
    [
        ("memory.heap.live@v1", "heap"),
        ("memory.go.total@v1", "layers"),
        ("cpu.gc@v1", "gc-cpu"),
        ("load.sent@v1", "load"),
        ("load.latency@v1", "latency"),
        ("last sample", ""),
        ("process.threads@v1", ""),
    ],
)
def test_each_metric_is_shown_by_the_chart_that_draws_it(what: str, chart: str) -> None:
    assert led(Pointer("s/agent.npz", what, start=3, end=3)).chart == chart


def test_gc_cycles_are_marked_on_the_heap() -> None:
    cycles = EVIDENCE.trials[0].cycles.file
    assert led(Pointer(cycles, "GC cycles", start=16, end=26)).chart == "heap"


def test_a_heap_capture_leads_to_the_flame_graph_of_its_moment() -> None:
    file = next(c.file for c in EVIDENCE.trials[0].captures if c.id == "heap@hold.end")
    found = led(Pointer(file, "heap profile", start=25.9, end=26))
    assert found.anchor == "t0-flames"
    flames = page(sample.verdict(EVIDENCE), EVIDENCE).trials[0].flames
    assert flames[found.graph].title == "In use at hold.end"


def test_a_capture_without_a_flame_graph_leads_to_its_table() -> None:
    files = {c.id: c.file for c in EVIDENCE.trials[0].captures}
    assert led(Pointer(files["heap@baseline.end"])).anchor == "t0-stacks"
    assert led(Pointer(files["goroutine@hold.end"])).anchor == "t0-groups"


def test_a_line_of_the_journal_leads_to_what_happened_then() -> None:
    found = led(Pointer("journal.jsonl", "f1", line=30))
    events = page(sample.verdict(EVIDENCE), EVIDENCE).trials[0].events
    assert events[int(found.anchor.removeprefix("t0-event-"))].words.startswith("undone: ")


def test_a_log_leads_to_its_gctrace_lines() -> None:
    assert led(Pointer("trials/default-1/stderr.log", "worst landing", line=3)).anchor == "t0-trace"


def test_evidence_of_the_run_leads_to_the_undo_ledger() -> None:
    assert link(None, Pointer("journal.jsonl", "u1", line=12), frozenset({12})).anchor == "undo-12"


def test_what_no_place_shows_is_no_link() -> None:
    assert led(Pointer("captures/unknown.json", "histograms")).anchor == ""
    assert link(None, Pointer("journal.jsonl", line=5), frozenset()).anchor == ""
