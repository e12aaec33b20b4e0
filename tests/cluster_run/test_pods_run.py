"""Whole runs on real pods: what was asked is done, measured, taken back, and nothing stays."""

from __future__ import annotations

import signal
from typing import Any

import pytest

from chaosmem import evidence
from chaosmem.errors import Exit
from chaosmem.metrics import CGROUP_WORKING_SET
from chaosmem.spec.base import Phase
from tests.cluster.api import wait_for
from tests.cluster_run.shop import CHECKS, FAULTS, QUICK, Shop, holding, ready, wait_event
from tests.importing import beside_others, told

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]
HEAP = {
    "heap": {
        "retain": "32MiB",
        "rate": "32MiB/s",
        "churn": "40MiB/s",
        "at": "inventory.(*Cache).Fill",
    }
}
LOAD: dict[str, Any] = {
    "load": {
        "rate": "100/s",
        "during": "all",
        "mix": [{"path": "/cart/7"}, {"path": "/healthz"}],
        "connections": 2,  # a busy machine opens more in a burst, each a goroutine of the target
    }
}
SEED: list[Any] = [
    *CHECKS,
    {"next-gc-prediction": {"minCycles": 3}},
    {"top-allocations": {"contains": r"inventory\.\(\*Cache\)\.Fill", "share": "60%"}},
    "heap-returns",
    "no-restart",
    "no-oom",
]


def test_the_seed_experiment_passes_on_a_real_pod(shop: Shop) -> None:
    spec = shop.spec(
        faults=[
            {"memory": {"via": "helper", "level": "80%", "ramp": "1500ms"}},
            HEAP,
            {"goroutines": {"count": 300}},
        ],
        phases=QUICK | {"hold": "5s", "recover": "5s"},
        captures=[{"profile": "heap", "at": ["baseline.end", "hold.end", "recover.end"]}],
        checks=SEED,
    )
    ran = shop.run(spec)
    assert ran.code == Exit.PASS, ran.stdout
    shop.clean()
    again = shop.chaosmem("verify", ran.rundir or "", "--format", "json")
    assert again.code == Exit.PASS


@pytest.mark.parametrize("transport", ["direct", "proxy", "port-forward"])
def test_each_transport_carries_a_whole_run(shop: Shop, transport: str) -> None:
    captures = [{"profile": "heap", "at": ["baseline.end", "hold.end"]}]
    faults = [*FAULTS, LOAD]
    spec = shop.spec(kubernetes={"transport": transport}, captures=captures, faults=faults)
    ran = shop.run(spec)
    assert ran.code == Exit.PASS, ran.stdout
    chosen = [n["text"] for n in ran.told("note") if "is reached by" in n["text"]]
    assert all(f"by {transport}" in text for text in chosen), chosen
    assert [c["error"] for c in ran.told("capture.taken")] == ["", ""]
    shop.clean()


def test_load_is_sent_from_inside_the_cluster_and_each_request_is_evidence(shop: Shop) -> None:
    load = {"load": LOAD["load"] | {"origin": "cluster"}}
    ran = shop.run(shop.spec(faults=[load, {"goroutines": {"count": 300}}]))
    assert ran.code == Exit.PASS, ran.stdout
    proved = {e["fault"]: e["readback"] for e in ran.told("fault.undone")}["f1-load"]
    assert proved["sent"] > 0.9 * 100 * 11
    assert (proved["failed"], proved["lost"]) == (0, 0)
    shop.clean()


def test_all_pods_are_acted_on_side_by_side_and_judged_one_by_one(shop: Shop) -> None:
    ran = shop.run(shop.spec(kubernetes={"mode": "all"}))
    assert ran.code == Exit.PASS, ran.stdout
    names = {f"{shop.namespace}/{p['metadata']['name']}" for p in shop.pods()}
    assert {f["target"] for f in ran.verdict["findings"]} == names
    assert ran.outcomes("stress-effect") == ["PASS", "PASS"]
    shop.clean()


def test_a_deleted_pod_ends_its_own_trial_and_no_other(shop: Shop) -> None:
    started = shop.start(shop.spec(kubernetes={"mode": "all"}))
    wait_event(shop, holding)
    victim = shop.pods()[0]["metadata"]["name"]
    shop.cluster.kubectl(
        "delete", "pod", victim, "-n", shop.namespace, "--grace-period=0", "--force"
    )
    ran = shop.finish(started)
    assert ran.code == Exit.INCONCLUSIVE, ran.stdout
    told = {
        f["target"]: f["outcome"] for f in ran.verdict["findings"] if f["check"] == "stress-effect"
    }
    assert told.pop(f"{shop.namespace}/{victim}") == "INCONCLUSIVE"
    assert list(told.values()) == ["PASS"]
    wait_for(lambda: ready(shop) == 2, 30, "the Deployment has replaced the pod")
    shop.clean()


def test_a_helper_that_is_killed_proves_nothing_and_leaves_nothing(shop: Shop) -> None:
    started = shop.start(shop.spec())
    wait_event(shop, holding)
    labels = "app.kubernetes.io/name=chaosmem-helper"
    shop.cluster.kubectl(
        "delete", "pod", "-n", shop.control, "-l", labels, "--grace-period=0", "--force"
    )
    ran = shop.finish(started)
    assert ran.code == Exit.INCONCLUSIVE, ran.stdout
    shop.clean()


def test_a_helper_that_admission_refuses_is_named_and_nothing_passes(shop: Shop) -> None:
    shop.cluster.make_namespace(shop.control, level="restricted")
    ran = shop.run(shop.spec())
    assert ran.code == Exit.INCONCLUSIVE, ran.stdout
    said = " ".join(n["text"] for n in ran.told("note"))
    assert "no helper beside" in said
    assert "PodSecurity" in said
    shop.clean()


def test_the_helper_comes_while_the_warmup_passes_and_is_there_for_the_baseline(
    shop: Shop,
) -> None:
    ran = shop.run(shop.spec(phases=QUICK | {"warmup": "2s"}))
    assert ran.code == Exit.PASS, ran.stdout
    happened = ran.events()
    promised = next(e["t"] for e in happened if e.get("id", "").endswith("helper-pod"))
    there = next(e["t"] for e in happened if "cgroup" in e.get("facts", {}))
    baseline = next(e["t"] for e in happened if e.get("phase") == "baseline")
    assert promised < there < baseline
    (trial,) = evidence.load(shop.rundir()).trials
    seen = trial.of(CGROUP_WORKING_SET).within(trial.phases[Phase.BASELINE])
    assert len(seen) >= 10
    shop.clean()


def test_while_reports_are_rehearsed_a_run_on_pods_imports_nothing(shop: Shop) -> None:
    log = shop.base / "imports"
    shop.more = told({}, log)
    ran = shop.run(shop.spec(faults=[LOAD, *FAULTS]))
    assert ran.rundir is not None, ran.stderr
    assert beside_others(log) == []
    shop.clean()


def test_a_run_that_is_stopped_while_the_helper_comes_leaves_nothing(shop: Shop) -> None:
    started = shop.start(shop.spec(phases=QUICK | {"warmup": "60s"}))
    wait_event(shop, lambda e: e.get("id", "").endswith("helper-pod"))
    started.send_signal(signal.SIGINT)
    ran = shop.finish(started)
    assert ran.code == Exit.ABORTED, ran.stdout
    planned = {e["id"] for e in ran.told("undo.planned")}
    assert planned == {e["id"] for e in ran.told("undo.done")}
    shop.clean()


def test_a_second_run_on_the_same_workload_is_refused_and_told_who_has_it(shop: Shop) -> None:
    long = {**QUICK, "hold": "20s"}  # on a busy machine the second one needs seconds to begin
    first = shop.start(shop.spec(phases=long))
    wait_event(shop, holding)
    second = shop.chaosmem("run", shop.spec("other"), "--runs-dir", shop.base / "second")
    ran = shop.finish(first)
    assert ran.code == Exit.PASS, ran.stdout
    assert second.code == Exit.INCONCLUSIVE
    assert "held by" in second.stdout + second.stderr
    shop.clean()


def test_a_target_that_grows_is_not_driven_into_an_oom_kill(shop: Shop) -> None:
    grow = {"heap": {"retain": "80MiB", "rate": "40MiB/s", "during": ["inject", "hold"]}}
    press = {"memory": {"via": "helper", "level": "90%", "ramp": "1s"}}
    ran = shop.run(
        shop.spec(faults=[press, grow], checks=["stress-effect", "no-oom", "no-restart"])
    )
    assert ran.outcomes("no-oom") == ["PASS"], ran.stdout
    assert ran.outcomes("no-restart") == ["PASS"]
    shop.clean()


def test_a_rollout_is_followed_and_reverted_exactly(shop: Shop) -> None:
    before = shop.template()
    setting = {
        "runtime": {"via": "rollout", "gogc": 50, "godebug": {"madvdontneed": "0"}, "during": "all"}
    }
    spec = shop.spec(faults=[setting, {"goroutines": {"count": 300}}], checks=["stress-effect"])
    ran = shop.run(spec, timeout=240)
    assert ran.code == Exit.PASS, ran.stdout
    assert shop.template() == before
    wait_for(lambda: ready(shop) == 2, 60, "the former pods are back")
    shop.clean()


def test_arms_in_turns_find_the_pods_of_each_round(shop: Shop) -> None:
    before = shop.template()
    spec = shop.spec(
        faults=[{"goroutines": {"count": 300}}],
        checks=["stress-effect"],
        arms=[{"name": "plain"}, {"name": "half", "gogc": 50}],
        trials=2,  # plain, half, half, plain: with a rollout and its way back between them
        limits={"pods": 2, "duration": "10m"},
    )
    ran = shop.run(spec, timeout=280)
    assert ran.code == Exit.PASS, ran.stdout
    assert ran.outcomes("stress-effect") == ["PASS"] * 4
    killed = {n["text"].split(":")[0] for n in ran.told("note") if ": Killing:" in n["text"]}
    assert len(killed) >= 2, "the pods of later rounds are watched as well"
    assert shop.template() == before
    shop.clean()


def test_the_wrong_token_is_said_and_nothing_passes(shop: Shop) -> None:
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "other"},
        "stringData": {"token": "not-the-agents-token"},
    }
    shop.cluster.apply(secret, namespace=shop.namespace)
    spec = shop.spec()
    spec.write_text(spec.read_text().replace("shop-agent/token", "other/token"))
    ran = shop.run(spec)
    assert ran.code == Exit.INCONCLUSIVE, ran.stdout
    journal = (shop.newest() / "journal.jsonl").read_text()  # type: ignore[operator]
    assert "not-the-agents-token" not in journal
    shop.clean()
