"""Objects that the tests make."""

from __future__ import annotations

from typing import Any

RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "runAsUser": 65532,
    "seccompProfile": {"type": "RuntimeDefault"},
}


def teller_pod(*args: str) -> dict[str, Any]:
    """A pod of the teller, restarted whenever it fails."""
    container = {
        "name": "teller",
        "image": "chaosmem/teller:test",
        "imagePullPolicy": "Never",
        "args": list(args),
        "securityContext": RESTRICTED,
    }
    metadata = {"name": "teller", "labels": {"app": "teller"}}
    spec = {"containers": [container], "terminationGracePeriodSeconds": 0}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def account(*rules: dict[str, Any]) -> list[dict[str, Any]]:
    """A ServiceAccount `narrow` that may do exactly what the rules say."""
    group = "rbac.authorization.k8s.io"
    reference = {"apiGroup": group, "kind": "Role", "name": "narrow"}
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "narrow"}},
        {
            "apiVersion": f"{group}/v1",
            "kind": "Role",
            "metadata": {"name": "narrow"},
            "rules": list(rules),
        },
        {
            "apiVersion": f"{group}/v1",
            "kind": "RoleBinding",
            "metadata": {"name": "narrow"},
            "roleRef": reference,
            "subjects": [{"kind": "ServiceAccount", "name": "narrow"}],
        },
    ]
