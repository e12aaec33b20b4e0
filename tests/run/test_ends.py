"""However a run ends, what it did is undone, and it says how it ended."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chaosmem.errors import Exit
from tests.run.harness import Lab, marked, standing, until

LONG = {"baseline": "300ms", "inject": "200ms", "hold": "30s", "recover": "300ms"}


def test_a_run_that_is_left_alone_completes(lab: Lab) -> None:
    ran = lab.run(lab.spec())
    assert ran.code == Exit.PASS, ran.stderr + ran.stdout
    assert ran.events()[-1]["state"] == "completed"
    assert not marked(ran.rundir.name)


def test_stdout_carries_only_the_result(lab: Lab) -> None:
    ran = lab.run(lab.spec(), "--format", "json")
    assert ran.stdout.encode() == (ran.rundir / "verdict.json").read_bytes()


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_one_signal_stops_undoes_and_still_reports(lab: Lab, sign: signal.Signals) -> None:
    started = lab.watch(lab.spec(phases=LONG))
    until(started, "phase.begun", phase="hold")
    started.send_signal(sign)
    ran = lab.finish(started)
    assert ran.code == Exit.ABORTED
    assert [e["state"] for e in ran.events() if e["event"] == "run.ended"] == ["interrupted"]
    assert len([e for e in ran.events() if e["event"] == "fault.undone"]) == 3
    assert ran.verdict["outcome"] == "INCONCLUSIVE"
    assert (ran.rundir / "report.html").is_file()


def test_a_signal_while_the_target_gets_ready_stops_at_once(
    build: Callable[[str], Path], lab: Lab
) -> None:
    lab.binary = build("never-ready")
    patient = {"http": "/readyz", "within": "30s"}
    started = lab.watch(lab.spec(target={"process": lab.process(ready=patient)}))
    until(started, "target.changed", state="started")
    started.send_signal(signal.SIGINT)
    ran = lab.finish(started)
    assert ran.code == Exit.ABORTED
    assert ran.events()[-1]["t"] < 10
    assert not marked(ran.rundir.name)


def test_a_signal_before_anything_is_touched_is_an_abort_and_no_failure(lab: Lab) -> None:
    fake = lab.base / "go"  # a Go toolchain that never ends: the run is still being prepared
    fake.write_text("#!/bin/sh\necho go1.26.0\n[ $1 = env ] || { touch building; sleep 60; }\n")
    fake.chmod(0o755)
    (lab.base / "go.mod").write_text("module x\n")
    lab.env["CHAOSMEM_GO"] = str(fake)
    started = lab.start("run", lab.spec(target={"process": {"go": {"module": "."}}}))
    while not (lab.base / "building").exists():
        assert started.poll() is None
        time.sleep(0.05)
    started.send_signal(signal.SIGINT)
    ran = lab.finish(started)
    assert ran.code == Exit.ABORTED
    assert "stopped by SIGINT" in ran.stderr
    assert not lab.runs.exists()


def test_a_second_signal_skips_the_report_but_not_the_undo(
    build: Callable[[str], Path], lab: Lab
) -> None:
    lab.binary = build("slow-answers")  # its undo takes 1.5 s an answer: time for a second signal
    started = lab.watch(lab.spec(phases=LONG, faults=[{"goroutines": {"count": 200}}]))
    until(started, "fault.proved")
    started.send_signal(signal.SIGINT)
    until(started, "signal")
    started.send_signal(signal.SIGINT)
    ran = lab.finish(started)
    assert ran.code == Exit.ABORTED
    kinds = [e["event"] for e in ran.events()]
    assert kinds.count("undo.done") == kinds.count("undo.planned")
    assert not (ran.rundir / "report.html").exists()


def test_a_guard_aborts_undoes_and_names_itself(lab: Lab) -> None:
    faults = [{"heap": {"retain": "8MiB"}}]
    guard = {"goroutines": {"max": 2}}
    ran = lab.run(lab.spec(phases=LONG, faults=faults, guards=[guard]))
    assert ran.code == Exit.ABORTED
    tripped = [e for e in ran.events() if e["event"] == "guard.tripped"]
    assert tripped[0]["guard"] == "goroutines"
    assert "allowed 2" in tripped[0]["text"]
    assert "guard goroutines" in ran.words


@pytest.mark.parametrize("phase", ["baseline", "inject", "hold", "recover"])
def test_a_target_that_is_killed_in_any_phase_ends_the_run_at_once(lab: Lab, phase: str) -> None:
    seconds = {p: ("20s" if p == phase else v) for p, v in LONG.items()}
    started = lab.watch(
        lab.spec(phases=seconds | {"hold": seconds["hold"] if phase == "hold" else "300ms"})
    )
    pid = until(started, "target.changed", state="ready")["pid"]
    until(started, "phase.begun", phase=phase)
    os.kill(pid, signal.SIGKILL)
    ran = lab.finish(started)
    assert ran.code in (Exit.FAIL, Exit.INCONCLUSIVE)
    assert ran.outcome("no-restart") == "FAIL"
    assert ran.verdict["outcome"] != "PASS"
    assert not marked(ran.rundir.name)


def test_the_other_trials_are_not_run_after_a_stop(lab: Lab) -> None:
    started = lab.watch(lab.spec(phases=LONG, trials=3))
    until(started, "phase.begun", phase="hold")
    started.send_signal(signal.SIGINT)
    ran = lab.finish(started)
    assert [e["trial"] for e in ran.events() if e["event"] == "trial.started"] == ["t01-default"]


def test_a_port_in_use_is_named(lab: Lab) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ran = lab.run(lab.spec(target={"process": lab.process(port=port)}))
    assert ran.code == Exit.INCONCLUSIVE
    assert f"port {port} of 127.0.0.1 is in use" in ran.words


def test_a_program_that_is_not_there_is_named(lab: Lab) -> None:
    target = {"process": lab.process(command=["no-such-program"])}
    ran = lab.run(lab.spec(target=target))
    assert ran.code == Exit.INCONCLUSIVE
    assert "there is no program 'no-such-program'" in ran.stderr


def test_a_program_that_ends_before_it_is_ready_shows_its_last_words(lab: Lab) -> None:
    target = {"process": lab.process(args=["-no-such-flag"])}
    ran = lab.run(lab.spec(target=target))
    assert ran.code != Exit.PASS
    assert "flag provided but not defined" in ran.words


def _full(limit: int) -> Callable[[], None]:
    import resource

    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))


@pytest.mark.parametrize("limit", [400, 2_500, 6_000], ids="{}B".format)
def test_a_full_disk_stops_the_run_undoes_it_and_keeps_the_journal_readable(
    lab: Lab, limit: int
) -> None:
    ran = lab.run(
        lab.spec(target={"process": lab.process(env={"GOMAXPROCS": "1"}, gctrace=False)}),
        preexec_fn=_full(limit),
    )
    assert ran.code == Exit.INCONCLUSIVE, ran.stderr
    assert "cannot write" in ran.stderr
    left = [r.name for r in (lab.runs / "lab").glob("2*")]
    assert not [pid for run_id in left for pid in marked(run_id)]


def test_without_pprof_and_metrics_and_agent_there_is_nothing_to_measure(lab: Lab) -> None:
    bare: dict[str, Any] = {"agent": None, "metrics": None, "pprof": None}
    load = {"load": {"rate": "50/s", "mix": [{"path": "/healthz"}]}}
    ran = lab.run(lab.spec(target={"process": lab.process()} | bare, faults=[load], captures=[]))
    assert ran.code in (Exit.INCONCLUSIVE, Exit.SPEC_INVALID)
    assert "nothing to measure" in ran.words + ran.stderr or "pprof" in ran.stderr


def test_an_endpoint_without_a_token_refuses_the_fault_and_never_passes(lab: Lab) -> None:
    with standing(lab.binary) as url:
        ran = lab.run(lab.spec(target={"endpoint": {"url": url}}))
    assert ran.code == Exit.INCONCLUSIVE
    assert ran.outcome("stress-effect") == "INCONCLUSIVE"


def test_secrets_stay_out_of_everything_that_a_run_writes(lab: Lab) -> None:
    from tests.run.harness import TOKEN

    with standing(lab.binary) as url:
        lab.env["CHAOSMEM_AGENT_TOKEN"] = TOKEN
        ran = lab.run(lab.spec(target={"endpoint": {"url": url}}))
    assert ran.code == Exit.PASS, ran.stdout
    written = b"".join(p.read_bytes() for p in ran.rundir.rglob("*") if p.is_file())
    assert TOKEN.encode() not in written + ran.stdout.encode() + ran.stderr.encode()
