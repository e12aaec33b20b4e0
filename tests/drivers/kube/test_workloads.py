"""How far a rollout has come, and who manages a workload."""

from __future__ import annotations

from typing import Any

import pytest

from chaosmem.drivers.kube.workloads import findings, progress


def _body(status: dict[str, Any], *, generation: int = 2, replicas: int = 3) -> dict[str, Any]:
    seen = {"observedGeneration": 2} | status
    return {
        "metadata": {"generation": generation},
        "spec": {"replicas": replicas},
        "status": seen,
    }


DONE = {"updatedReplicas": 3, "replicas": 3, "availableReplicas": 3}


@pytest.mark.parametrize(
    ("kind", "status", "done"),
    [
        ("Deployment", DONE, True),
        ("Deployment", DONE | {"replicas": 4}, False),
        ("Deployment", DONE | {"availableReplicas": 2}, False),
        ("Deployment", DONE | {"updatedReplicas": 2}, False),
        ("StatefulSet", {"updatedReplicas": 3, "readyReplicas": 3}, True),
        ("StatefulSet", {"updatedReplicas": 2, "readyReplicas": 3, "updateRevision": "b"}, False),
        ("DaemonSet", {"desiredNumberScheduled": 2, "updatedNumberScheduled": 1}, False),
        (
            "DaemonSet",
            {"desiredNumberScheduled": 2, "updatedNumberScheduled": 2, "numberAvailable": 2},
            True,
        ),
    ],
    ids=["all", "an-old-one-left", "one-not-there", "one-old", "set", "set-old", "node", "nodes"],
)
def test_a_rollout_is_done_when_every_pod_is_new_and_there(
    kind: str, status: dict[str, Any], done: bool
) -> None:
    assert progress(kind, _body(status)).done is done


def test_a_change_that_the_controller_has_not_seen_is_not_done() -> None:
    assert not progress("Deployment", _body(DONE, generation=3)).done


def test_a_deadline_that_has_passed_is_said_with_its_reason() -> None:
    condition = {"type": "Progressing", "reason": "ProgressDeadlineExceeded", "message": "no pull"}
    assert progress("Deployment", _body({"conditions": [condition]})).stuck == "no pull"


@pytest.mark.parametrize(
    ("body", "codes"),
    [
        ({"metadata": {"annotations": {"argocd.argoproj.io/tracking-id": "x"}}}, ["managed"]),
        ({"metadata": {"labels": {"kustomize.toolkit.fluxcd.io/name": "x"}}}, ["managed"]),
        ({"metadata": {"labels": {"app.kubernetes.io/managed-by": "Helm"}}}, ["helm"]),
        ({"spec": {"paused": True}}, ["paused"]),
        ({"spec": {"updateStrategy": {"type": "OnDelete"}}}, ["on-delete"]),
        ({}, []),
    ],
    ids=["argo", "flux", "helm", "paused", "on-delete", "nobody"],
)
def test_what_matters_to_a_rollout_is_found(body: dict[str, Any], codes: list[str]) -> None:
    whole = {"metadata": {}, "spec": {}} | body
    assert [f.code for f in findings(whole)] == codes
