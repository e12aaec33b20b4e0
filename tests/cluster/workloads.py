"""Small workloads for the cluster's own tests."""

from __future__ import annotations

from typing import Any

from tests.cluster.api import Access, wait_for
from tests.cluster.shell import ClusterProblem

DEMO_PORT = 8080
_READY_SECONDS = 40


def demo(name: str, *, replicas: int = 2) -> dict[str, Any]:
    """A Deployment of the demo, allowed where PodSecurity is `restricted`, with a volume."""
    container = {
        "name": "demo",
        "image": "chaosmem/demo:test",
        "imagePullPolicy": "Never",
        "args": ["-addr", f":{DEMO_PORT}"],
        "ports": [{"containerPort": DEMO_PORT}],
        "readinessProbe": {"httpGet": {"path": "/readyz", "port": DEMO_PORT}, "periodSeconds": 1},
        "resources": {"limits": {"memory": "64Mi", "cpu": "500m"}},
        "volumeMounts": [{"name": "scratch", "mountPath": "/tmp"}],  # noqa: S108
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "runAsNonRoot": True,
            "runAsUser": 65532,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }
    pod = {"containers": [container], "volumes": [{"name": "scratch", "emptyDir": {}}]}
    labels = {"app": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }


def run_demo(cluster: Access, namespace: str, *, replicas: int = 2) -> list[dict[str, Any]]:
    """Start the demo and wait until its pods are ready; the pods."""
    cluster.apply(demo("demo", replicas=replicas), namespace=namespace)
    try:
        wait_for(
            lambda: len(ready_pods(cluster, namespace)) == replicas,
            _READY_SECONDS,
            "the demo is ready",
        )
    except ClusterProblem as err:
        seen = cluster.kubectl("get", "pods,events", "-n", namespace, "-o", "wide")
        raise ClusterProblem(f"{err}\n{seen}") from err
    return ready_pods(cluster, namespace)


def ready_pods(cluster: Access, namespace: str) -> list[dict[str, Any]]:
    """The demo's pods that are ready."""
    pods = cluster.get("pods", "-n", namespace, "-l", "app=demo")["items"]
    return [pod for pod in pods if _is_ready(pod)]


def _is_ready(pod: dict[str, Any]) -> bool:
    conditions = pod["status"].get("conditions", [])
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)
