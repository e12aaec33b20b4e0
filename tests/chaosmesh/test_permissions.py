"""The fault under exactly the permissions that docs/chaos-mesh.md lists."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from chaosmem.drivers.kube.connect import Cluster
from tests.chaosmesh.bench import LIMIT, Bench
from tests.chaosmesh.standin import StandIn
from tests.cluster.api import Access

# The first one builds the controller.
pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]

RULES = [
    {
        "apiGroups": ["chaos-mesh.org"],
        "resources": ["stresschaos"],
        "verbs": ["create", "get", "list", "patch", "delete"],
    },
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]},
]


def _account(namespace: str) -> list[dict[str, Any]]:
    named = {"metadata": {"name": "least"}}
    rbac = "rbac.authorization.k8s.io/v1"
    subject = {"kind": "ServiceAccount", "name": "least", "namespace": namespace}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "least"}
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", **named},
        {"apiVersion": rbac, "kind": "Role", **named, "rules": RULES},
        {
            "apiVersion": rbac,
            "kind": "RoleBinding",
            **named,
            "roleRef": role,
            "subjects": [subject],
        },
    ]


async def test_they_suffice_for_apply_prove_and_undo(
    cluster: Access, bench: Bench, mesh: StandIn, tmp_path: Path
) -> None:
    cluster.apply(*_account(bench.pod.namespace), namespace=bench.pod.namespace)
    account = cluster.account(tmp_path / "least", bench.pod.namespace, "least")
    async with Cluster.open(kubeconfig=account) as connection:
        fault = bench.fault(cluster=connection)
        ack = await fault.apply()
        await bench.holds(LIMIT / 2)
        assert (await fault.prove())["state"] == "injected"
        assert (await fault.undo()).said["rung"] == "deleted"

    assert ack.said["looked_for_others"] == "own namespaces only"
