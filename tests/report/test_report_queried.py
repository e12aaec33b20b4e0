"""Answers of Prometheus, and the runtime's histograms, where a finding leads to them."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import pytest

from chaosmem.evidence.model import Histogram, Trial
from chaosmem.report.chart import Chart
from chaosmem.report.histograms import histogram_tables
from chaosmem.report.links import link
from chaosmem.report.page import page
from chaosmem.report.queried import queried
from chaosmem.verify.model import Finding, Number, Outcome, Pointer
from tests.report import sample

FILE = "prometheus/default-1-promql.json"
ANSWER = {
    "zero": 1000.0,
    "resolved": "go_goroutines",
    "answer": [
        {
            "metric": {"__name__": "go_goroutines", "job": "shop", "pod": "a"},
            "values": [[1002.0, "11"], [1003.0, "NaN"], [1004.0, "2011"]],
        },
        {"metric": {"__name__": "go_goroutines", "pod": "b"}, "values": []},
    ],
}


def asked(answer: object) -> tuple[Trial, Finding]:
    """The sample's trial with an answer kept, and a finding that rests on it."""
    trial = sample.evidence().trials[0]
    data = json.dumps(answer).encode()
    finding = Finding(
        "promql", "promql", Outcome.PASS, "", "", "", "",
        (Pointer(FILE, "Prometheus"),), trial_key=trial.key, headline=Number(11, "1"),
    )  # fmt: skip
    return replace(trial, read=lambda name: data if name == FILE else trial.read(name)), finding


def drawn(answer: object) -> tuple[Chart, ...]:
    trial, finding = asked(answer)
    return queried(trial, [finding], 1_000)


def test_an_answer_is_a_time_line_in_seconds_of_the_trial() -> None:
    (chart,) = drawn(ANSWER)
    (columns,) = chart.columns
    assert chart.source == "Prometheus: go_goroutines"
    assert [line.label for line in columns.lines] == ["pod=a"]
    assert columns.t.tolist() == [1.0, 3.0]  # the trial begins 1 s into the run
    assert columns.v[0].tolist() == [11.0, 2011.0]


@pytest.mark.parametrize(
    "answer",
    [{}, [], {"zero": 0.0, "answer": []}, {"answer": [{"metric": {}, "values": [[1, 2]]}]}],
)
def test_what_is_no_answer_is_no_time_line(answer: Any) -> None:
    assert drawn(answer) == ()


def test_the_finding_leads_to_its_answer() -> None:
    trial, finding = asked(ANSWER)
    evidence = replace(sample.evidence(), trials=(trial,))
    verdict = sample.verdict(evidence)
    verdict = replace(verdict, findings=(*verdict.findings, finding))
    found = link(page(verdict, evidence).trials[0].shown, finding.evidence[0], frozenset())
    assert (found.anchor, found.chart) == ("t0-lines", "query0")


def test_histograms_are_told_from_one_moment_to_the_next() -> None:
    name = "/sched/pauses/total/gc:seconds"
    readings = (
        Histogram(name, "baseline.end", 1.0, ((1e-5, 2e-5, 3),), "a.json"),
        Histogram(name, "hold.end", 2.0, ((1e-5, 2e-5, 10), (1e-3, math.inf, 2)), "b.json"),
    )
    trial = replace(sample.evidence().trials[0], histograms=readings)
    (table,) = histogram_tables(trial)
    assert table.spans == ("until baseline.end", "baseline.end to hold.end")
    assert table.rows == (("10 µs to 20 µs", (3, 7)), ("1 ms and more", (0, 2)))
    assert table.most == 7


def test_a_histogram_leads_to_its_table() -> None:
    evidence = sample.evidence()
    shown = page(sample.verdict(evidence), evidence).trials[0].shown
    pointer = Pointer("trials/default-1/hist.json", "pauses", start=40, end=40)
    assert link(shown, pointer, frozenset()).anchor == "t0-histograms"
