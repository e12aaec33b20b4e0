"""The gate as a CI calls it, on a real Go process."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import jsonschema
import pytest
import xmlschema

from chaosmem import rundir, verify
from chaosmem.errors import Exit
from chaosmem.history.model import Run
from tests.cluster.api import wait_for
from tests.gate.lab import INERT, LEAK, SLOWER, SPEC, Done, Lab, undisturbed

pytestmark = pytest.mark.timeout(600)
DATA = Path(__file__).parent / "data"
SARIF = jsonschema.Draft4Validator(json.loads((DATA / "sarif-2.1.0-rtm.5.json").read_bytes()))
JUNIT = xmlschema.XMLSchema(DATA.parents[1] / "report" / "data" / "junit-10.xsd")
FILES = ["gate.json", "junit.xml", "report.html", "results.sarif", "summary.md", "verdict.json"]
RECOVERY = SPEC.splitlines().index(
    "  - goroutine-recovery: {within: 4s, dwell: 200ms, minSamples: 4}"
)


def _valid(lab: Lab) -> None:
    SARIF.validate(json.loads((lab.out / "results.sarif").read_bytes()))
    JUNIT.validate((lab.out / "junit.xml").read_text())


def _red(lab: Lab) -> list[str]:
    """Names of the cases that a CI shows as red."""
    cases = ET.parse(lab.out / "junit.xml").iter("testcase")  # noqa: S314 - our own
    reds = ("failure", "error")
    return [c.get("name", "") for c in cases if any(c.find(r) is not None for r in reds)]


def _lines(lab: Lab) -> list[int]:
    """Lines of the spec that the SARIF marks."""
    places = [r["locations"][0]["physicalLocation"] for r in lab.sarif()["results"]]
    return [p["region"]["startLine"] for p in places]


def test_a_pass_opens_the_gate_and_leaves_every_file(passed: Lab) -> None:
    assert sorted(p.name for p in passed.out.iterdir()) == FILES
    _valid(passed)
    assert _red(passed) == []
    assert passed.decision()["passed"] is True


def test_the_verdict_kept_is_the_runs_own_and_is_recomputed(passed: Lab) -> None:
    found = list(rundir.runs(passed.base / "runs"))[-1]
    kept = (passed.out / "verdict.json").read_bytes()
    assert kept == found.read("verdict.json")
    assert verify.from_json(kept).run_id == passed.decision()["run_id"]


def test_a_missing_baseline_is_said_and_opens_the_gate(passed: Lab) -> None:
    assert passed.decision()["regression"] is None
    notes = " ".join(passed.decision()["notes"])
    assert "no baseline" in notes
    assert "no regression would be seen" in (passed.out / "summary.md").read_text()


def test_an_advisory_check_that_fails_is_shown_and_opens_the_gate(passed: Lab) -> None:
    (found,) = [f for f in passed.decision()["findings"] if f["check"] == "pause"]
    assert found["advisory"]
    assert not found["fails_the_gate"]
    assert found["outcome"] != "PASS"
    assert "pause" in (passed.out / "summary.md").read_text()


def test_a_fail_shuts_the_gate_and_marks_its_check_in_the_spec(lab: Lab) -> None:
    done = lab.gate("--annotations", "github", env=LEAK, wanted=Exit.FAIL)
    assert done.code == Exit.FAIL, done.said
    _valid(lab)
    assert _red(lab) == ["goroutine-recovery"]
    assert RECOVERY + 1 in _lines(lab)
    marked = f"::error file=spec.yaml,line={RECOVERY + 1},col="
    assert any(line.startswith(marked) for line in done.stdout.splitlines()), done.said


def test_inconclusive_shuts_the_gate_and_is_no_pass(lab: Lab) -> None:
    done = lab.gate(env=INERT, wanted=Exit.INCONCLUSIVE)
    assert done.code == Exit.INCONCLUSIVE, done.said
    _valid(lab)
    assert _red(lab) == ["stress-effect", "goroutine-recovery"]
    kinds = {r["ruleId"]: r["kind"] for r in lab.sarif()["results"]}
    assert kinds["check/goroutine-recovery"] == "open"


def test_inconclusive_is_let_through_only_where_that_is_said_and_is_told(lab: Lab) -> None:
    done = lab.gate("--fail-on", "fail,regression", env=INERT)
    assert done.code == Exit.PASS, done.said
    _valid(lab)
    assert _red(lab) == []
    assert lab.decision()["verdict"] == "INCONCLUSIVE"
    assert "let through: INCONCLUSIVE goroutine-recovery" in done.stdout


def test_slower_than_the_approved_baseline_is_a_regression(lab: Lab, healthy: Run) -> None:
    lab.approved(healthy)
    done = lab.gate(env=SLOWER, wanted=Exit.FAIL)
    assert done.code == Exit.FAIL, done.said
    _valid(lab)
    assert lab.decision()["verdict"] == "PASS"
    assert lab.decision()["regression"] == "FAIL"
    assert _red(lab) == ["goroutine-recovery against the baseline"]
    assert "above the band" in (lab.out / "summary.md").read_text()


def test_as_in_the_approved_baseline_opens_the_gate(lab: Lab, healthy: Run) -> None:
    lab.approved(healthy)
    done = lab.gate("--baseline", "required")
    assert done.code == Exit.PASS, done.said
    assert lab.decision()["regression"] == "PASS"
    assert lab.decision()["baseline"] == "cart/default, revision 1"


def test_a_required_baseline_that_is_missing_is_inconclusive(lab: Lab) -> None:
    done = undisturbed(
        lambda: lab.call("gate", "spec.yaml", "--baseline", "required"),
        lambda done: "a baseline is required" in done.stdout,
    )
    assert done.code == Exit.INCONCLUSIVE, done.said
    _valid(lab)
    assert "a baseline is required" in lab.decision()["says"]
    assert _red(lab) == ["verdict"]


def test_one_bad_trial_of_three_shuts_the_gate(lab: Lab) -> None:
    starts = lab.base / "starts"

    def call() -> Done:
        starts.unlink(missing_ok=True)
        return lab.call("gate", "spec.yaml", "--trials", "3", env={"FLAKY": str(starts)})

    done = undisturbed(call, lambda done: done.code == Exit.FAIL)
    assert done.code == Exit.FAIL, done.said
    _valid(lab)
    found = [f for f in lab.decision()["findings"] if f["check"] == "goroutine-recovery"]
    assert [f["outcome"] == "FAIL" for f in found] == [False, True, False]
    assert starts.read_text() == "..."
    assert "3 trials an arm (--trials), all of them in this verdict" in done.stdout


def test_more_trials_than_the_blast_radius_allows_are_refused(lab: Lab) -> None:
    done = lab.gate("--trials", "20")
    assert done.code == Exit.SPEC_INVALID, done.said
    assert "spec.yaml:16:20: limits.duration" in done.stderr
    assert "over limits.duration" in done.stderr
    _valid(lab)
    assert not (lab.base / "runs").exists()


def test_a_spec_that_is_wrong_is_in_every_file_and_no_older_verdict_stays(lab: Lab) -> None:
    lab.out.mkdir()
    (lab.out / "verdict.json").write_text("of an earlier run")
    lab.spec(SPEC.replace("pause:", "paws:").replace("count: 300", "count: many"))
    done = lab.gate("--annotations", "github")
    assert done.code == Exit.SPEC_INVALID
    _valid(lab)
    assert len(_lines(lab)) == 2
    assert "::error file=spec.yaml,line=" in done.stdout
    assert _red(lab) == ["begin"]
    assert not (lab.out / "verdict.json").exists()
    assert "exit 6" in (lab.out / "summary.md").read_text()


def test_a_target_that_cannot_be_had_shuts_the_gate_whatever_is_let_through(lab: Lab) -> None:
    (lab.base / "service").unlink()
    done = lab.gate("--fail-on", "fail", wanted=Exit.INCONCLUSIVE)
    assert done.code == Exit.INCONCLUSIVE
    _valid(lab)
    assert lab.decision()["passed"] is False
    assert "there is no program" in (lab.out / "junit.xml").read_text()


def test_the_step_summary_is_appended_to(lab: Lab) -> None:
    page = lab.base / "page.md"
    page.write_text("# what was there\n")
    (lab.base / "service").unlink()
    lab.gate(env={"GITHUB_STEP_SUMMARY": str(page), "GITHUB_ACTIONS": "true"})
    said = page.read_text()
    assert said.startswith("# what was there\n")
    assert said.endswith((lab.out / "summary.md").read_text())


def test_a_spec_in_a_folder_with_a_blank_is_marked_by_both(lab: Lab) -> None:
    folder = lab.base / "my experiments"
    folder.mkdir()
    (folder / "cart.yaml").write_text(SPEC.replace("count: 300", "count: many"))
    done = lab.call("gate", "my experiments/cart.yaml", "--annotations", "github")
    assert done.code == Exit.SPEC_INVALID
    _valid(lab)
    place = lab.sarif()["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "my%20experiments/cart.yaml"
    assert "::error file=my experiments/cart.yaml,line=" in done.stdout


def test_an_unknown_word_of_fail_on_is_a_usage_error_that_names_the_known_ones(lab: Lab) -> None:
    done = lab.gate("--fail-on", "warnings")
    assert done.code == Exit.USAGE
    assert "fail, inconclusive, regression" in done.stderr


def test_a_stop_by_the_ci_is_undone_and_shuts_the_gate_with_a_verdict(lab: Lab) -> None:
    lab.spec(SPEC.replace("hold: 700ms", "hold: 60s"))
    command = [sys.executable, "-m", "chaosmem", "gate", "spec.yaml", "--fail-on", "fail"]
    started = subprocess.Popen(command, cwd=lab.base, env=lab.env)
    try:
        wait_for(lambda: _holds(lab), 120, "the hold phase has begun")
        started.send_signal(signal.SIGTERM)
        assert started.wait(timeout=120) == Exit.ABORTED
    finally:
        started.kill()
        started.wait()
    _valid(lab)
    assert "run-completed" in _red(lab)
    assert "undo-complete" not in _red(lab)
    assert lab.decision()["passed"] is False
    assert (lab.out / "report.html").is_file()


def _holds(lab: Lab) -> bool:
    journals = lab.base.glob("runs/cart/2*/journal.jsonl")
    return any(b'"phase":"hold"' in journal.read_bytes() for journal in journals)
