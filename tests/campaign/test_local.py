"""Claims about the local engine: real campaigns, run, stopped, killed and resumed."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from chaosmem.errors import Exit
from tests.campaign.lab import (
    PHASES,
    Campaigns,
    assert_sound,
    children,
    finished,
    kill,
    planned,
    spans,
    wait_for,
)
from tests.run.harness import TOKEN, gone, sample, standing

pytestmark = pytest.mark.timeout(180)
HELD = PHASES | {"hold": "4s"}
"""Long enough for a kill to meet the run, on a busy machine too."""
LONG = PHASES | {"hold": "50s"}
TWO = [{"name": "n", "path": "faults.goroutines.count", "values": [50, 60]}]


def some_run(place: Campaigns, many: int = 1) -> bool:
    """Whether that many runs of the newest campaign have begun."""
    return any(place.runs.glob("campaigns/*/*/campaign.json")) and len(spans(place.home)) >= many


def test_a_campaign_that_passes_has_one_run_a_cell_one_report_and_code_0(
    place: Campaigns,
) -> None:
    ran = place.call("run", place.write(), "--junit", "c.xml", "--markdown", "c.md")
    assert ran.code == Exit.PASS, ran.stdout + ran.stderr
    assert "PASS  shorts: 4 of 4 cells pass" in ran.stdout
    assert_sound(place.home)
    assert [len(planned(place.home, c)) for c in place.home.prepared().cells] == [1, 1, 1, 1]
    made = json.loads((place.home.root / "rollup.json").read_bytes())
    for row in made["rows"]:
        assert (place.home.root / row["report"]).resolve().is_file()
    junit = ET.parse(place.lab.base / "c.xml").getroot()  # noqa: S314 - our own
    assert (junit.get("tests"), junit.get("errors"), junit.get("failures")) == ("4", "0", "0")
    assert "| ✓ PASS | short / n=50 |" in (place.lab.base / "c.md").read_text()
    verdict = json.loads(next(place.runs.glob("short/2*/experiment.json")).read_bytes())
    assert verdict["metadata"]["labels"]["campaign"] == "shorts"


def test_the_commands_read_a_campaign_that_is_over(place: Campaigns) -> None:
    campaign = place.write(variables=[], parallelism=1)
    planned_text = place.lab.call("campaign", "plan", campaign).stdout
    assert "shorts: 1 cell(s), at most 1 at one time" in planned_text
    assert place.call("run", campaign).code == Exit.PASS
    assert "PASS  shorts: 1 of 1 cells pass" in place.call("status").stdout
    status = json.loads(place.call("status", "shorts", "-o", "json").stdout)
    assert [row["where"] for row in status["rows"]] == ["done"]
    report = place.call("report", "latest")
    assert Path(report.stdout.strip()).read_text().startswith("<!doctype html>")
    again = place.call("resume", "latest")
    assert again.code == Exit.PASS
    assert_sound(place.home)


def test_the_worst_cell_decides_and_its_run_directory_says_why(place: Campaigns) -> None:
    place.experiment("missing", target={"process": place.lab.process(command=["./no-such"])})
    ran = place.call("run", place.write(experiments=["short.yaml", "missing.yaml"], variables=[]))
    assert ran.code == Exit.INCONCLUSIVE
    assert "1 of 2 cells pass; 1 not run" in ran.stdout
    assert "not run: target.process.command: there is no program" in ran.words


def test_what_is_wrong_with_a_campaign_is_said_before_anything_is_made(place: Campaigns) -> None:
    ran = place.call("run", place.write(paralelism=3))
    assert ran.code == Exit.SPEC_INVALID
    assert "unknown section 'paralelism'; did you mean parallelism?" in ran.stderr
    assert not place.runs.exists()


def test_a_cell_over_the_campaigns_limits_is_refused(place: Campaigns) -> None:
    pods = {"kubernetes": {"namespace": "shop", "selector": {"app": "x"}, "mode": "all"}}
    campaign = place.write(
        targets=[{"name": "t", "target": pods}],
        variables=[{"name": "p", "path": "limits.pods", "values": [9]}],
        limits={"targets": 2, "namespaces": ["other"]},
    )
    ran = place.call("run", campaign)
    assert ran.code == Exit.SPEC_INVALID
    assert "up to 9 targets at once are over limits.targets = 2" in ran.stderr
    assert "namespace shop is not in limits.namespaces (other)" in ran.stderr


def test_sigterm_stops_what_runs_and_resume_finishes_the_rest(place: Campaigns) -> None:
    started = place.start("run", place.write())
    wait_for(lambda: some_run(place))
    started.send_signal(signal.SIGTERM)
    stopped = place.finish(started)
    assert stopped.code == Exit.ABORTED, stopped.stdout + stopped.stderr
    assert "stopped: stopped by SIGTERM; exit code 4" in stopped.stdout
    assert gone(list(children(place.home)))
    resumed = place.call("resume", "latest")
    assert resumed.code == Exit.PASS, resumed.stdout + resumed.stderr
    assert_sound(place.home)


def test_a_second_runner_is_refused(place: Campaigns) -> None:
    place.experiment(phases=LONG)
    started = place.start("run", place.write())
    wait_for(lambda: some_run(place))
    second = place.call("resume", "latest")
    assert second.code == Exit.USAGE
    assert "is being run by another process" in second.stderr
    started.send_signal(signal.SIGINT)
    assert place.finish(started).code == Exit.ABORTED


def test_a_run_that_outlived_its_runner_is_waited_for_and_keeps_its_verdict(
    place: Campaigns,
) -> None:
    place.experiment(phases=HELD)
    started = place.start("run", place.write(parallelism=1, variables=TWO))
    wait_for(lambda: some_run(place))
    first = place.home.prepared().cells[0]
    kill(started, place.home, everybody=False)
    status = json.loads(place.call("status", "-o", "json").stdout)
    assert status["state"] in ("running", "unfinished")
    resumed = place.call("resume")
    assert resumed.code == Exit.PASS, resumed.stdout + resumed.stderr
    assert len(planned(place.home, first)) == 1
    assert_sound(place.home)


def test_a_run_that_was_killed_with_its_runner_is_undone_and_run_anew(place: Campaigns) -> None:
    place.experiment(phases=HELD)
    started = place.start("run", place.write(parallelism=1, variables=TWO))
    wait_for(lambda: some_run(place))
    first = place.home.prepared().cells[0]
    kill(started, place.home, everybody=True)
    assert "cut off" in place.call("status").stdout
    resumed = place.call("resume")
    assert resumed.code == Exit.PASS, resumed.stdout + resumed.stderr
    assert [a.attempt for a in planned(place.home, first)] == [1, 2]
    assert [a.attempt for a in finished(place.home, first)] == [2]
    assert "(attempt 2)" in resumed.stdout
    assert_sound(place.home)


def test_a_child_that_is_killed_is_run_anew_by_the_same_runner(place: Campaigns) -> None:
    place.experiment(phases=HELD)
    started = place.start("run", place.write(parallelism=1, variables=[]))
    wait_for(lambda: some_run(place) and list(children(place.home)))
    for pid in list(children(place.home)):
        os.kill(pid, signal.SIGKILL)
    ended = place.finish(started)
    assert ended.code == Exit.PASS, ended.stdout + ended.stderr
    assert [a.attempt for a in planned(place.home, place.home.prepared().cells[0])] == [1, 2]
    assert_sound(place.home)


def test_the_process_that_forks_may_be_killed_and_nothing_is_lost(place: Campaigns) -> None:
    place.experiment(phases=HELD)
    started = place.start("run", place.write(parallelism=1, variables=TWO))
    wait_for(lambda: some_run(place))
    os.kill(nursery_of(started.pid), signal.SIGKILL)
    ended = place.finish(started)
    assert ended.code == Exit.PASS, ended.stdout + ended.stderr
    assert [len(planned(place.home, c)) for c in place.home.prepared().cells] == [1, 1]
    assert_sound(place.home)


def test_the_process_that_forks_ends_with_its_runner(place: Campaigns) -> None:
    place.experiment(phases=HELD)
    started = place.start("run", place.write(parallelism=1, variables=TWO))
    wait_for(lambda: some_run(place))
    nursery = nursery_of(started.pid)
    kill(started, place.home, everybody=False)
    assert gone([nursery], 30.0)
    assert place.call("resume").code == Exit.PASS
    assert_sound(place.home)


def nursery_of(runner: int) -> int:
    """The only child of a runner."""
    (pid,) = Path(f"/proc/{runner}/task/{runner}/children").read_text().split()
    return int(pid)


@pytest.mark.parametrize("everybody", [False, True], ids=["runner", "everybody"])
def test_kills_at_random_moments_lose_nothing_and_repeat_nothing(
    place: Campaigns, everybody: bool
) -> None:
    chance = random.Random(7)  # noqa: S311 - moments of kills
    started = place.start("run", place.write())
    for _ in range(3):
        wait_for(lambda: any(place.runs.glob("campaigns/*/*/campaign.json")))
        time.sleep(chance.uniform(0.0, 1.5))
        kill(started, place.home, everybody=everybody)
        started = place.start("resume", "latest")
    ended = place.finish(started)
    assert ended.code == Exit.PASS, ended.stdout + ended.stderr
    assert_sound(place.home)


def test_cells_on_one_endpoint_are_never_run_side_by_side(place: Campaigns) -> None:
    place.lab.env["CHAOSMEM_AGENT_TOKEN"] = TOKEN
    place.experiment(faults=[{"goroutines": {"count": 50}}])  # a heap needs a GC to be gone
    with standing(place.lab.binary) as url:
        target = [{"name": "shared", "target": {"endpoint": {"url": url}}}]
        ran = place.call("run", place.write(targets=target))
        assert ran.code == Exit.PASS, ran.stdout + ran.stderr
        assert_sound(place.home)
        assert {c.lock for c in place.home.prepared().cells} != {""}
        now = sample(url)
        assert (now["held"]["heap_bytes"], now["held"]["goroutines"]) == (0, 0)


def test_stop_on_begins_nothing_more(place: Campaigns) -> None:
    place.experiment("missing", target={"process": place.lab.process(command=["./no-such"])})
    campaign = place.write(
        experiments=["missing.yaml", "short.yaml"],
        variables=[],
        parallelism=1,
        stopOn=["inconclusive"],
    )
    ran = place.call("run", campaign)
    assert ran.code == Exit.INCONCLUSIVE
    assert "stop-on: inconclusive in cell missing" in ran.stdout
    assert [len(planned(place.home, c)) for c in place.home.prepared().cells] == [1, 0]


def test_the_deadline_stops_what_runs(place: Campaigns) -> None:
    place.experiment(phases=LONG)
    ran = place.call("run", place.write(variables=[], deadline="6s"))
    assert ran.code == Exit.INCONCLUSIVE, ran.stdout + ran.stderr
    assert "deadline: the deadline of 6.0 s has passed" in ran.stdout
    assert not list(children(place.home))
