"""What a run makes in a cluster asks for no more than it needs, and can be undone by anybody."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from chaosmem.plan.model import PlannedPod
from chaosmem.run.helperpod import HelperOrder, pod_body, secret_body
from chaosmem.run.record import OWNER, UNDO, promises
from chaosmem.rundir.events import DeleteObject, ReleaseInPod, RevertEnvironment
from chaosmem.spec.target import KubernetesTarget

POD = PlannedPod(
    namespace="shop",
    name="cart-a",
    uid="u1",
    node="n1",
    container="cart",
    container_id="c1",
    port=8080,
)
ORDER = HelperOrder(
    run_id="r1",
    name="chaosmem-r1",
    target=POD,
    stress=True,
    seconds=90,
    deadline="2026-01-01T00:00:00Z",
)
SPEC = KubernetesTarget(namespace="shop", selector={"app": "cart"})


def _spec(order: HelperOrder) -> dict[str, Any]:
    found: dict[str, Any] = pod_body(order, SPEC)["spec"]
    return found


def test_a_helper_that_presses_on_cgroup_v1_has_no_capability() -> None:
    context = _spec(ORDER)["containers"][0]["securityContext"]
    assert context["capabilities"] == {"drop": ["ALL"]}
    assert context["readOnlyRootFilesystem"] is True
    assert "privileged" not in context


def test_on_cgroup_v2_two_are_added() -> None:
    context = _spec(replace(ORDER, enter_namespace=True))["containers"][0]["securityContext"]
    assert context["capabilities"]["add"] == ["SYS_ADMIN", "SYS_PTRACE"]


@pytest.mark.parametrize(("outrank", "added"), [(True, ["SYS_RESOURCE"]), (False, None)])
def test_where_a_kill_is_expected_the_helper_is_the_last_that_the_kernel_chooses(
    outrank: bool, added: list[str] | None
) -> None:
    order = replace(ORDER, expect_oom=True, outrank=outrank)
    container = _spec(order)["containers"][0]
    resources = container["resources"]
    assert resources["requests"] == resources["limits"]  # Guaranteed: oom_score_adj -997
    assert set(resources["limits"]) == {"cpu", "memory"}
    assert container["securityContext"]["capabilities"].get("add") == added


def test_a_helper_that_only_reads_is_nobody_and_writes_nothing() -> None:
    container = _spec(replace(ORDER, stress=False))["containers"][0]
    assert container["securityContext"]["runAsNonRoot"] is True
    assert container["volumeMounts"][0]["readOnly"] is True
    assert "--observe-only" in container["args"]


def test_a_helper_ends_by_itself_and_by_its_node() -> None:
    spec = _spec(ORDER)
    assert "--deadline=2026-01-01T00:00:00Z" in spec["containers"][0]["args"]
    assert spec["activeDeadlineSeconds"] == 150
    assert (spec["restartPolicy"], spec["nodeName"]) == ("Never", "n1")


def test_the_token_is_in_the_secret_alone() -> None:
    assert secret_body(ORDER, "chaosmem", "t0ken")["stringData"] == {"token": "t0ken"}
    assert "t0ken" not in json.dumps(pod_body(ORDER, SPEC))


@pytest.mark.parametrize(
    "undo",
    [
        DeleteObject(run_id="r1", kind="Pod", namespace="chaosmem", name="h"),
        ReleaseInPod(run_id="r1", namespace="shop", pod="a", uid="u", port=1, path="/debug"),
        RevertEnvironment(run_id="r1", former={"ref": {"name": "cart"}}),
    ],
    ids=["delete", "release", "revert"],
)
def test_a_promise_in_the_cluster_reads_back_as_it_was(undo: Any) -> None:
    said = {"trial": "t1", "what": "words", "undo": UNDO.dump_python(undo)}
    body = {"data": {OWNER: "{}", "t1.x": json.dumps(said)}}
    assert [(p.id, p.trial, p.undo) for p in promises(body)] == [("t1.x", "t1", undo)]
