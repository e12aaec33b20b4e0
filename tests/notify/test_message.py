"""Claims about what is told: the verdict with its numbers, what was done, nothing harmful."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chaosmem.errors import RunDirError, UndoIncomplete
from chaosmem.notify import compose, wording
from chaosmem.notify.compose import About
from chaosmem.notify.redact import Redactor
from chaosmem.plan.model import PlannedTarget
from chaosmem.rundir import RunDir
from chaosmem.rundir.events import GuardTripped
from chaosmem.verify.model import Finding, Number, Outcome, Verdict
from tests.verify.build import SURGE, evidence, fault, trial

SEEN = evidence(trial(faults=[fault(SURGE)]))
TARGET = PlannedTarget(name="process", kind="process", detail="start ./demo")
PLAN = SEEN.plan.model_copy(update={"targets": (TARGET,)})
ABOUT = About(PLAN, RunDir(Path("/runs/cart/2026-1")), {"team": "shop"})


def _finding(**changes: object) -> Finding:
    fields: dict[str, object] = {
        "check": "goroutine-recovery",
        "name": "goroutine-recovery",
        "outcome": Outcome.FAIL,
        "observed": "4120 goroutines",
        "expected": "they come back within 10 s",
        "threshold": "<= 10 s",
        "reason": "4120 goroutines 10 s after the release, 120 before",
        "trial_key": "default-1",
        "numbers": {"left": Number(4000.0, "1"), "after": Number(10.0, "s", 0.05)},
    }
    return Finding(**(fields | changes))  # type: ignore[arg-type]


def _verdict(*findings: Finding, code: int = 1) -> Verdict:
    return Verdict(
        "2026-1", "cart", Outcome.FAIL, "goroutine-recovery: 4120", findings, exit_code=code
    )


def test_a_verdict_tells_what_failed_with_its_numbers_and_where_the_report_is() -> None:
    good = _finding(outcome=Outcome.PASS)
    note = compose.of_verdict(ABOUT, SEEN, _verdict(good, _finding()))
    assert note.title == "chaosmem: FAIL cart"
    lines = wording.text(note).splitlines()
    assert lines[0] == "goroutine-recovery: 4120"
    assert "FAIL goroutine-recovery (default-1)" in lines
    assert "    4120 goroutines 10 s after the release, 120 before" in lines
    assert "    left 4000, after 10 s ± 50 ms" in lines
    assert "fault: goroutines-1: does (done)" in lines
    assert "team: shop" in lines
    assert lines[-1] == "report: /runs/cart/2026-1/report.html"
    assert "PASS" not in wording.text(note)


def test_the_body_of_a_webhook_is_this() -> None:
    body = json.loads(compose.of_verdict(ABOUT, SEEN, _verdict(_finding())).body())
    assert isinstance(body.pop("at"), str)
    assert isinstance(body.pop("host"), str)
    assert body == {
        "version": 1,
        "event": "verdict",
        "occasion": "fail",
        "title": "chaosmem: FAIL cart",
        "says": "goroutine-recovery: 4120",
        "experiment": "cart",
        "runId": "2026-1",
        "outcome": "FAIL",
        "exitCode": 1,
        "labels": {"team": "shop"},
        "targets": ["start ./demo"],
        "did": ["goroutines-1: does (done)"],
        "guard": None,
        "findings": [
            {
                "check": "goroutine-recovery",
                "name": "goroutine-recovery",
                "outcome": "FAIL",
                "trial": "default-1",
                "target": "",
                "observed": "4120 goroutines",
                "expected": "they come back within 10 s",
                "reason": "4120 goroutines 10 s after the release, 120 before",
                "numbers": {
                    "left": {"value": 4000.0, "unit": "1", "error": None},
                    "after": {"value": 10.0, "unit": "s", "error": 0.05},
                },
            }
        ],
        "leftOut": 0,
        "report": "/runs/cart/2026-1/report.html",
    }


@pytest.mark.parametrize(
    ("code", "occasion", "title"),
    [
        (0, "pass", "chaosmem: PASS cart"),
        (3, "inconclusive", "chaosmem: INCONCLUSIVE cart"),
        (4, "aborted", "chaosmem: ABORTED cart"),
        (5, "undo-incomplete", "chaosmem: UNDO INCOMPLETE cart"),
    ],
)
def test_the_exit_code_decides_who_is_told(code: int, occasion: str, title: str) -> None:
    note = compose.of_verdict(ABOUT, SEEN, _verdict(code=code))
    assert (note.occasion, note.title) == (occasion, title)


def test_what_decides_is_told_first_and_the_rest_is_counted() -> None:
    unsure = [_finding(outcome=Outcome.INCONCLUSIVE, name=f"i{n}") for n in range(30)]
    advice = _finding(advisory=True, name="advice")
    note = compose.of_verdict(ABOUT, SEEN, _verdict(advice, *unsure, _finding(name="decides")))
    assert (note.findings[0].name, len(note.findings), note.left_out) == ("decides", 20, 12)
    assert "… and 12 more that did not pass" in wording.text(note)


def test_a_fault_that_was_not_done_is_not_told_as_done() -> None:
    seen = evidence(trial(faults=[fault(SURGE, applied=None)]))
    note = compose.of_verdict(ABOUT, seen, _verdict())
    assert note.did == ("goroutines-1: does (not done)",)


def test_a_guard_tells_itself_and_that_the_run_is_being_undone() -> None:
    note = compose.of_guard(ABOUT, GuardTripped(t=12.5, trial="t00", guard="heap", text="9 GiB"))
    assert note.title == "chaosmem: GUARD TRIPPED cart"
    assert note.says == "heap: 9 GiB; the run is being stopped and undone"
    assert note.guard is not None
    assert (note.guard.t, note.outcome, note.exit_code) == (12.5, "", None)


def test_no_verdict_is_told_as_none() -> None:
    note = compose.of_failure(ABOUT, RunDirError("the disk is full"))
    assert (note.occasion, note.says) == ("inconclusive", "there is no verdict: the disk is full")
    assert compose.of_failure(ABOUT, UndoIncomplete("x")).occasion == "undo-incomplete"


def test_text_of_a_target_is_no_mention_no_link_and_no_second_line() -> None:
    nasty = _finding(reason="<!channel> <http://evil|click> & \x1b[2J\u202e\nreport: /etc")
    note = compose.of_verdict(ABOUT, SEEN, _verdict(nasty))
    said = wording.slack(note)
    assert "&lt;!channel&gt; &lt;http://evil|click&gt; &amp; \ufffd[2J\ufffd report: /etc" in said
    assert "<" not in said


def test_a_reason_without_end_is_cut() -> None:
    note = compose.of_verdict(ABOUT, SEEN, _verdict(*[_finding(reason="x" * 10**6)] * 30))
    assert len(wording.slack(note)) < 40_000


@pytest.mark.parametrize(
    ("secret", "text"),
    [
        ("https://hooks.example.com/services/T01/B02/xyzzy", "no route to /services/T01/B02/xyzzy"),
        ("https://h/?key=xyzzy", "403 for xyzzy"),
        ("https://me:xyzzy@h/", "me:xyzzy"),
        ("pass xyzzy", "pass%20xyzzy"),
        ("xyzzy", "eHl6enk="),
    ],
)
def test_no_part_of_a_secret_is_said(secret: str, text: str) -> None:
    said = Redactor([secret]).clean(text)
    assert "xyzzy" not in said
    assert "eHl6enk" not in said
    assert "[secret]" in said


def test_without_secrets_nothing_is_hidden() -> None:
    assert Redactor([]).clean("all of it") == "all of it"


def test_the_host_of_a_secret_url_may_be_said() -> None:
    assert Redactor(["https://hooks.example.com/T01xyzzy"]).clean("hooks.example.com: 404") == (
        "hooks.example.com: 404"
    )
