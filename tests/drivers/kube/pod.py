"""A pod as the API server writes it."""

from __future__ import annotations

import copy
from typing import Any

POD: dict[str, Any] = {
    "metadata": {
        "name": "cart-7c9f-x2x",
        "namespace": "shop",
        "uid": "u1",
        "resourceVersion": "41",
        "creationTimestamp": "2026-11-25T05:00:00Z",
        "labels": {"app": "cart"},
        "ownerReferences": [
            {
                "apiVersion": "apps/v1",
                "kind": "ReplicaSet",
                "name": "cart-7c9f",
                "uid": "r1",
                "controller": True,
            }
        ],
    },
    "spec": {
        "nodeName": "node1",
        "containers": [
            {
                "name": "cart",
                "image": "cart:1",
                "ports": [
                    {"containerPort": 8080, "name": "http"},
                    {"containerPort": 53, "protocol": "UDP"},
                ],
                "resources": {"limits": {"memory": "128Mi"}, "requests": {"memory": "64M"}},
                "env": [
                    {"name": "GOGC", "value": "50"},
                    {"name": "EMPTY"},
                    {
                        "name": "TOKEN",
                        "valueFrom": {"secretKeyRef": {"name": "keys", "key": "token"}},
                    },
                    {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
                ],
                "envFrom": [{"prefix": "A_", "configMapRef": {"name": "app"}}],
            }
        ],
    },
    "status": {
        "phase": "Running",
        "podIP": "10.0.0.7",
        "qosClass": "Burstable",
        "conditions": [{"type": "Ready", "status": "True"}],
        "containerStatuses": [
            {
                "name": "cart",
                "ready": True,
                "restartCount": 0,
                "imageID": "sha256:1",
                "containerID": "containerd://c1",
                "state": {"running": {"startedAt": "2026-11-25T05:00:02Z"}},
                "lastState": {},
            }
        ],
    },
}

OOM = {
    "reason": "OOMKilled",
    "exitCode": 137,
    "startedAt": "2026-11-25T05:00:02Z",
    "finishedAt": "2026-11-25T05:01:00Z",
    "containerID": "containerd://c1",
}


def body(**status: Any) -> dict[str, Any]:
    """The pod, with fields of its status changed."""
    pod = copy.deepcopy(POD)
    pod["status"] |= status
    return pod


def container(**changes: Any) -> dict[str, Any]:
    """The pod, with fields of its container's status changed."""
    pod = copy.deepcopy(POD)
    pod["status"]["containerStatuses"][0] |= changes
    return pod
