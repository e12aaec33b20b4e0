"""Acts, notes and waits of operators: on the time line, in what happened when, in every form."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from chaosmem.evidence.acts import ActRecord, WaitRecord
from chaosmem.evidence.model import Evidence
from chaosmem.report import html, markdown, text
from chaosmem.report.operators import act_words, operated, wait_words
from chaosmem.report.page import page
from tests.report import sample

OURS = {"operator", "wait"}
ACTS = (
    ActRecord(17.0, "hold", by="ana", line=40),
    ActRecord(18.5, "note", by="ben", text="the pager is quiet", line=41),
    ActRecord(60.0, "note", text="after lunch", at="2026-11-23T19:00:00Z", late=True, line=90),
)


def run(**kind: object) -> Evidence:
    made = sample.evidence(**kind)  # type: ignore[arg-type]
    waits = tuple(
        WaitRecord(t.key, "hold", "hold", 26.0, 31.0, "asked", line=50)
        for t in made.trials
        if t.trial == 1 and t.arm == made.trials[0].arm
    )
    return replace(made, acts=ACTS, waits=waits)


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (ACTS[0], "hold by ana"),
        (ACTS[1], "note by ben: the pager is quiet"),
        (ACTS[2], "note, written after the end (2026-11-23T19:00:00Z): after lunch"),
        (ActRecord(1, "extend", seconds=10.0, by="ana"), "extend of 10 s by ana"),
        (ActRecord(1, "note", refused="too long", by="x"), "note by x refused: too long"),
        (ActRecord(1, "", refused="not JSON"), "a request refused: not JSON"),
        (ActRecord(1, "pause", reason="before hold"), "pause: before hold"),
    ],
)
def test_an_act_is_one_sentence(act: ActRecord, words: str) -> None:
    assert act_words(act) == words


@pytest.mark.parametrize(
    ("wait", "words"),
    [
        (
            WaitRecord("t", "hold", "hold", 26.0, 31.0, "asked"),
            "hold lasted 5 s longer than planned, as asked",
        ),
        (
            WaitRecord("t", "pause", "inject", 1.0, 2.5, "longest"),
            "paused 1.5 s before inject, it might wait no longer",
        ),
        (
            WaitRecord("t", "pause", "inject", 1.0),
            "waited (pause) at inject until the journal ends",
        ),
    ],
)
def test_a_wait_says_how_long_and_why_it_ended(wait: WaitRecord, words: str) -> None:
    assert wait_words(wait) == words


def test_a_round_that_waited_on_several_targets_waited_once() -> None:
    evidence = run(pods=("shop/a", "shop/b"))
    assert len(evidence.waits) == 2
    assert [e.words for e in operated(evidence)].count(
        "hold lasted 5 s longer than planned, as asked"
    ) == 1


def test_the_trial_that_went_on_shows_the_acts_and_others_do_not() -> None:
    evidence = run(trials=2)
    one, two = page(sample.verdict(evidence), evidence).trials
    assert [(e.t, e.line) for e in one.events if e.kind in OURS] == [
        (16.0, 40),
        (17.5, 41),
        (25.0, 50),
    ]
    assert [e for e in two.events if e.kind in OURS] == []
    assert [(w.start, w.end) for w in one.waits] == [(25.0, 30.0)]


def test_the_time_lines_have_the_acts_and_waits() -> None:
    evidence = run()
    found = re.search(
        r'<script type="application/json" id="data-t0">(.*?)</script>',
        html(sample.verdict(evidence), evidence),
    )
    assert found is not None
    data = json.loads(found[1])
    assert [t for t, _ in data["acts"]] == [16.0, 17.5]
    assert data["waits"] == [[25.0, 30.0, "hold lasted 5 s longer than planned, as asked"]]


def test_every_form_tells_what_operators_did_and_noted() -> None:
    evidence = run()
    verdict = sample.verdict(evidence)
    terminal = text(verdict, evidence, color=False, width=120)
    assert "operator    note by ben: the pager is quiet (t=18.5 s)" in terminal
    assert "- **Operator** note by ben\\: the pager is quiet (t=18.5 s)" in markdown(
        verdict, evidence
    )
    first, _, rest = html(verdict, evidence).partition('id="checks"')
    assert "note by ben: the pager is quiet" in first
    assert "after lunch" in rest


def test_a_run_that_nobody_touched_says_nothing_of_operators() -> None:
    evidence = sample.evidence()
    verdict = sample.verdict(evidence)
    assert "perator" not in text(verdict, evidence, color=False, width=120)
    assert "What operators did" not in html(verdict, evidence)


def test_a_note_is_text_and_never_markup() -> None:
    hostile = ActRecord(5.0, "note", by="<b>", text=sample.HOSTILE, line=3)
    evidence = replace(sample.evidence(), acts=(hostile,))
    page_ = html(sample.verdict(evidence), evidence)
    assert "<img" not in page_
    assert "<b>" not in page_
    assert "\x1b" not in page_
