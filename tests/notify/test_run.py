"""Claims about whole runs: who is told, when, and that it changes nothing."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.notify.servers import Hooks, Mails, Reply
from tests.run.harness import Lab, Ran, until

TOKEN = "T0KEN-b2f1c9d8e7"
pytestmark = pytest.mark.timeout(300)  # whole runs, on a machine that may be busy
FAILS = {
    "faults": [{"heap": {"churn": "200MiB/s"}}],
    "phases": {"baseline": "300ms", "inject": "300ms", "hold": "1s", "recover": "300ms"},
    "checks": [{"gc-cpu": {"max": "0.000001%"}}],  # no collection costs that little
}
PASSES = {"phases": {"baseline": "500ms", "inject": "500ms", "hold": "1s", "recover": "500ms"}}
TRIPS = {
    "faults": [{"heap": {"churn": "20MiB/s"}}],
    "guards": [{"rss": {"max": "1MiB"}}],  # no Go process is that small
}


@pytest.fixture
def lab(tmp_path: Path, healthy: Path, hook: Hooks) -> Iterator[Lab]:
    """A place for runs, with the variables that channels name."""
    lab = Lab(tmp_path, healthy)
    lab.env |= {"HOOK": f"{hook.url}/{TOKEN}", "TOKEN": TOKEN}
    yield lab
    for place in tmp_path.rglob("*"):
        if place.is_file():
            assert TOKEN.encode() not in place.read_bytes(), f"the secret is in {place}"


def _hook(**more: Any) -> list[dict[str, Any]]:
    return [{"webhook": {"url": {"env": "HOOK"}} | more}]


def _told(ran: Ran) -> list[dict[str, Any]]:
    lines = (ran.rundir / "notifications.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def test_a_failure_is_told_with_what_failed_and_where_the_report_is(lab: Lab, hook: Hooks) -> None:
    ran = lab.run(lab.spec(notify=_hook(), **FAILS))
    assert ran.code == 1, ran.stderr
    (got,) = hook.got
    assert (got.json["occasion"], got.json["runId"]) == ("fail", ran.rundir.name)
    assert got.json["report"] == str(ran.rundir / "report.html")
    assert got.json["findings"][0]["check"] == "gc-cpu"
    assert got.json["findings"][0]["numbers"]
    assert "heap" in got.json["did"][0]
    assert [(t["ok"], t["to"]) for t in _told(ran)] == [(True, "webhook at 127.0.0.1")]


def test_a_gate_tells_the_verdict_of_its_run(lab: Lab, hook: Hooks) -> None:
    spec = lab.spec(notify=_hook(), **FAILS)
    ran = lab.call("gate", spec, "--runs-dir", lab.runs, "--baseline", "none")
    assert ran.code == 1, ran.stderr
    (got,) = hook.got
    assert (got.json["occasion"], got.json["runId"]) == ("fail", ran.rundir.name)
    assert got.json["report"] == str(ran.rundir / "report.html")


def test_a_gate_whose_secret_is_missing_touches_nothing(lab: Lab) -> None:
    spec = lab.spec(notify=[{"webhook": {"url": {"env": "NOWHERE"}}}], **FAILS)
    ran = lab.call("gate", spec, "--runs-dir", lab.runs)
    assert ran.code == 6
    assert "NOWHERE" in ran.stderr
    assert not lab.runs.exists()
    assert "NOWHERE" in (lab.base / "chaosmem-gate" / "summary.md").read_text()


def test_a_pass_is_told_to_who_asked_for_it(lab: Lab, hook: Hooks) -> None:
    assert lab.run(lab.spec(notify=[*_hook(), *_hook(on="pass")], **PASSES)).code == 0
    assert [g.json["occasion"] for g in hook.got] == ["pass"]


def test_the_machines_channels_are_told_too(lab: Lab, hook: Hooks, tmp_path: Path) -> None:
    machine = tmp_path / "all.yaml"
    machine.write_text("notify:\n- slack: {url: {env: HOOK}, on: [pass]}\n")
    assert lab.run(lab.spec(**PASSES), "--notify", str(machine)).code == 0
    lab.env["CHAOSMEM_NOTIFY"] = str(machine)
    assert lab.run(lab.spec(notify=_hook(on="pass"), **PASSES)).code == 0
    assert len(hook.got) == 3
    assert hook.got[0].json["text"].startswith("*chaosmem: PASS lab*")


def test_a_guard_is_told_while_the_run_is_still_being_undone(lab: Lab, hook: Hooks) -> None:
    ran = lab.run(lab.spec(notify=_hook(), **TRIPS))
    assert ran.code == 4, ran.stderr
    first, second = hook.got
    assert (first.json["event"], first.json["guard"]["guard"]) == ("guard", "rss")
    assert (second.json["event"], second.json["occasion"]) == ("verdict", "aborted")
    assert [t["event"] for t in _told(ran)] == ["guard", "verdict"]


def test_a_server_that_hangs_holds_up_no_undo(lab: Lab, hook: Hooks) -> None:
    hook.always = Reply(hang=120)
    started = lab.watch(lab.spec(notify=_hook(timeout="60s"), **TRIPS))
    until(started, "undo.done")
    until(started, "run.ended")
    assert [g.json["event"] for g in hook.wait()][:1] == ["guard"], "it is still unanswered"
    hook.over.set()
    ran = lab.finish(started)
    assert ran.code == 4
    assert [t["ok"] for t in _told(ran)] == [True, True]


@pytest.mark.parametrize(
    ("code", "changes", "reply"),
    [(0, PASSES, Reply(302)), (1, FAILS, Reply(404, f"no {TOKEN}")), (1, FAILS, Reply(500))],
    ids=["pass-302", "fail-404", "fail-500"],
)
def test_nobody_told_changes_no_verdict(
    code: int, changes: dict[str, Any], reply: Reply, lab: Lab, hook: Hooks
) -> None:
    hook.always = reply
    notify = [
        *_hook(on=["pass", "fail"], timeout="1s"),
        {
            "jira": {
                "url": hook.url,
                "token": {"env": "TOKEN"},
                "project": "P",
                "on": ["pass", "fail"],
                "timeout": "1s",
            }
        },
        {
            "email": {
                "server": "127.0.0.1",
                "port": 1,
                "security": "none",
                "from": "a@example.com",
                "to": "b@example.com",
                "on": ["pass", "fail"],
                "timeout": "1s",
            }
        },
    ]
    ran = lab.run(lab.spec(notify=notify, **changes))
    assert ran.code == code, ran.stderr
    assert ran.stderr.count("not told: ") == 3
    assert TOKEN not in ran.stdout + ran.stderr
    again = lab.call("verify", ran.rundir, "--format", "json")
    assert again.stdout == (ran.rundir / "verdict.json").read_text()


def test_mail_and_issue_tell_the_same(lab: Lab, hook: Hooks, post_office: Mails) -> None:
    hook.always = Reply(201, '{"key": "SRE-9", "id": "9", "self": "x"}')
    mail = {
        "server": "127.0.0.1",
        "port": post_office.port,
        "security": "none",
        "from": "chaosmem@example.com",
        "to": "team@example.com",
    }
    issue = {"url": hook.url, "token": {"env": "TOKEN"}, "project": "SRE"}
    ran = lab.run(lab.spec(notify=[{"email": mail}, {"jira": issue}], **FAILS))
    assert ran.code == 1, ran.stderr
    content = post_office.got[0].content.decode()
    fields = hook.got[0].json["fields"]
    assert "Subject: chaosmem: FAIL lab" in content
    assert fields["summary"].startswith("chaosmem: FAIL lab: ")
    for words in ("FAIL gc-cpu", f"run: {ran.rundir.name}"):
        assert words in content
        assert words in fields["description"]
    assert {t["detail"] for t in _told(ran)} == {"", "SRE-9"}


@pytest.mark.parametrize("command", [("run",), ("run", "--dry-run"), ("plan",)], ids=" ".join)
def test_a_secret_that_is_not_there_refuses_before_anything_is_touched(
    command: tuple[str, ...], lab: Lab, tmp_path: Path
) -> None:
    spec = lab.spec(notify=[{"slack": {"url": {"env": "NO_SUCH_URL"}}}])
    ran = lab.call(*command, spec)
    assert ran.code == 6
    assert ran.stderr.startswith(f"{spec}:1:")
    assert "notify[0].slack.url.env: the variable NO_SUCH_URL is not set" in ran.stderr
    assert not (tmp_path / "runs").exists()


def test_who_interrupts_the_waiting_keeps_the_verdict(lab: Lab, hook: Hooks) -> None:
    hook.always = Reply(hang=120)
    started = lab.start(
        "run", lab.spec(notify=_hook(on="pass", timeout="60s"), **PASSES), "--runs-dir", lab.runs
    )
    assert started.stderr is not None
    assert any(line.startswith("chaosmem: report ") for line in started.stderr)
    time.sleep(0.5)  # what is left is the waiting
    started.send_signal(signal.SIGINT)
    ran = lab.finish(started)
    assert ran.code == 0, ran.stderr


def test_a_test_message_says_of_each_channel_whether_it_arrived(
    lab: Lab, hook: Hooks, tmp_path: Path
) -> None:
    spec = lab.spec(notify=_hook())
    machine = tmp_path / "all.yaml"
    machine.write_text("notify:\n- slack: {url: {env: HOOK}}\n")
    done = lab.call("notify", "test", "--spec", spec, "--notify", machine)
    assert done.code == 0, done.stderr
    assert [line.partition(" (")[0] for line in done.stdout.splitlines()] == [
        "webhook at 127.0.0.1: arrived",
        "slack at 127.0.0.1: arrived",
    ]
    hook.always = Reply(403, f"{TOKEN} is revoked")
    done = lab.call("notify", "test", "--spec", spec)
    assert (done.code, TOKEN in done.stdout + done.stderr) == (1, False)
    assert "NOT told: HTTP 403: [secret] is revoked" in done.stdout


def test_without_a_channel_there_is_nothing_to_try(lab: Lab) -> None:
    done = lab.call("notify", "test", "--spec", lab.spec())
    assert (done.code, "there is no channel to try" in done.stderr) == (2, True)
