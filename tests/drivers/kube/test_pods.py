"""A pod is read as it stands, without what is secret."""

from __future__ import annotations

import copy

import pytest

from chaosmem.drivers.kube.podmodel import EnvSource, EnvVar, Port
from chaosmem.drivers.kube.pods import label_query, pod_of
from chaosmem.errors import ClusterError, TargetError
from tests.drivers.kube.pod import OOM, POD, body, container


def test_what_an_experiment_needs_is_read() -> None:
    pod = pod_of(POD)
    cart = pod.container()
    assert (pod.node, pod.ip, pod.phase, pod.ready, pod.qos) == (
        "node1",
        "10.0.0.7",
        "Running",
        True,
        "Burstable",
    )
    assert (cart.container_id, cart.runtime, cart.state) == ("c1", "containerd", "running")
    assert (cart.memory_limit, cart.memory_request) == (128 * 2**20, 64 * 10**6)
    assert cart.ports == (Port(8080, "http"),)
    assert pod.ref.uid == "u1"


def test_only_literal_values_of_the_environment_are_kept() -> None:
    cart = pod_of(POD).container()
    assert cart.env == (
        EnvVar("GOGC", "50", "literal"),
        EnvVar("EMPTY", "", "literal"),
        EnvVar("TOKEN", None, "secret keys/token"),
        EnvVar("IP", None, "field status.podIP"),
    )
    assert cart.env_from == (EnvSource("config map", "app", "A_"),)


def test_a_pod_that_has_just_been_made_has_no_container_yet() -> None:
    cart = pod_of(body(containerStatuses=None, conditions=None, phase="Pending")).container("cart")
    assert (cart.container_id, cart.state, cart.ready) == ("", "waiting", False)


def test_how_the_last_run_ended_is_read() -> None:
    cart = pod_of(container(lastState={"terminated": OOM})).container()
    assert cart.last_terminated is not None
    assert cart.last_terminated.oom_killed
    assert (cart.last_terminated.exit_code, cart.last_terminated.container_id) == (137, "c1")


def test_a_container_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(TargetError, match="has no container 'x'") as caught:
        pod_of(POD).container("x")
    assert caught.value.hint.endswith(": cart")


def test_one_of_several_containers_has_to_be_named() -> None:
    pod = copy.deepcopy(POD)
    pod["spec"]["containers"].append({"name": "proxy"})
    with pytest.raises(TargetError, match="has several containers"):
        pod_of(pod).container()


@pytest.mark.parametrize(
    "broken", [{"metadata": {"name": "x"}}, {"metadata": {"name": 1, "uid": "u"}}]
)
def test_what_is_no_pod_is_refused(broken: dict[str, object]) -> None:
    with pytest.raises(ClusterError, match=r"a malformed pod: metadata\."):
        pod_of(broken)


def test_a_selector_is_written_as_the_api_server_reads_it() -> None:
    assert label_query({"b": "2", "a": "1"}) == "a=1,b=2"
    assert label_query("a in (1, 2)") == "a in (1, 2)"
