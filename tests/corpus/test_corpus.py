"""Real Go programs with one known defect each: every check must say what is true of them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from chaosmem.drivers import procfs
from tests.corpus.conftest import Done
from tests.corpus.truth import CASES, WORDS, Case

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.timeout(300),
]
EACH = pytest.mark.parametrize("case", CASES, ids=[c.program for c in CASES])


def _outcomes(done: Done) -> dict[str, str]:
    findings = done.verdict["findings"]
    assert isinstance(findings, list)
    return {f["check"]: f["outcome"] for f in findings}


def test_every_program_of_the_corpus_has_a_case() -> None:
    programs = {p.parent.name for p in Path(__file__).parent.glob("*/main.go")}
    assert programs == {c.program for c in CASES}


@EACH
def test_each_check_says_what_is_true(case: Case, ran: Callable[[str], Done]) -> None:
    done = ran(case.program)
    said = _outcomes(done)
    wrong = {
        check: f"{said.get(check)}, true is {expected}"
        for check, expected in case.outcomes.items()
        if said.get(check) not in [WORDS[letter] for letter in expected]
    }
    assert not wrong, f"{case.why}\n{done.stdout}\n{done.stderr}"


@EACH
def test_the_exit_code_is_the_verdicts(case: Case, ran: Callable[[str], Done]) -> None:
    done = ran(case.program)
    assert done.exit_code in case.exits, f"{case.why}\n{done.stdout}\n{done.stderr}"


@EACH
def test_the_verdict_is_recomputed_byte_for_byte(case: Case, ran: Callable[[str], Done]) -> None:
    done = ran(case.program)
    again = subprocess.run(
        [sys.executable, "-m", "chaosmem", "verify", done.rundir, "--format", "json"],
        capture_output=True,
        check=False,
    )
    assert again.stdout == (done.rundir / "verdict.json").read_bytes()


@EACH
def test_nothing_is_left_behind(case: Case, ran: Callable[[str], Done]) -> None:
    done = ran(case.program)
    assert not list(procfs.with_environment(f"CHAOSMEM_RUN={done.rundir.name}"))
    journal = (done.rundir / "journal.jsonl").read_text()
    assert journal.count('"undo.planned"') == journal.count('"undo.done"')
