"""The buttons: what is asked of a run, the notes, and the undo of a run that was killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from chaosmem.drivers import procfs
from chaosmem.run.undo import open_promises
from chaosmem.rundir import control, layout
from chaosmem.rundir.acts import ControlAnswered
from chaosmem.rundir.journal import decode
from tests.history.build import directory, finding
from tests.serve.conftest import Visit
from tests.serve.stage import Staged, killed, promise


def asked(run: Staged) -> list[dict[str, object]]:
    return [json.loads(line) for line in run.dir.read(control.FILE).splitlines()]


@pytest.mark.parametrize("act", ["pause", "resume", "hold", "release", "abort"])
def test_a_button_asks_the_runner(visit: Visit, base: Path, act: str) -> None:
    run = Staged(base)
    run.begin()
    answer = visit().send(f"{run.url}/act", seen=f"{run.url}/live", act=act, by="ann")
    assert answer.status_code == 303
    assert answer.headers["location"] == f"{run.url}/live?did={act}"
    (request,) = asked(run)
    assert request["act"] == act
    assert request["by"] == "ann (web)"


@pytest.mark.parametrize(("said", "seconds"), [("30s", 30.0), ("2m", 120.0), (" 45 ", 45.0)])
def test_extend_takes_a_length_of_time(visit: Visit, base: Path, said: str, seconds: float) -> None:
    run = Staged(base)
    run.begin()
    visit().send(f"{run.url}/act", seen=f"{run.url}/live", act="extend", seconds=said)
    assert asked(run)[0]["seconds"] == seconds


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"act": "explode"}, "there is no act"),
        ({"act": "note"}, "there is no act"),
        ({"act": ""}, "there is no act"),
        ({"act": "extend", "seconds": "soon"}, "is no length of time"),
        ({"act": "extend", "seconds": "-5s"}, "is no length of time"),
        ({"act": "extend"}, "extend needs a duration"),
    ],
)
def test_what_is_no_act_is_refused_and_says_why(
    visit: Visit, base: Path, form: dict[str, str], words: str
) -> None:
    run = Staged(base)
    run.begin()
    answer = visit().send(f"{run.url}/act", seen=f"{run.url}/live", **form)
    assert answer.status_code == 409
    assert words in answer.text
    assert not run.dir.has(control.FILE)


def test_a_script_gets_json_and_stays_on_its_page(visit: Visit, base: Path) -> None:
    run = Staged(base)
    run.begin()
    visitor = visit()
    form = {"mark": visitor.mark(f"{run.url}/live"), "act": "hold"}
    json_please = {"accept": "application/json"}
    answer = visitor.post(f"{run.url}/act", data=form, headers=json_please)
    assert answer.status_code == 202
    assert answer.json()["asked"] == asked(run)[0]["id"]
    refused = visitor.post(f"{run.url}/act", data=form | {"act": "x"}, headers=json_please)
    assert refused.status_code == 409
    assert "there is no act" in refused.json()["error"]
    unmarked = visitor.post(f"{run.url}/act", data={"act": "hold"}, headers=json_please)
    assert "not made by this server" in unmarked.json()["error"]


def test_nothing_is_asked_of_a_run_that_is_over(visit: Visit, base: Path) -> None:
    ended, gone = Staged(base), killed(base)
    ended.begin()
    page = f"{ended.url}/live"
    visitor = visit()
    mark = visitor.mark(page)
    ended.end()
    for run, words in ((ended, "has ended"), (gone, "is gone: nobody is there to abort")):
        answer = visitor.post(f"{run.url}/act", data={"mark": mark, "act": "abort"})
        assert answer.status_code == 409
        assert words in answer.text


def test_a_note_on_a_running_run_goes_to_the_runner(visit: Visit, base: Path) -> None:
    run = Staged(base)
    run.begin()
    visit().send(f"{run.url}/note", seen=run.url, text="pager went off", by="ann")
    assert asked(run)[0]["text"] == "pager went off"


@pytest.mark.parametrize("how", ["ended", "killed"])
def test_a_note_on_a_run_that_is_over_is_in_the_journal_at_once(
    visit: Visit, base: Path, how: str
) -> None:
    run = killed(base) if how == "killed" else Staged(base)
    if how == "ended":
        run.begin()
        run.end()
    text = "<b>it was the deploy</b>"
    answer = visit().send(f"{run.url}/note", seen=run.url, text=text, by="ann")
    assert answer.headers["location"] == f"{run.url}?did=note#notes"
    last = decode(run.dir.read(layout.JOURNAL)).lines[-1].entry
    assert isinstance(last, ControlAnswered)
    assert last.text == text
    shown = visit().get(run.url).text
    assert "&lt;b&gt;it was the deploy&lt;/b&gt;" in shown
    assert "ann (web)" in shown


def test_an_empty_note_and_one_that_is_too_long_are_refused(visit: Visit, base: Path) -> None:
    run = Staged(base)
    run.begin()
    for text in ("", "  ", "x" * 5000):
        answer = visit().send(f"{run.url}/note", seen=run.url, text=text)
        assert answer.status_code == 409


def test_the_undo_stops_what_a_killed_run_left_and_says_so(visit: Visit, base: Path) -> None:
    run = killed(base)
    left = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(600)"],
        env=os.environ | {"CHAOSMEM_RUN": run.dir.run_id},
    )
    try:
        again = killed(base, promise(run.dir.run_id))
        visitor = visit()
        answer = visitor.send(f"{again.url}/undo", seen=again.url)
        assert answer.headers["location"] == f"{again.url}?did=undo"
        left.wait(timeout=30)
        assert not open_promises(decode(again.dir.read(layout.JOURNAL)))
        assert "Everything is undone" in visitor.get(answer.headers["location"]).text
        assert "Undo now" not in visitor.get(again.url).text
        repeated = visitor.send(f"{again.url}/undo", seen=again.url)
        assert repeated.status_code == 303
    finally:
        left.kill()
        left.wait()


def test_the_undo_of_a_run_that_goes_on_is_refused(visit: Visit, base: Path) -> None:
    run = Staged(base)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as runner:
        run.begin(pid=runner.pid, ticks=procfs.started_ticks(runner.pid))
        run.write(promise(run.dir.run_id))
        answer = visit().send(f"{run.url}/undo", seen=run.url)
        runner.communicate(b"\n", timeout=30)
    assert answer.status_code == 409
    assert "is still going on" in answer.text


def test_a_run_without_promises_has_nothing_to_undo(visit: Visit, base: Path) -> None:
    run = directory(base, 0, [finding()])
    page = f"/runs/cart/{run.run_id}"
    assert "Undo now" not in visit().get(page).text
    assert visit().send(f"{page}/undo", seen=page).status_code == 303
    assert time.time() - run.path(layout.JOURNAL).stat().st_mtime < 60
