"""Each way to a pod carries bytes as they are, and says why it was chosen."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from chaosmem.clock import RunClock
from chaosmem.drivers.http import CAPTURE_LIMIT
from chaosmem.drivers.kube import pods
from chaosmem.drivers.kube.connect import Cluster
from chaosmem.drivers.kube.podmodel import Pod
from chaosmem.drivers.kube.transport import open_route
from chaosmem.errors import TargetError
from chaosmem.profile import reading
from tests.cluster import api, workloads
from tests.cluster_driver.objects import account

pytestmark = pytest.mark.cluster
WAYS = ["direct", "proxy", "port-forward"]
HEAP, PORT = "/debug/pprof/heap", workloads.DEMO_PORT


@pytest.fixture
async def pod(cluster: api.Access, kube: Cluster, namespace: str) -> Pod:
    """A demo that runs."""
    (body,) = await asyncio.to_thread(workloads.run_demo, cluster, namespace, replicas=1)
    return await pods.get_pod(kube, namespace, body["metadata"]["name"])


@pytest.mark.parametrize("way", WAYS)
async def test_a_profile_comes_through_byte_for_byte(kube: Cluster, pod: Pod, way: str) -> None:
    async with open_route(kube, pod, PORT, RunClock.start(), wanted=way) as route:
        assert (route.choice.transport, route.choice.reason) == (way, "asked for")
        async with route.http(keep=False) as http:
            answer = await http.get(HEAP, timeout=10, limit=CAPTURE_LIMIT)
            text = await http.get(f"{HEAP}?debug=1", timeout=10, limit=CAPTURE_LIMIT)
    assert len(reading.read(answer.body).sample_types) == 4
    assert text.body.startswith(b"heap profile: ")
    assert answer.begin < answer.end


@pytest.mark.parametrize("way", WAYS)
async def test_many_connections_at_once_are_not_mixed_up(kube: Cluster, pod: Pod, way: str) -> None:
    paths = [f"{HEAP}?debug=1", "/debug/pprof/goroutine?debug=1", "/debug/pprof/cmdline"] * 6
    begins = [b"heap profile: ", b"goroutine profile: ", b"/demo"] * 6
    async with (
        open_route(kube, pod, PORT, RunClock.start(), wanted=way) as route,
        route.http(keep=False, connections=18) as http,
    ):
        got = await asyncio.gather(*(http.get(p, timeout=20) for p in paths))
    assert all(a.body.startswith(b) for a, b in zip(got, begins, strict=True))


async def test_auto_takes_the_nearest_that_answers(kube: Cluster, pod: Pod) -> None:
    async with open_route(kube, pod, PORT, RunClock.start()) as route:
        assert route.choice.transport == "direct"
        assert [a.transport for a in route.choice.tried] == ["direct"]


async def test_a_port_that_nobody_listens_on_has_each_ways_reason(kube: Cluster, pod: Pod) -> None:
    with pytest.raises(TargetError, match=r"direct: .*; proxy: .*; port-forward: ") as caught:
        async with open_route(kube, pod, 9, RunClock.start()):
            pass
    assert "listen on all addresses" in caught.value.hint


async def test_what_a_role_forbids_is_passed_over_with_its_reason(
    cluster: api.Access, pod: Pod, tmp_path: Path
) -> None:
    forward = {"apiGroups": [""], "resources": ["pods/portforward"], "verbs": ["get", "create"]}
    cluster.apply(*account(forward), namespace=pod.namespace)
    path = cluster.account(tmp_path / "narrow", pod.namespace, "narrow")
    async with Cluster.open(kubeconfig=path) as narrow:
        clock = RunClock.start()
        async with open_route(narrow, pod, PORT, clock, wanted="port-forward") as route:
            assert route.choice.transport == "port-forward"
        with pytest.raises(TargetError, match="pods/proxy"):
            async with open_route(narrow, pod, PORT, clock, wanted="proxy"):
                pass
