"""`chaosmem scheduled`: what nobody watches is kept everywhere, or says so."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from chaosmem.errors import Exit
from tests.run.harness import Lab, Ran

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]  # beside what it is for


@pytest.fixture
def lab(tmp_path: Path, healthy: Path) -> Lab:
    return Lab(tmp_path, healthy)


def scheduled(lab: Lab, *words: str) -> Ran:
    return lab.call("scheduled", lab.spec(), "--runs-dir", lab.runs, *words)


def test_a_run_is_kept_in_each_place_and_exits_by_its_verdict(lab: Lab) -> None:
    done = scheduled(lab, "--db", "history.db", "--archive", f"file://{lab.base}/store")
    assert done.code == done.verdict["exit_code"], done.stderr
    rows = json.loads(lab.call("history", "list", "--db", "history.db", "--json").stdout)
    assert [row["run_id"] for row in rows] == [done.rundir.name]
    said = lab.call("archive", "list", f"file://{lab.base}/store")
    assert said.stdout.split() == [f"lab/{done.rundir.name}"]
    words = ("archive", "get", done.rundir.name, f"file://{lab.base}/store", "--runs-dir", "again")
    fetched = Path(lab.call(*words).stdout.strip())
    assert (lab.base / fetched / "verdict.json").read_bytes() == (
        done.rundir / "verdict.json"
    ).read_bytes()


def test_a_place_that_does_not_take_it_is_named_and_the_job_does_not_pass(lab: Lab) -> None:
    (lab.base / "no-place").write_text("a file, where a directory would have to be")
    done = scheduled(lab, "--archive", f"file://{lab.base}/no-place", "--db", "history.db")
    assert "chaosmem: not kept: " in done.stderr
    assert "no-place" in done.stderr
    assert done.code == (done.verdict["exit_code"] or Exit.INCONCLUSIVE)
    assert (lab.base / "history.db").is_file(), "the other place was not tried"


def test_a_run_that_is_stopped_is_kept_as_well(lab: Lab) -> None:
    spec = lab.spec(phases={"baseline": "300ms", "inject": "200ms", "hold": "100s"})
    store = f"file://{lab.base}/store"
    started = lab.start("scheduled", spec, "--runs-dir", lab.runs, "--archive", store)
    assert started.stdout is not None
    assert started.stderr is not None
    for line in started.stderr:
        if "phase hold" in line:
            break
    started.send_signal(signal.SIGTERM)
    done = lab.finish(started)
    assert done.code == Exit.ABORTED, done.stderr
    assert [e["state"] for e in done.events() if e["event"] == "run.ended"] == ["interrupted"]
    assert lab.call("archive", "list", store).stdout.split() == [f"lab/{done.rundir.name}"]


def test_a_spec_that_is_refused_keeps_nothing_and_says_why(lab: Lab) -> None:
    spec = lab.spec(checks=["no-such-check"])
    done = lab.call("scheduled", spec, "--runs-dir", lab.runs, "--db", "history.db")
    assert done.code == Exit.SPEC_INVALID
    assert "no-such-check" in done.stderr
    assert not (lab.base / "history.db").exists()
