"""Each fault of the test cluster happens, and goes away again."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cluster.api import Cluster, wait_for
from tests.cluster.shell import ClusterProblem
from tests.cluster.workloads import ready_pods, run_demo

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]


@pytest.fixture
def place(breakable: Cluster) -> Iterator[str]:
    """A namespace in the cluster that is broken."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    breakable.make_namespace(name)
    yield name
    breakable.drop_namespace(name)


def test_a_killed_api_server_refuses_and_comes_back_with_everything_in_it(
    breakable: Cluster, place: str
) -> None:
    with breakable.without("kube-apiserver"):
        assert breakable.missing() == ["kube-apiserver"]
        with pytest.raises(ClusterProblem, match="refused"):
            breakable.get("namespaces")
    assert breakable.missing() == []
    assert breakable.has("namespace", place)


@pytest.mark.parametrize(
    "component", ["etcd", "kube-controller-manager", "kube-scheduler", "kube-proxy"]
)
def test_a_cluster_works_again_after_the_death_of(
    component: str, breakable: Cluster, place: str
) -> None:
    with breakable.without(component):
        assert breakable.missing() == [component]
    assert run_demo(breakable, place, replicas=1)


def test_a_cut_network_is_silent_to_the_host_and_not_to_the_node(breakable: Cluster) -> None:
    with breakable.cut():
        began = time.monotonic()
        with pytest.raises(ClusterProblem, match=r"deadline|Timeout|canceled"):
            breakable.kubectl("get", "namespaces", "--request-timeout=2s")
        assert time.monotonic() - began > 1.5  # refused at once would be another fault
        inside = breakable.inside(*breakable.kubectl_argv("get", "nodes"))
        assert " Ready " in inside
    assert breakable.get("nodes")["items"]


def test_pods_live_on_while_containerd_and_kubelet_are_dead(breakable: Cluster, place: str) -> None:
    before = run_demo(breakable, place, replicas=1)
    with breakable.without("kubelet"), breakable.without("containerd"):
        assert breakable.missing() == ["containerd", "kubelet"]
    after = ready_pods(breakable, place)
    assert [p["metadata"]["uid"] for p in after] == [p["metadata"]["uid"] for p in before]
    assert after[0]["status"]["containerStatuses"][0]["restartCount"] == 0


def test_memory_pressure_is_on_the_node_while_it_lasts(breakable: Cluster) -> None:
    assert breakable.condition("MemoryPressure") == "False"
    with breakable.pressure():
        assert breakable.condition("MemoryPressure") == "True"
    assert breakable.condition("MemoryPressure") == "False"


def test_memory_pressure_evicts_pods_when_told_to(breakable: Cluster, place: str) -> None:
    (pod,) = run_demo(breakable, place, replicas=1)
    with breakable.pressure(evict=True):
        wait_for(lambda: pod["metadata"]["name"] in _evicted(breakable, place), 60, "an eviction")


def _evicted(cluster: Cluster, namespace: str) -> list[str]:
    """By the condition: a pod that ends well in its grace has no reason `Evicted`."""
    pods = cluster.get("pods", "-n", namespace)["items"]
    return [p["metadata"]["name"] for p in pods if "TerminationByKubelet" in _reasons(p)]


def _reasons(pod: dict[str, Any]) -> set[str]:
    return {c.get("reason", "") for c in pod["status"]["conditions"]}
