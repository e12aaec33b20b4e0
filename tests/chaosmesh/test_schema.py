"""What the real API server says to our object, by Chaos Mesh's real definition and real rules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from chaosmem.drivers.kube import objects, stresschaos
from chaosmem.drivers.kube.connect import Cluster
from chaosmem.drivers.kube.kinds import STRESS_CHAOS
from chaosmem.drivers.kube.stresschaos import Installed, body
from chaosmem.errors import AdmissionRefused, ClusterNotFound
from tests.chaosmesh import standin
from tests.chaosmesh.test_shape import ORDER
from tests.cluster.api import Access

# The first one builds the controller.
pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]

Change = Callable[[dict[str, Any]], None]


def _mode(spec: dict[str, Any]) -> None:
    spec["mode"] = "some"


def _no_selector(spec: dict[str, Any]) -> None:
    del spec["selector"]


def _number(spec: dict[str, Any]) -> None:
    spec["duration"] = 300


def _words(spec: dict[str, Any]) -> None:
    spec["stressors"]["memory"]["workers"] = "one"


def _score(spec: dict[str, Any]) -> None:
    spec["stressors"]["memory"]["oomScoreAdj"] = 1001


def _no_workers(spec: dict[str, Any]) -> None:
    del spec["stressors"]["memory"]["workers"]


@pytest.mark.parametrize("ramp", [0.0, 60.0])
async def test_ours_is_accepted_as_it_is(
    connection: Cluster, namespace: str, definition: None, ramp: float
) -> None:
    order = replace(ORDER, namespace=namespace, ramp=ramp)

    stored = await objects.create(connection, STRESS_CHAOS, body(order), dry_run=True)

    assert stored["spec"] == body(order)["spec"]  # nothing pruned, nothing defaulted
    assert await objects.listed(connection, STRESS_CHAOS, namespace) == ()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (_mode, "spec.mode"),
        (_no_selector, "spec.selector"),
        (_number, "spec.duration"),
        (_words, "workers"),
        (_score, "oomScoreAdj"),
        (_no_workers, "workers"),
    ],
)
async def test_a_mutated_one_is_refused_by_the_field(
    connection: Cluster, namespace: str, definition: None, change: Change, field: str
) -> None:
    broken = body(replace(ORDER, namespace=namespace))
    change(broken["spec"])

    with pytest.raises(AdmissionRefused, match=field):
        await objects.create(connection, STRESS_CHAOS, broken, dry_run=True)


def test_the_webhook_has_nothing_against_ours() -> None:
    assert standin.webhook(body(replace(ORDER, ramp=60.0))) == ""


def test_the_webhook_objects_to_a_size_and_a_duration_that_are_none() -> None:
    broken = body(ORDER)
    broken["spec"]["stressors"]["memory"]["size"] = "much"
    broken["spec"]["duration"] = "long"

    said = standin.webhook(broken)

    assert "invalid size: 'much'" in said
    assert 'invalid duration "long"' in said


def test_no_rule_of_chaos_mesh_is_against_no_workers_which_is_why_we_have_one() -> None:
    nothing = body(ORDER)
    nothing["spec"]["stressors"]["memory"] = {"workers": 0}

    assert standin.webhook(nothing) == ""


async def test_what_is_served_is_told_and_a_controller_that_is_not_there_is_none(
    connection: Cluster, definition: None
) -> None:
    found = await stresschaos.installed(connection)

    assert found.usable
    assert found.versions == ("v1alpha1",)


async def test_release_and_readiness_come_from_the_parts_labels(
    cluster: Access, connection: Cluster, namespace: str, definition: None
) -> None:
    def part(kind: str, name: str, component: str, **spec: Any) -> dict[str, Any]:
        labels = {
            "app.kubernetes.io/name": "chaos-mesh",
            "app.kubernetes.io/component": component,
            "app.kubernetes.io/version": "2.8.3",
        }
        container = {"name": "c", "image": "chaosmem/pause:test", "imagePullPolicy": "Never"}
        template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
        body = {"selector": {"matchLabels": labels}, "template": template, **spec}
        return {
            "apiVersion": "apps/v1",
            "kind": kind,
            "metadata": {"name": name, "labels": labels},
            "spec": body,
        }

    cluster.apply(
        part("Deployment", "chaos-controller-manager", "controller-manager", replicas=2),
        part("DaemonSet", "chaos-daemon", "chaos-daemon"),
        namespace=namespace,
    )
    for name in ("deployment/chaos-controller-manager", "daemonset/chaos-daemon"):
        cluster.kubectl("rollout", "status", name, "-n", namespace, "--timeout=60s", timeout=90)

    assert await stresschaos.installed(connection) == Installed(("v1alpha1",), "2.8.3", 2, (1, 1))


async def test_a_cluster_without_chaos_mesh_is_told_as_such(
    connection: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    unserved = STRESS_CHAOS.model_copy(update={"group": "chaos-mesh.not-there"})
    monkeypatch.setattr(stresschaos, "STRESS_CHAOS", unserved)

    assert await stresschaos.installed(connection) == Installed(())
    with pytest.raises(ClusterNotFound, match="Chaos Mesh is not installed") as told:
        await stresschaos.others_on(connection, ORDER)
    assert "via: helper" in told.value.hint
