"""Operators and real runs: by command, by signal, and a SIGKILL while somebody holds it."""

from __future__ import annotations

import contextlib
import itertools
import json
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chaosmem import evidence, verify
from chaosmem.errors import Exit
from chaosmem.run import finish
from chaosmem.rundir import RunDir, control, runs
from chaosmem.spec.base import Phase
from tests.run.harness import TOKEN, Lab, Ran, gone, marked, sample, standing, until

pytestmark = pytest.mark.timeout(180)
SLOW = {"baseline": "1s", "inject": "300ms", "hold": "5s", "recover": "300ms"}
LONG = {"baseline": "300ms", "inject": "200ms", "hold": "50m", "recover": "300ms"}


def _spec(lab: Lab, **changes: Any) -> Path:
    """With checks that a busy machine, which leaves out samples, cannot make inconclusive."""
    return lab.spec(**{"checks": ["no-restart", "no-oom"], **changes})


def _control(lab: Lab, *args: str) -> Ran:
    return lab.call("control", "latest", *args, "--runs-dir", lab.runs, "--wait", "30s")


def _ask(lab: Lab, act: str, **more: Any) -> None:
    """Ask at once: the phase in which it must arrive is short."""
    (rundir,) = runs(lab.runs)
    control.ask(rundir, act, **more)


def _spans(ran: Ran, begun: str, ended: str, **values: Any) -> list[float]:
    """Seconds between each pair of entries with these values."""
    said = [e for e in ran.events() if all(e.get(k) == v for k, v in values.items())]
    starts = [e["t"] for e in said if e["event"] == begun]
    ends = [e["t"] for e in said if e["event"] == ended]
    return [b - a for a, b in zip(starts, ends, strict=True)]


def _of(ran: Ran, event: str) -> list[dict[str, Any]]:
    return [e for e in ran.events() if e["event"] == event]


def test_a_held_run_holds_goes_on_when_released_and_its_verdict_is_of_the_real_windows(
    lab: Lab,
) -> None:
    started = lab.watch(lab.spec(phases=SLOW))
    until(started, "phase.begun", phase="hold")
    _ask(lab, "hold", by="anna")
    until(started, "wait.begun", kind="hold")
    time.sleep(4.5)  # longer than a lease lives without its heartbeat
    assert _control(lab, "note", "the dashboards are flat", "--by", "bo").code == Exit.PASS
    said = _control(lab, "release")
    assert (said.code, said.stdout) == (Exit.PASS, "release done\n"), said.stderr
    ran = lab.finish(started)
    assert _of(ran, "run.ended")[0]["state"] == "completed"
    (held,) = _spans(ran, "phase.begun", "phase.ended", phase="hold")
    assert held > 9.0
    seen = evidence.load(RunDir(ran.rundir))
    assert seen.trials[0].phases[Phase.HOLD].seconds == pytest.approx(held)
    proof = next(f for f in verify.verify(seen).findings if f.check == "stress-effect")
    assert proof.outcome != "FAIL", proof.reason
    shown = lab.call("show", "latest", "--runs-dir", lab.runs).stdout
    assert "note by bo: the dashboards are flat" in shown
    assert "hold by anna" in shown
    assert "phase hold ends" in shown


def test_a_paused_run_stands_between_two_phases_with_its_faults_and_resumes(lab: Lab) -> None:
    started = lab.watch(_spec(lab, phases=SLOW))
    until(started, "phase.begun", phase="hold")
    _ask(lab, "pause")
    until(started, "wait.begun", kind="pause", step="release")
    time.sleep(5.0)
    assert _control(lab, "resume").code == Exit.PASS
    ran = lab.finish(started)
    assert ran.code == Exit.PASS, ran.stdout
    (waited,) = _of(ran, "wait.ended")
    assert waited["seconds"] > 5.0
    (held,) = _spans(ran, "phase.begun", "phase.ended", phase="hold")
    assert held < waited["seconds"] + 5.0
    assert waited["why"] == "asked"
    undone = [e["t"] for e in _of(ran, "fault.undone")]
    assert min(undone) >= waited["t"]


def test_an_extended_phase_lasts_that_much_longer(lab: Lab) -> None:
    started = lab.watch(_spec(lab, phases=SLOW))
    until(started, "phase.begun", phase="hold")
    _ask(lab, "extend", seconds=2.0)
    ran = lab.finish(started)
    assert ran.code == Exit.PASS, ran.stdout
    (hold,) = _spans(ran, "phase.begun", "phase.ended", phase="hold")
    assert hold >= 7.0
    assert [(e["kind"], e["why"]) for e in _of(ran, "wait.ended")] == [("hold", "time")]


def test_an_abort_undoes_everything_and_exits_as_after_sigint(lab: Lab) -> None:
    started = lab.watch(_spec(lab, phases=LONG))
    until(started, "phase.begun", phase="hold")
    assert _control(lab, "abort", "--by", "anna").code == Exit.PASS
    ran = lab.finish(started)
    assert ran.code == Exit.ABORTED
    assert _of(ran, "run.ended")[0]["reason"] == "aborted by anna"
    planned = {e["id"] for e in _of(ran, "undo.planned")}
    assert planned == {e["id"] for e in _of(ran, "undo.done")} != set()
    assert gone(marked(ran.rundir.name))


def test_a_hold_that_nobody_releases_ends_after_the_longest_and_says_so(lab: Lab) -> None:
    started = lab.start(
        *("run", _spec(lab, phases=SLOW), "--runs-dir", lab.runs),
        *("--events", "jsonl", "--max-hold", "2s"),
    )
    until(started, "phase.begun", phase="hold")
    _ask(lab, "extend", seconds=600.0)
    _ask(lab, "hold")
    refused = until(started, "control", act="extend")
    assert "--max-hold" in refused["reason"]
    ran = lab.finish(started)
    assert ran.code == Exit.PASS, ran.stdout
    assert [(e["why"], round(e["seconds"])) for e in _of(ran, "wait.ended")] == [("longest", 2)]


def test_a_guard_still_ends_a_run_that_is_held(lab: Lab, token: str) -> None:
    """The operator holds; then somebody else's load makes goroutines, and the guard sees them."""
    with standing(lab.binary) as url:
        spec = _spec(
            lab,
            phases=SLOW,
            target={"endpoint": {"url": url}},
            faults=[{"heap": {"retain": "8MiB"}}],
            guards=[{"goroutines": {"max": 60}}],
        )
        started = lab.watch(spec)
        until(started, "phase.begun", phase="hold")
        _ask(lab, "hold")
        until(started, "wait.begun", kind="hold")
        with contextlib.ExitStack() as idle:
            host, port = url.removeprefix("http://").split(":")
            for _ in range(80):  # each connection is a goroutine of the target
                idle.enter_context(socket.create_connection((host, int(port)), timeout=5))
            ran = lab.finish(started)
    assert ran.code == Exit.ABORTED
    assert _of(ran, "guard.tripped")[0]["guard"] == "goroutines"
    assert [e["why"] for e in _of(ran, "wait.ended")] == ["stopped"]


def test_the_signals_pause_and_hold_and_go_on(lab: Lab) -> None:
    started = lab.watch(_spec(lab, phases=SLOW))
    until(started, "phase.begun", phase="hold")
    started.send_signal(signal.SIGUSR2)
    until(started, "wait.begun", kind="hold")
    started.send_signal(signal.SIGUSR1)
    until(started, "control", act="pause")
    started.send_signal(signal.SIGUSR2)
    until(started, "wait.begun", kind="pause")
    started.send_signal(signal.SIGUSR1)
    ran = lab.finish(started)
    assert ran.code == Exit.PASS, ran.stdout
    said = [(e["act"], e["via"], e["by"]) for e in _of(ran, "control")]
    assert said == [
        ("hold", "signal", "SIGUSR2"),
        ("pause", "signal", "SIGUSR1"),
        ("release", "signal", "SIGUSR2"),
        ("resume", "signal", "SIGUSR1"),
    ]


def test_a_run_that_asks_and_is_aborted_first_has_touched_nothing(lab: Lab) -> None:
    started = lab.start(
        *("run", _spec(lab), "--runs-dir", lab.runs, "--events", "jsonl", "--steps")
    )
    asked = until(started, "wait.begun", kind="pause")
    assert asked["step"] == "round 1"
    assert "on process" in asked["does"]
    assert _control(lab, "abort").code == Exit.PASS
    ran = lab.finish(started)
    assert ran.code == Exit.ABORTED
    assert _of(ran, "target.changed") == _of(ran, "undo.planned") == []


def test_a_run_that_asks_takes_each_step_when_told(lab: Lab) -> None:
    started = lab.start(
        *("run", _spec(lab), "--runs-dir", lab.runs, "--events", "jsonl", "--steps")
    )
    steps = []
    for line in started.stderr or ():
        entry = json.loads(line) if line.startswith("{") else {}
        if entry.get("event") == "wait.begun":
            steps.append(entry["step"])
            assert _control(lab, "resume").code == Exit.PASS
    ran = lab.finish(started)
    assert ran.code == Exit.PASS, ran.stdout
    assert steps == ["round 1", "baseline", "inject", "hold", "release", "recover"]


def test_a_run_that_nobody_answers_aborts_and_touches_nothing(lab: Lab) -> None:
    ran = lab.run(_spec(lab), "--steps", "--max-hold", "1s")
    assert ran.code == Exit.ABORTED
    assert "nobody answered for round 1" in _of(ran, "run.ended")[0]["reason"]
    assert _of(ran, "target.changed") == []


def test_hostile_requests_are_refused_and_change_nothing(lab: Lab) -> None:
    started = lab.watch(_spec(lab, phases=SLOW))
    begun = until(started, "run.started")
    file = lab.runs / "lab" / begun["run_id"] / "control.jsonl"
    with file.open("ab") as out:
        out.write(
            b'\xff\x00\n{"act":"abort"}\n{"id":"x","act":"format"}\n' + b"y" * 200_000 + b"\n"
        )
    until(started, "control", request="line-4")
    ran = lab.finish(started)
    assert ran.code == Exit.PASS, ran.stdout
    assert {e["outcome"] for e in _of(ran, "control")} == {"refused"}
    assert file.stat().st_mode & 0o777 == 0o600


def test_after_the_end_only_a_note_is_taken_and_the_verdict_stays_the_same(lab: Lab) -> None:
    ran = lab.run(_spec(lab))
    refused = _control(lab, "pause")
    assert refused.code == Exit.USAGE
    assert "has ended" in refused.stderr
    assert _control(lab, "note", "next time with more load", "--by", "bo").code == Exit.PASS
    again = lab.call("verify", "latest", "--runs-dir", lab.runs)
    assert again.code == ran.code == Exit.PASS
    assert "the same, byte for byte" in again.stderr
    shown = lab.call("show", "latest", "--runs-dir", lab.runs).stdout
    assert "after the end: next time with more load" in shown


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("explode",), "explode"),
        (("extend",), "needs a duration"),
        (("extend", "soon"), "soon"),
        (("note",), "needs a text"),
        (("pause", "30s"), "takes no value"),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(lab: Lab, args: tuple[str, ...], says: str) -> None:
    said = _control(lab, *args)
    assert said.code == Exit.USAGE
    assert says in said.stderr or "no run" in said.stderr


# --- killed while somebody holds it


@pytest.fixture
def token(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("CHAOSMEM_AGENT_TOKEN", TOKEN)
    lab.env["CHAOSMEM_AGENT_TOKEN"] = TOKEN
    yield TOKEN
    lab.env.pop("CHAOSMEM_AGENT_TOKEN")


@pytest.mark.parametrize(("act", "kind"), [("hold", "hold"), ("pause", "pause")])
def test_a_kill_while_it_waits_leaves_no_process_and_no_pass(lab: Lab, act: str, kind: str) -> None:
    started = lab.watch(_spec(lab, phases=SLOW))
    until(started, "phase.begun", phase="hold")
    _ask(lab, act)
    until(started, "wait.begun", kind=kind)
    started.kill()
    started.communicate()
    (rundir,) = runs(lab.runs)
    assert gone(marked(rundir.run_id))
    _never_passes(rundir)
    refused = _control(lab, "release")
    assert refused.code == Exit.USAGE
    assert "gone" in refused.stderr
    assert _control(lab, "note", "it was killed").code == Exit.PASS
    _never_passes(rundir)


def _never_passes(rundir: RunDir) -> None:
    seen = evidence.load(rundir)
    assert seen.damage == ()
    assert verify.verify(seen).exit_code in (Exit.INCONCLUSIVE, Exit.UNDO_INCOMPLETE)
    assert [f.error for f in finish.finish(rundir) if f.error] == []
    assert verify.verify(evidence.load(rundir)).exit_code == Exit.INCONCLUSIVE


def test_a_kill_while_it_is_held_leaves_no_fault_in_an_endpoint(lab: Lab, token: str) -> None:
    with standing(lab.binary) as url:
        started = lab.watch(_spec(lab, phases=SLOW, target={"endpoint": {"url": url}}))
        until(started, "phase.begun", phase="hold")
        _ask(lab, "hold")
        until(started, "wait.begun", kind="hold")
        time.sleep(3.5)
        assert sample(url)["held"]["goroutines"] == 200, "the lease lapsed while it was held"
        started.kill()
        started.communicate()
        for _ in itertools.takewhile(lambda _: sample(url).get("lease"), range(400)):
            time.sleep(0.05)
        now = sample(url)
        assert (now["held"]["heap_bytes"], now["held"]["goroutines"]) == (0, 0)
        assert now["metrics"]["/gc/gogc:percent"] == 100
