"""`plan --explain`, `runbook` and `handover` on real processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from chaosmem import rundir
from chaosmem.drivers import process
from chaosmem.errors import Exit
from chaosmem.rundir import control
from tests.run.harness import QUICK, TOKEN, Lab, standing, until
from tests.runbook.papers import code, section

pytestmark = pytest.mark.timeout(300)


def test_plan_explains_each_thing_only_where_asked(lab: Lab) -> None:
    spec = lab.spec()
    assert "Could go wrong" not in lab.call("plan", spec).stdout
    said = lab.call("plan", spec, "--explain")
    assert said.code == Exit.PASS
    assert said.stdout.count("Could go wrong:") >= 3
    assert not lab.runs.exists()


def test_the_runbook_is_written_to_a_file_in_each_form(lab: Lab) -> None:
    spec = lab.spec()
    for form, begin in (
        ("html", "<!doctype html>"),
        ("markdown", "# Runbook"),
        ("text", "Runbook"),
    ):
        said = lab.call(
            "runbook", spec, "--format", form, "-o", "day", "--start", "2026-11-26T14:00"
        )
        assert said.code == Exit.PASS, said.stderr
        assert (lab.base / "day").read_text().startswith(begin)
    assert not lab.runs.exists()


def test_a_start_that_is_no_time_is_a_usage_error(lab: Lab) -> None:
    said = lab.call("runbook", lab.spec(), "--start", "tomorrow")
    assert said.code == Exit.USAGE
    assert "2026-11-26T14:00" in said.stderr


def test_every_rehearsal_of_the_runbook_ends_well_and_touches_nothing(lab: Lab) -> None:
    spec = lab.spec()
    paper = lab.call("runbook", spec).stdout
    (lines,) = code(section(paper, "Before"))
    env = lab.env | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["sh", "-e", "-c", lines],
        cwd=lab.base,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "dry run: nothing was touched" in done.stdout
    assert not lab.runs.exists()


def test_the_handover_has_the_verdict_the_faults_and_the_notes_in_time_order(lab: Lab) -> None:
    spec = lab.spec(phases=QUICK | {"hold": "6s"})
    started = lab.watch(spec)
    until(started, "phase.begun", phase="hold")
    (run,) = rundir.runs(lab.runs)
    control.ask(run, "note", text="red | on the *board*", by="ann")
    ran = lab.finish(started)
    assert ran.code in (Exit.PASS, Exit.INCONCLUSIVE), ran.stdout + ran.stderr
    late = lab.call(
        "control", "latest", "note", "all is well", "--by", "bo", "--runs-dir", lab.runs
    )
    assert late.code == Exit.PASS, late.stderr
    paper = lab.call("handover", "latest", "--runs-dir", lab.runs).stdout
    assert paper.startswith(f"# Hand-over: lab: {ran.verdict['outcome']}\n")
    people = section(paper, "What people said and did")
    assert people.index("| ann |") < people.index("| bo |")
    assert r"red \| on the \*board\*" in people
    assert "| after it |" in people
    happened = section(paper, "What happened, in time order")
    assert (
        happened.index("phase hold") < happened.index("ann: note") < happened.index("run completed")
    )
    assert "Nothing: every undo" in section(paper, "What is still open")
    assert paper.count("f1-heap: retain 8MiB") == 1


def test_a_check_that_did_not_pass_has_a_next_step_and_a_place_for_its_owner(lab: Lab) -> None:
    ran = lab.run(lab.spec(checks=["stress-effect", {"pause": {"max": "1ns"}}]))
    assert ran.code in (Exit.FAIL, Exit.INCONCLUSIVE), ran.stdout
    steps = section(lab.call("handover", "latest", "--runs-dir", lab.runs).stdout, "Next steps")
    (row,) = [line for line in steps.splitlines() if "| pause |" in line]
    assert row.rstrip(" |").endswith("………")


def test_a_killed_runs_handover_says_how_to_undo_and_a_live_ones_to_touch_nothing(lab: Lab) -> None:
    started = lab.watch(lab.spec(phases=QUICK | {"hold": "90s"}))
    until(started, "phase.begun", phase="hold")
    meanwhile = lab.call("handover", "latest", "--runs-dir", lab.runs).stdout
    going_on = section(meanwhile, "What is still open")
    assert f"The run goes on (process {started.pid})" in going_on
    assert "RUN=" not in going_on
    started.kill()
    started.communicate()
    paper = lab.call("handover", "latest", "--runs-dir", lab.runs).stdout
    still_open = section(paper, "What is still open")
    (newest,) = lab.runs.glob("*/2*")
    assert "Not undone" in still_open
    assert f"chaosmem undo {newest.name}" in still_open
    assert f"RUN={newest.name}" in still_open
    assert lab.call("undo", newest.name, "--runs-dir", lab.runs).code == Exit.PASS
    again = lab.call("handover", "latest", "--runs-dir", lab.runs).stdout
    assert "Nothing: every undo" in section(again, "What is still open")


def test_the_runbooks_command_ends_every_process_of_that_run_and_no_other(lab: Lab) -> None:
    paper = lab.call("runbook", lab.spec()).stdout
    (lines,) = code(section(paper, "By hand"))
    mark = process.MARK
    mine = subprocess.Popen(["sleep", "600"], env={mark: "hand-1", "PATH": "/usr/bin:/bin"})
    other = subprocess.Popen(["sleep", "600"], env={mark: "hand-11", "PATH": "/usr/bin:/bin"})
    try:
        filled = lines.replace("RUN=the-id-of-the-run", "RUN=hand-1")
        path = {"PATH": "/usr/bin:/bin"}
        subprocess.run(["sh", "-e", "-c", filled], env=path, check=True, timeout=60)
        assert mine.wait(timeout=30) != 0
        assert other.poll() is None
    finally:
        for started in (mine, other):
            started.kill()
            started.wait()


def test_the_runbook_of_an_endpoint_names_the_request_that_ends_its_lease(
    lab: Lab, healthy: Path
) -> None:
    with standing(healthy) as url:
        lab.env["CHAOSMEM_AGENT_TOKEN"] = TOKEN
        spec = lab.spec(target={"endpoint": {"url": url}}, faults=[{"goroutines": {"count": 5}}])
        by_hand = section(lab.call("runbook", spec).stdout, "By hand")
        assert '-X DELETE -H "Authorization: Bearer $CHAOSMEM_AGENT_TOKEN"' in by_hand
        assert f"{url}/debug/chaosmem/v1/lease" in by_hand
        assert TOKEN not in by_hand
