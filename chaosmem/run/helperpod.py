"""The helper pod beside a target, and the Secret with its token, as objects. Pure.

It asks for no more than is needed (docs/helper-protocol.md): uid 0 to write `cgroup.procs`,
the host's process ids to see the target's, and the node's cgroups. On cgroup v2 it must leave its
cgroup namespace as well, which takes two capabilities; that is known only from inside a first one.
"""

from __future__ import annotations

from dataclasses import dataclass

from chaosmem.drivers.kube.kinds import JsonObject
from chaosmem.plan.model import PlannedPod
from chaosmem.run.record import labels
from chaosmem.spec.target import KubernetesTarget

TOKEN = "CHAOSMEM_HELPER_TOKEN"  # noqa: S105 - the variable's name, not a token
_MOUNT = "/host/cgroup"
_NOBODY = 65532
_SLACK_SECONDS = 60
"""The node ends the pod by itself this long after the helper should have ended itself."""


@dataclass(frozen=True, slots=True)
class HelperOrder:
    """What is wanted of a helper.

    Attributes:
        name: of the pod and its Secret.
        stress: it shall press on the cgroup; else it reads only.
        enter_namespace: it needs the capabilities that cgroup v2 asks for.
        expect_oom: the stress may go on to an OOM kill, whose victim shall be the target: the pod
            is Guaranteed, which gives it oom_score_adj -997.
        outrank: with `expect_oom`, the capability to go down to -1000, below a Guaranteed target.
        seconds: its life; it ends itself then, whatever happens.
        deadline: the same as RFC 3339.
    """

    run_id: str
    name: str
    target: PlannedPod
    stress: bool
    seconds: int
    deadline: str
    enter_namespace: bool = False
    expect_oom: bool = False
    outrank: bool = True


def secret_body(order: HelperOrder, namespace: str, token: str) -> JsonObject:
    """The Secret that holds the helper's token."""
    return {"metadata": _meta(order, namespace), "stringData": {"token": token}, "type": "Opaque"}


def pod_body(order: HelperOrder, spec: KubernetesTarget) -> JsonObject:
    """The helper pod, pinned to the target's node."""
    return {
        "metadata": _meta(order, spec.control_namespace),
        "spec": {
            "nodeName": order.target.node,
            "restartPolicy": "Never",
            "activeDeadlineSeconds": order.seconds + _SLACK_SECONDS,
            "terminationGracePeriodSeconds": 2,
            "hostPID": True,
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "tolerations": [{"operator": "Exists"}],
            "containers": [_container(order, spec)],
            "volumes": [{"name": "cgroup", "hostPath": _host_path(spec.helper.cgroup_root)}],
        },
    }


def load_body(order: HelperOrder, spec: KubernetesTarget) -> JsonObject:
    """The load pod: it needs nothing of its node, and fits PodSecurity `restricted`."""
    port = spec.helper.port
    return {
        "metadata": _meta(order, spec.control_namespace),
        "spec": {
            "restartPolicy": "Never",
            "activeDeadlineSeconds": order.seconds + _SLACK_SECONDS,
            "terminationGracePeriodSeconds": 2,
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": _NOBODY,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [
                {
                    "name": "load",
                    "image": spec.helper.image,
                    "imagePullPolicy": spec.helper.pull_policy,
                    "args": ["load", f"--listen=:{port}", f"--deadline={order.deadline}"],
                    "env": [_token(order)],
                    "ports": [{"containerPort": port, "name": "load"}],
                    "resources": {
                        "requests": {"cpu": "20m", "memory": "24Mi"},
                        "limits": {"memory": "128Mi"},
                    },
                    "securityContext": {
                        "allowPrivilegeEscalation": False,
                        "readOnlyRootFilesystem": True,
                        "capabilities": {"drop": ["ALL"]},
                    },
                }
            ],
        },
    }


def _token(order: HelperOrder) -> JsonObject:
    return {"name": TOKEN, "valueFrom": {"secretKeyRef": {"name": order.name, "key": "token"}}}


def _host_path(path: str) -> JsonObject:
    return {"path": path, "type": "Directory"}


def _meta(order: HelperOrder, namespace: str) -> JsonObject:
    return {
        "name": order.name,
        "namespace": namespace,
        "labels": {**labels(order.run_id), "app.kubernetes.io/name": "chaosmem-helper"},
        "annotations": {
            "chaosmem.io/target": f"{order.target.namespace}/{order.target.name}",
        },
    }


def _container(order: HelperOrder, spec: KubernetesTarget) -> JsonObject:
    port = spec.helper.port
    return {
        "name": "helper",
        "image": spec.helper.image,
        "imagePullPolicy": spec.helper.pull_policy,
        "args": _arguments(order, port),
        "env": [_token(order)],
        "ports": [{"containerPort": port, "name": "helper"}],
        "resources": _resources(order),
        "securityContext": _security(order),
        "volumeMounts": [{"name": "cgroup", "mountPath": _MOUNT, "readOnly": not order.stress}],
    }


def _resources(order: HelperOrder) -> JsonObject:
    if order.expect_oom:  # it does not yield, and is Guaranteed only with a limit of CPU
        equal = {"cpu": "250m", "memory": "64Mi"}
        return {"requests": equal, "limits": equal}
    return {
        "requests": {"cpu": "100m", "memory": "24Mi"},
        "limits": {"memory": "64Mi"},  # no limit of CPU: its speed is what yields in time
    }


def _arguments(order: HelperOrder, port: int) -> list[str]:
    found = [
        f"--listen=:{port}",
        f"--pod-uid={order.target.uid}",
        f"--container-id={order.target.container_id}",
        f"--cgroup-root={_MOUNT}",
        f"--deadline={order.deadline}",
    ]
    return found if order.stress else [*found, "--observe-only"]


def _security(order: HelperOrder) -> JsonObject:
    capabilities: JsonObject = {"drop": ["ALL"]}
    add = ["SYS_ADMIN", "SYS_PTRACE"] if order.enter_namespace else []
    add += ["SYS_RESOURCE"] if order.expect_oom and order.outrank else []
    if add:
        capabilities["add"] = add
    found: JsonObject = {
        "allowPrivilegeEscalation": bool(order.enter_namespace),
        "readOnlyRootFilesystem": True,
        "runAsUser": 0 if order.stress else _NOBODY,
        "runAsNonRoot": not order.stress,
        "capabilities": capabilities,
        "seccompProfile": {"type": "Unconfined" if order.enter_namespace else "RuntimeDefault"},
    }
    if order.enter_namespace:
        found["appArmorProfile"] = {"type": "Unconfined"}
    return found
