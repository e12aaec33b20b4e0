"""Each fault on a real process: it acts, it is proven by the runtime, and it is taken back."""

from __future__ import annotations

from typing import Any

from chaosmem import evidence, metrics
from chaosmem.errors import Exit
from chaosmem.rundir import RunDir
from tests.run.harness import TOKEN, Lab, Ran, sample, standing

PHASES = {"baseline": "1200ms", "inject": "400ms", "hold": "600ms", "recover": "600ms"}
ALL = ["warmup", "baseline", "inject", "hold", "release", "recover"]


def _run(lab: Lab, *faults: dict[str, Any], **sections: Any) -> Ran:
    ran = lab.run(lab.spec(phases=PHASES, faults=list(faults), **sections))
    assert ran.code == Exit.PASS, ran.stdout + ran.stderr
    return ran


def _entry(ran: Ran, event: str, fault: str) -> dict[str, Any]:
    return next(e for e in ran.events() if e["event"] == event and e["fault"].endswith(fault))


def test_heap_is_retained_at_the_point_and_let_go(lab: Lab) -> None:
    ran = _run(lab, {"heap": {"retain": "32MiB", "at": "main.(*Cache).Fill"}})
    assert _entry(ran, "fault.proved", "heap")["readback"]["held.heap_bytes"] == 32 * 2**20
    (trial,) = evidence.load(RunDir(ran.rundir)).trials
    held = trial.of(metrics.HEAP_HELD).v
    assert (held.max(), held[-1]) == (32 * 2**20, 0)


def test_live_runtime_settings_are_read_back_and_put_back(lab: Lab) -> None:
    lab.env["CHAOSMEM_AGENT_TOKEN"] = TOKEN
    with standing(lab.binary, GOGC="80") as url:
        fault = {"runtime": {"gogc": 50, "gomemlimit": "256MiB"}}
        ran = _run(lab, fault, target={"endpoint": {"url": url}})
        after = sample(url)["metrics"]
    said = _entry(ran, "fault.proved", "runtime")["readback"]
    assert (said["runtime.gogc"], said["runtime.gomemlimit"]) == (50, 256 * 2**20)
    assert after["/gc/gogc:percent"] == 80
    assert after["/gc/gomemlimit:bytes"] == 2**63 - 1


def test_a_restart_merges_the_environment_and_reverts_it_exactly(lab: Lab) -> None:
    process = lab.process(env={"GODEBUG": "madvdontneed=1", "GOGC": "80"})
    fault = {"runtime": {"via": "restart", "gogc": 50, "godebug": {"madvdontneed": "0"}}}
    ran = _run(lab, fault, target={"process": process})
    assert _entry(ran, "fault.proved", "runtime")["readback"] == {
        "environ.GODEBUG": "madvdontneed=0,gctrace=1",
        "environ.GOGC": "50",
        "environ.GOMEMLIMIT": "",
    }
    assert _entry(ran, "fault.undone", "runtime")["readback"] == {
        "environ.GODEBUG": "madvdontneed=1,gctrace=1",
        "environ.GOGC": "80",
        "environ.GOMEMLIMIT": "",
    }
    assert ran.outcome("no-restart") == "PASS"


def test_load_is_sent_at_its_rate_and_every_request_is_recorded(lab: Lab) -> None:
    fault = {"load": {"rate": "50/s", "mix": [{"path": "/healthz"}], "during": ALL}}
    ran = _run(lab, fault)
    said = _entry(ran, "fault.undone", "load")["readback"]
    assert said["failed"] == 0
    assert 90 <= said["ok"] <= 160
    assert next(ran.rundir.glob("series/*/load.col")).stat().st_size > said["ok"] * 40


def test_an_unknown_injection_point_is_refused_and_nothing_passes(lab: Lab) -> None:
    fault = {"heap": {"retain": "8MiB", "at": "main.(*Cache).Nope"}}
    ran = lab.run(lab.spec(phases=PHASES, faults=[fault]))
    assert ran.code == Exit.INCONCLUSIVE
    assert "unknown-point" in _entry(ran, "fault.failed", "heap")["error"]


def test_arms_get_their_own_settings_and_are_interleaved(lab: Lab) -> None:
    arms = [{"name": "a", "gogc": 100}, {"name": "b", "gogc": 50, "godebug": {"madvdontneed": "0"}}]
    ran = _run(lab, {"goroutines": {"count": 100}}, arms=arms, trials=2, captures=[])
    started = [e["arm"] for e in ran.events() if e["event"] == "trial.started"]
    assert started == ["a", "b", "b", "a"]
    settings = {e["trial"][-1]: e["facts"] for e in ran.events() if e["event"] == "target.facts"}
    assert settings["a"]["gogc"] == "100"
    assert settings["b"]["gogc"] == "50"
    assert settings["b"]["godebug"] == "madvdontneed=0,gctrace=1"


def test_two_faults_are_undone_even_when_one_of_them_cannot_be(lab: Lab) -> None:
    lab.env["CHAOSMEM_AGENT_TOKEN"] = TOKEN
    with standing(lab.binary) as url:
        faults = [{"goroutines": {"count": 100}}, {"heap": {"retain": "1GiB", "at": "main.nope"}}]
        ran = lab.run(lab.spec(phases=PHASES, faults=faults, target={"endpoint": {"url": url}}))
        assert sample(url)["held"]["goroutines"] == 0
    assert ran.code == Exit.INCONCLUSIVE
