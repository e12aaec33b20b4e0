from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from rich.text import Text

from chaosmem.report import text
from tests.report import sample


def shown(width: int = 100, *, directory: str = "", **kind: Any) -> str:
    evidence = sample.evidence(**kind)
    return text(sample.verdict(evidence), evidence, color=False, width=width, directory=directory)


def test_the_first_line_is_the_outcome_in_a_word_and_the_experiment() -> None:
    assert shown(kind="leak").splitlines()[0] == "✗ FAIL  cart-heap-surge"


def test_each_check_says_what_was_seen_what_was_expected_and_why() -> None:
    lines = [line.split() for line in shown(kind="leak", width=200).splitlines()]
    at = lines.index(["✗", "FAIL", "goroutine-recovery"])
    assert " ".join(lines[at + 1]) == "observed 228 goroutines 15.0 s after release"
    assert lines[at + 2][0] == "expected"
    assert lines[at + 3][:3] == ["why", "210", "goroutines"]


def test_failed_checks_stand_before_passed_ones_and_advisory_ones_last() -> None:
    heads = [line for line in shown(kind="leak").splitlines() if line[:2] in {"✗ ", "✓ ", "? "}]
    assert [h.split()[1] for h in heads[1:]] == ["FAIL", "PASS", "PASS", "INCONCLUSIVE"]
    assert heads[-1].endswith("advisory")


def test_several_trials_are_counted_and_arms_compared() -> None:
    out = shown(kind="leak", trials=3, arms=("default", "madvise"))
    assert "goroutine-recovery  default  1 of 3 trials, shown: trial 3" in out
    assert "goroutine-recovery, madvise" in out
    assert "too few trials to show one (4 in each arm are the fewest)" in " ".join(out.split())


def test_what_was_not_undone_and_damaged_evidence_are_named() -> None:
    out = shown(kind="aborted")
    assert "NOT UNDONE  release 500 goroutines of demo: connection refused" in out
    assert "damaged evidence  journal.jsonl:78: torn last line" in out
    assert "only 0 of 1 complete" in out


def test_files_are_named_where_the_directory_is_known() -> None:
    assert "report      runs/x/report.html\n" in shown(directory="runs/x/")
    assert "report.html" not in shown()


@pytest.mark.parametrize("width", [40, 80, 200])
def test_no_line_of_a_plain_report_is_wider_than_the_terminal(width: int) -> None:
    lines = shown(width, kind="leak", trials=3, arms=("default", "madvise")).splitlines()
    assert max(map(len, lines)) <= width


def test_a_target_cannot_write_escape_sequences_to_the_terminal() -> None:
    out = shown(hostile=True, kind="aborted")
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert "\ufffd[31m\ufffd" in out


def test_colour_adds_nothing_but_colour() -> None:
    evidence = sample.evidence("leak")
    verdict = sample.verdict(evidence)
    coloured = text(verdict, evidence, color=True, width=100)
    assert "\x1b[1;31m" in coloured
    plain = text(verdict, evidence, color=False, width=100)
    assert [line.rstrip() for line in Text.from_ansi(coloured).plain.splitlines()] == (
        plain.splitlines()
    )


def test_a_run_without_findings_does_not_look_green() -> None:
    evidence = sample.evidence()
    verdict = replace(sample.verdict(evidence), findings=(), summaries=())
    out = text(verdict, evidence, color=False, width=100)
    assert "? INCONCLUSIVE  no check gave a finding" in out


def test_the_word_of_the_outcome_is_not_said_twice() -> None:
    evidence = sample.evidence("leak")
    verdict = replace(sample.verdict(evidence), says="FAIL: goroutines stay")
    assert text(verdict, evidence, color=False, width=80).splitlines()[1] == "goroutines stay"


def test_arms_that_pass_alike_share_a_row_and_others_do_not() -> None:
    out = shown(kind="leak", trials=3, arms=("default", "madvise"))
    heads = [line.split("  ") for line in out.splitlines() if line[:2] in {"\u2717 ", "\u2713 "}]
    assert [h[-2:] for h in heads[1:]] == [
        ["default", "1 of 3 trials, shown: trial 3"],
        ["madvise", "3 of 3 trials, shown: trial 1"],
        ["every arm", "6 of 6 trials, shown: default trial 1"],
        ["every arm", "6 of 6 trials, shown: default trial 1"],
    ]
