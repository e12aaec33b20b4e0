"""The test cluster is a real Kubernetes: nodes, pods, networks, numbers and refusals are real."""

from __future__ import annotations

import re
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.api import Access, wait_for
from tests.cluster.shell import ClusterProblem
from tests.cluster.workloads import DEMO_PORT, demo, run_demo

pytestmark = pytest.mark.cluster

_HOUSEKEEPING_SECONDS = 40  # cAdvisor looks each 10 to 15 s


def test_every_node_is_ready(cluster: Access) -> None:
    for node in cluster.get("nodes")["items"]:
        ready = [c["status"] for c in node["status"]["conditions"] if c["type"] == "Ready"]
        assert ready == ["True"]


def test_a_deployment_of_the_demo_runs_and_is_reached_through_the_api_server(
    cluster: Access, namespace: str
) -> None:
    pods = run_demo(cluster, namespace)
    assert len(pods) == 2
    for pod in pods:
        name = pod["metadata"]["name"]
        path = f"/api/v1/namespaces/{namespace}/pods/{name}:{DEMO_PORT}/proxy/metrics"
        assert "go_goroutines" in cluster.raw(path)


def test_a_pod_is_reached_at_its_own_address(cluster: Access, namespace: str) -> None:
    (pod,) = run_demo(cluster, namespace, replicas=1)
    url = f"http://{pod['status']['podIP']}:{DEMO_PORT}/healthz"
    with urllib.request.urlopen(url, timeout=5) as answer:
        assert answer.status == 200


def test_a_service_spreads_to_its_pods_at_its_cluster_address(
    cluster: Access, namespace: str
) -> None:
    run_demo(cluster, namespace)
    ports = [{"port": 80, "targetPort": DEMO_PORT}]
    spec = {"selector": {"app": "demo"}, "ports": ports}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "demo"}, "spec": spec}
    cluster.apply(service, namespace=namespace)
    address = cluster.get("service", "demo", "-n", namespace)["spec"]["clusterIP"]
    wait_for(lambda: _answers(f"http://{address}/healthz"), 20, "the service answers")


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def test_kubelet_gives_the_working_set_of_a_container(cluster: Access, namespace: str) -> None:
    (pod,) = run_demo(cluster, namespace, replicas=1)
    # Its first value may be from the moment at which the container started.
    wait_for(
        lambda: 2 << 20 < _working_set(cluster, pod) < 64 << 20,
        _HOUSEKEEPING_SECONDS,
        "a working set of more than an idle Go program's start and less than the limit",
    )


def _working_set(cluster: Access, pod: dict[str, Any]) -> float:
    """What kubelet says, in bytes; 0 before it says anything."""
    metrics = cluster.raw(f"/api/v1/nodes/{pod['spec']['nodeName']}/proxy/metrics/cadvisor")
    labels = rf'container="demo",.*pod="{pod["metadata"]["name"]}"'
    match = re.search(
        rf"^container_memory_working_set_bytes\{{{labels}\}} (\S+)", metrics, re.MULTILINE
    )
    return float(match[1]) if match else 0


def test_a_namespace_that_is_restricted_refuses_a_pod_of_the_hosts_processes(
    cluster: Access, namespace: str
) -> None:
    level = "pod-security.kubernetes.io/enforce=restricted"
    cluster.kubectl("label", "namespace", namespace, level)
    run_demo(cluster, namespace, replicas=1)
    template = demo("nosy")["spec"]["template"]
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "nosy"}}
    with pytest.raises(ClusterProblem, match="violates PodSecurity"):
        cluster.apply(pod | {"spec": template["spec"] | {"hostPID": True}}, namespace=namespace)


def test_a_service_account_may_do_what_its_role_says_and_nothing_else(
    cluster: Access, namespace: str, tmp_path: Path
) -> None:
    cluster.kubectl("create", "role", "reader", "-n", namespace, "--verb=list", "--resource=pods")
    bound = f"--serviceaccount={namespace}:default"
    cluster.kubectl("create", "rolebinding", "reader", "-n", namespace, "--role=reader", bound)
    limited = Access(cluster.account(tmp_path / "kubeconfig", namespace, "default"))
    assert limited.get("pods")["items"] == []
    with pytest.raises(ClusterProblem, match=r"cannot list resource .secrets."):
        limited.get("secrets")
