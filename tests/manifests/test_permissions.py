"""Which permissions an experiment needs."""

from __future__ import annotations

from typing import Any

import pytest

from chaosmem.plan.permissions import Need, permissions
from tests.manifests.rights import CONTROL, SECRET, TARGET, Right, experiment, maximal, right

MEMORY = {"kind": "memory", "via": "helper", "level": "80%"}
MESH = {"kind": "memory", "via": "chaos-mesh", "level": "80%"}
ROLLOUT = {"kind": "runtime", "via": "rollout", "gogc": 50}
HEAP = {"kind": "heap", "retain": "8MiB"}
PUT = [{"path": "/", "method": "PUT"}]


def verbs(needs: tuple[Need, ...], namespace: str, resource: str) -> set[str]:
    rights = [right(n) for n in needs]
    return {r.verb for r in rights if (r.namespace, r.resource) == (namespace, resource)}


def needs_of(*faults: dict[str, Any], **kubernetes: Any) -> tuple[Need, ...]:
    return permissions(experiment(list(faults), kubernetes=kubernetes))


def test_looking_alone_never_writes_to_the_targets_namespace() -> None:
    needs = needs_of(helper={"observe": False}, transport="direct")
    written = {n.verb for n in needs if n.namespace == TARGET} - {"get", "list", "watch"}
    assert written == set()
    assert verbs(needs, CONTROL, "pods") == set()
    assert verbs(needs, CONTROL, "secrets") == set()


def test_every_run_keeps_a_record_and_holds_locks() -> None:
    needs = needs_of(helper={"observe": False})
    assert verbs(needs, CONTROL, "configmaps") == {"create", "get", "list", "patch", "delete"}
    assert verbs(needs, CONTROL, "leases") == {"create", "get", "list", "update", "delete"}


@pytest.mark.parametrize(
    ("fault", "asked"),
    [
        (MEMORY, {"get"}),
        (HEAP, {"get", "create", "delete"}),
        ({"kind": "load", "rate": "1/s", "origin": "runner", "mix": PUT}, {"get", "update"}),
        ({"kind": "load", "rate": "1/s", "origin": "cluster", "mix": PUT}, {"get"}),
    ],
    ids=["beside the pod", "on its agent", "load from here", "load from a pod"],
)
def test_the_proxy_is_asked_for_the_methods_that_are_used(
    fault: dict[str, Any], asked: set[str]
) -> None:
    needs = needs_of(fault, transport="proxy")
    assert verbs(needs, TARGET, "pods/proxy") == asked
    assert verbs(needs, TARGET, "pods/portforward") == set()


def test_a_transport_that_is_named_is_needed_and_one_of_several_is_not() -> None:
    def ways(transport: str) -> dict[str, bool]:
        found = needs_of(MEMORY, transport=transport)
        return {n.subresource: n.needed for n in found if n.subresource in ("proxy", "portforward")}

    assert ways("auto") == {"proxy": False, "portforward": False}
    assert ways("proxy") == {"proxy": True}
    assert ways("port-forward") == {"portforward": True}
    assert ways("direct") == {}


def test_only_the_named_secret_of_the_pods_is_read() -> None:
    needs = permissions(experiment([], secret=SECRET))
    assert [right(n) for n in needs if n.resource == "secrets" and n.namespace == TARGET] == [
        Right(TARGET, "", "secrets", "get", SECRET)
    ]
    assert not [n for n in needs_of() if n.resource == "secrets" and n.namespace == TARGET]


@pytest.mark.parametrize("resource", ["deployments", "statefulsets", "daemonsets"])
def test_workloads_are_changed_only_by_rollouts_and_arms(resource: str) -> None:
    assert verbs(needs_of(MEMORY), TARGET, resource) == set()
    assert verbs(needs_of(ROLLOUT), TARGET, resource) == {"get", "patch"}
    arm = experiment([]).model_copy(update={"arms": maximal().arms})
    assert verbs(permissions(arm), TARGET, resource) == set()
    changed = arm.arms[0].model_copy(update={"env": {"MODE": "b"}})
    arm = arm.model_copy(update={"arms": (changed,)})
    assert verbs(permissions(arm), TARGET, resource) == {"get", "patch"}


def test_only_the_kinds_that_the_pods_belong_to_are_asked_for() -> None:
    needs = permissions(experiment([ROLLOUT]), ("statefulsets",))
    assert verbs(needs, TARGET, "statefulsets") == {"get", "patch"}
    assert verbs(needs, TARGET, "deployments") == set()


def test_chaos_mesh_is_asked_for_where_it_is_used() -> None:
    everything = {"create", "get", "list", "patch", "delete"}
    assert verbs(needs_of(MESH), CONTROL, "stresschaos") == everything
    assert verbs(needs_of(MESH), TARGET, "stresschaos") == {"create", "list"}
    assert not [n for n in needs_of(MEMORY) if n.group == "chaos-mesh.org"]


def test_where_both_namespaces_are_one_each_permission_is_asked_once() -> None:
    needs = permissions(maximal(target="one", control="one"))
    assert len({right(n) for n in needs if not n.name}) == len([n for n in needs if not n.name])
    logs = [n for n in needs if n.subresource == "log"]
    assert [n.needed for n in logs] == [True]


def test_each_permission_says_why() -> None:
    for need in permissions(maximal()):
        assert need.why.split()[0] in {"to", "because", "without"}, need
        assert not (need.needed and need.why.startswith("without")), need


def test_nothing_is_asked_of_a_cluster_for_a_local_target() -> None:
    local = experiment([]).model_copy(
        update={"target": experiment([]).target.model_copy(update={"kubernetes": None})}
    )
    assert permissions(local) == ()
