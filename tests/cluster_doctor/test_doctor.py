"""`chaosmem doctor` on pods of a real cluster: what is well, what is not, and how to mend it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from chaosmem.run.record import labels, lock_name
from tests.cluster_doctor.looking import doctor
from tests.cluster_run.shop import Shop

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(120)]
ROLLOUT = [{"runtime": {"via": "rollout", "gogc": 50, "during": "all"}}]
KINDS = "pods,secrets,configmaps,leases,deployments,replicasets"


def kept(shop: Shop) -> dict[str, str]:
    """Everything in both namespaces with its version."""
    found = [
        o
        for ns in (shop.namespace, shop.control)
        for o in shop.cluster.get(KINDS, "-n", ns)["items"]
    ]
    return {o["metadata"]["uid"]: o["metadata"]["resourceVersion"] for o in found}


@pytest.fixture
def control(shop: Shop) -> Iterator[str]:
    """A control namespace of the test's own."""
    name = f"{shop.control}-{uuid.uuid4().hex[:4]}"
    shop.cluster.make_namespace(name, level="privileged")
    yield name
    shop.cluster.drop_namespace(name)


def test_a_healthy_target_is_well_within_five_seconds_and_nothing_is_changed(shop: Shop) -> None:
    before = kept(shop)
    said = doctor(shop.spec(), shop.kubeconfig)
    assert said.problems == []
    assert said.code == 0
    assert kept(shop) == before
    assert said.seconds < 5
    sections = list(dict.fromkeys(f["section"] for f in said.findings))
    assert sections[:4] == ["", "cluster", "permissions", "pods"]
    assert sections[5:] == ["control namespace", "nodes", "other runs"]


def test_what_the_pod_and_its_go_process_are_is_told(shop: Shop) -> None:
    said = doctor(shop.spec(), shop.kubeconfig)
    pod = said.of("pods")[2]
    assert "limit 256.0 MiB, Burstable" in pod["found"]
    assert "Deployment/shop" in pod["found"]
    assert "chooses 1" in said.one("selector")["found"]
    assert "go1." in said.one("agent")["found"]
    assert said.one("port 8080")["found"].startswith("reached by direct")
    assert "gctrace" in said.one("gctrace")["what"]


def test_without_the_agent_the_settings_come_from_metrics_and_the_pod(shop: Shop) -> None:
    path = shop.spec(faults=[], limits={"pods": 2}, checks=[])
    text = path.read_text().replace("tokenSecret: shop-agent/token", "path: /nowhere")
    path.write_text(text)
    said = doctor(path, shop.kubeconfig)
    assert "no fault needs it" in said.one("agent")["found"]
    assert said.one("agent")["needed"] is False
    assert "GOMEMLIMIT" in said.notes
    assert said.one("go environment")["well"] is True


def test_the_lines_have_headings_and_tell_how_to_mend(shop: Shop) -> None:
    said = doctor(shop.spec(kubernetes={"selector": {"app": "nobody"}}), shop.kubeconfig, "text")
    assert said.code == 3
    assert "\npermissions\n" in said.stdout
    assert f"PROBLEM  selector: 0 pods in {shop.namespace} have app=nobody" in said.stdout
    assert f"mend: kubectl -n {shop.namespace} get pods --show-labels" in said.stdout


def test_a_control_namespace_that_forbids_the_helper_is_named_with_its_mend(
    shop: Shop, control: str
) -> None:
    level = "pod-security.kubernetes.io/enforce=restricted"
    shop.cluster.kubectl("label", "namespace", control, level, "--overwrite")
    said = doctor(shop.spec(kubernetes={"controlNamespace": control}), shop.kubeconfig)
    assert f"PodSecurity of {control}" in said.problems
    assert "enforce=privileged" in said.one(f"PodSecurity of {control}")["mend"]
    assert "dry run: Pod (helper)" in said.problems
    assert "hostPID" in said.one("dry run: Pod (helper)")["found"]
    assert said.code == 3


def test_where_nothing_presses_a_helper_that_is_refused_is_a_note(shop: Shop, control: str) -> None:
    level = "pod-security.kubernetes.io/enforce=restricted"
    shop.cluster.kubectl("label", "namespace", control, level, "--overwrite")
    faults = [{"goroutines": {"count": 300}}]
    changed = shop.spec(faults=faults, kubernetes={"controlNamespace": control})
    said = doctor(changed, shop.kubeconfig)
    assert said.problems == []
    assert f"PodSecurity of {control}" in said.notes
    assert "dry run: Pod (helper)" in said.notes


def test_a_load_pod_is_accepted_where_only_restricted_pods_are(shop: Shop, control: str) -> None:
    level = "pod-security.kubernetes.io/enforce=restricted"
    shop.cluster.kubectl("label", "namespace", control, level, "--overwrite")
    load = {"load": {"rate": "5/s", "origin": "cluster", "mix": [{"path": "/healthz"}]}}
    changed = shop.spec(faults=[load], kubernetes={"controlNamespace": control})
    said = doctor(changed, shop.kubeconfig)
    assert said.one("dry run: Pod (load pod)")["well"] is True


def test_a_quota_that_is_used_up_is_named(shop: Shop, control: str) -> None:
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "few"},
        "spec": {"hard": {"pods": "0"}},
    }
    shop.cluster.apply(quota, namespace=control)
    shop.cluster.kubectl(
        "wait", "-n", control, "resourcequota/few", "--for=jsonpath={.status.hard.pods}=0"
    )
    said = doctor(shop.spec(kubernetes={"controlNamespace": control}), shop.kubeconfig)
    assert "quota few" in said.problems
    assert "exceeded quota" in said.one("dry run: Pod (helper)")["found"]


def test_a_control_namespace_that_is_not_there_is_named_with_its_mend(shop: Shop) -> None:
    said = doctor(shop.spec(kubernetes={"controlNamespace": "nowhere"}), shop.kubeconfig)
    assert "namespace nowhere" in said.problems
    assert "kubectl apply -k" in said.one("namespace nowhere")["mend"]


def test_another_run_on_the_target_is_named(shop: Shop) -> None:
    uid = shop.cluster.get("deployment", "shop", "-n", shop.namespace)["metadata"]["uid"]
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    lease: dict[str, Any] = {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": lock_name(uid), "labels": labels("20261125-other")},
        "spec": {
            "holderIdentity": "20261125-other on elsewhere",
            "leaseDurationSeconds": 60,
            "renewTime": now,
        },
    }
    shop.cluster.apply(lease, namespace=shop.control)
    try:
        said = doctor(shop.spec(), shop.kubeconfig)
        assert said.problems == ["lock"]
        assert "20261125-other on elsewhere" in said.one("lock")["found"]
        lease["spec"]["renewTime"] = "2026-01-01T00:00:00.000000Z"
        shop.cluster.apply(lease, namespace=shop.control)
        said = doctor(shop.spec(), shop.kubeconfig)
        assert said.one("lock")["well"] is True
        assert said.one("dead run")["mend"].startswith("chaosmem sweep")
    finally:
        shop.cluster.kubectl("delete", "lease", lock_name(uid), "-n", shop.control)


def test_a_rollout_is_tried_without_being_made(shop: Shop) -> None:
    before = shop.template()
    said = doctor(shop.spec(faults=ROLLOUT), shop.kubeconfig)
    what = f"dry run: rollout of Deployment {shop.namespace}/shop"
    assert said.one(what) | {"section": ""} == {
        "section": "",
        "what": what,
        "well": True,
        "found": "GOGC=50",
        "mend": "",
        "needed": True,
    }
    assert shop.template() == before


def test_a_workload_that_argo_manages_and_its_autoscaler_are_named(shop: Shop) -> None:
    deployment = ("deployment", "shop", "-n", shop.namespace)
    shop.cluster.kubectl("label", *deployment, "argocd.argoproj.io/instance=shop")
    shop.cluster.kubectl("autoscale", *deployment, "--max=3")
    try:
        said = doctor(shop.spec(faults=ROLLOUT), shop.kubeconfig)
        where = f"Deployment {shop.namespace}/shop"
        assert said.problems == [f"{where} managed"]
        assert "allowGitops" in said.one(f"{where} managed")["mend"]
        assert f"{where} autoscaler" in said.notes
        allowed = shop.spec(faults=ROLLOUT, kubernetes={"allowGitops": True})
        assert doctor(allowed, shop.kubeconfig).problems == []
    finally:
        shop.cluster.kubectl("label", *deployment, "argocd.argoproj.io/instance-")
        shop.cluster.kubectl("delete", "hpa", "shop", "-n", shop.namespace)


def test_what_the_plan_refuses_is_told_line_by_line(shop: Shop) -> None:
    changed = shop.spec(kubernetes={"mode": "all"}, limits={"pods": 1, "share": "10%"})
    said = doctor(changed, shop.kubeconfig)
    assert said.problems == ["plan", "plan"]


def test_no_cluster_is_one_problem_and_no_traceback(shop: Shop, tmp_path: Path) -> None:
    config = json.loads(shop.kubeconfig.read_text())
    config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:9"
    gone = tmp_path / "gone"
    gone.write_text(json.dumps(config))
    said = doctor(shop.spec(), gone)
    assert said.code == 3
    assert said.problems == ["API server"]
    assert "127.0.0.1:9" in said.one("API server")["found"]
    assert said.stderr == ""


def test_chaos_mesh_is_looked_for_where_it_is_used(shop: Shop) -> None:
    faults = [{"memory": {"via": "chaos-mesh", "level": "80%"}}]
    said = doctor(shop.spec(faults=faults), shop.kubeconfig)
    found = said.one("StressChaos")
    there = "stresschaos.chaos-mesh.org" in shop.cluster.kubectl("get", "crd", "-o", "name")
    assert found["well"] is there
    assert said.of("Chaos Mesh")
    assert said.code == 3, "a controller is not there"
