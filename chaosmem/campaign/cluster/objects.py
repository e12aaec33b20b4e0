"""The objects of a campaign in a cluster: Job, its ConfigMap and claim, the pod of `gather`. Pure.

Everything fits PodSecurity `restricted`. Sources: kubernetes.io, "Jobs" (Indexed completion mode,
backoffLimitPerIndex, podFailurePolicy, podReplacementPolicy; all of them stable since 1.33).
"""

from __future__ import annotations

from typing import Final

from chaosmem.campaign.cluster.packed import FILE
from chaosmem.campaign.model import Prepared
from chaosmem.campaign.schedule import width
from chaosmem.drivers.kube.kinds import OWNER_LABELS, RUN_LABEL, JsonObject, Kind
from chaosmem.errors import Exit

JOB: Final = Kind(group="batch", version="v1", plural="jobs", name="Job")
CLAIM: Final = Kind(
    group="", version="v1", plural="persistentvolumeclaims", name="PersistentVolumeClaim"
)
CAMPAIGN_LABEL: Final = "chaosmem.io/campaign"
CONTAINER: Final = "cell"
PACKED_AT: Final = "/campaign"
RUNS_AT: Final = "/runs"
TOKEN: Final = "CHAOSMEM_GATHER_TOKEN"  # noqa: S105 - the variable's name, not a token
SHARE_PORT: Final = 9798
_NOBODY: Final = 65532
_GRACE: Final = 120
"""Seconds from SIGTERM to SIGKILL: the run undoes its faults in them, a rollout back included."""
_NO_USE: Final = (Exit.USAGE, Exit.SPEC_INVALID)
"""Codes after which another try would end in the same way."""
STOP_CODES: Final = {
    "fail": Exit.FAIL,
    "inconclusive": Exit.INCONCLUSIVE,
    "aborted": Exit.ABORTED,
    "undo-incomplete": Exit.UNDO_INCOMPLETE,
}


def job_name(prepared: Prepared, number: int) -> str:
    """Of the campaign's Job; a campaign that was resumed after its Job's end has a second one."""
    stem = f"chaosmem-campaign-{prepared.id.lower()}"
    return stem if number == 1 else f"{stem}-{number}"


def _meta(prepared: Prepared, name: str) -> JsonObject:
    labels = {**OWNER_LABELS, RUN_LABEL: prepared.id, CAMPAIGN_LABEL: prepared.name}
    return {"name": name, "namespace": prepared.campaign.cluster.namespace, "labels": labels}


def config_map(prepared: Prepared, name: str, data: str) -> JsonObject:
    """The packed campaign."""
    return {"metadata": _meta(prepared, name), "binaryData": {FILE: data}, "immutable": True}


def claim(prepared: Prepared) -> JsonObject:
    """The volume that all pods mount; it outlives the campaign, as its run directories do."""
    wanted = prepared.campaign.cluster.storage
    own = {"storageClassName": wanted.storage_class} if wanted.storage_class is not None else {}
    namespace = prepared.campaign.cluster.namespace
    return {
        "metadata": {"name": wanted.claim, "namespace": namespace, "labels": dict(OWNER_LABELS)},
        "spec": {
            "accessModes": [wanted.access],
            "resources": {"requests": {"storage": wanted.size}},
            **own,
        },
    }


def job(prepared: Prepared, name: str, cells: int) -> JsonObject:
    """The Indexed Job: Kubernetes queues its cells, spreads them, and repeats what was cut off."""
    campaign = prepared.campaign
    most = width(prepared.cells, parallelism=campaign.parallelism, targets=campaign.limits.targets)
    late = {"activeDeadlineSeconds": max(1, round(campaign.deadline))} if campaign.deadline else {}
    return {
        "metadata": _meta(prepared, name),
        "spec": {
            "completionMode": "Indexed",
            "completions": cells,
            "parallelism": min(most, cells),
            "backoffLimitPerIndex": campaign.attempts,
            # the next pod of a cell is made only after the last one has really ended
            "podReplacementPolicy": "Failed",
            "podFailurePolicy": {"rules": failure_rules(prepared)},
            "ttlSecondsAfterFinished": round(campaign.cluster.keep),
            **late,
            "template": _template(prepared, name),
        },
    }


def failure_rules(prepared: Prepared) -> list[JsonObject]:
    """What a pod's end means to the Job; the first rule that matches counts."""
    stops = sorted({int(STOP_CODES[word]) for word in prepared.campaign.stop_on})
    rules: list[JsonObject] = [
        {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
    ]
    rules += [_on_codes("FailJob", stops)] if stops else []
    return [*rules, _on_codes("FailIndex", sorted(int(c) for c in _NO_USE))]


def _on_codes(action: str, codes: list[int]) -> JsonObject:
    ends = {"containerName": CONTAINER, "operator": "In", "values": codes}
    return {"action": action, "onExitCodes": ends}


def _template(prepared: Prepared, name: str) -> JsonObject:
    wanted = prepared.campaign.cluster
    selector = {"batch.kubernetes.io/job-name": name}
    volumes = [
        {"name": "campaign", "configMap": {"name": name}},
        {"name": "runs", "persistentVolumeClaim": {"claimName": wanted.storage.claim}},
        {"name": "tmp", "emptyDir": {}},
    ]
    return {
        "metadata": {"labels": _meta(prepared, name)["labels"]},
        "spec": {
            "restartPolicy": "Never",
            "serviceAccountName": wanted.service_account,
            "enableServiceLinks": False,
            "terminationGracePeriodSeconds": _GRACE,
            "securityContext": _pod_security(),
            "nodeSelector": dict(wanted.node_selector),
            "topologySpreadConstraints": [
                {
                    "maxSkew": 1,
                    "topologyKey": wanted.spread,
                    "whenUnsatisfiable": "ScheduleAnyway",
                    "labelSelector": {"matchLabels": selector},
                }
            ],
            "containers": [_cell(prepared)],
            "volumes": volumes,
        },
    }


def _cell(prepared: Prepared) -> JsonObject:
    wanted = prepared.campaign.cluster
    resources = wanted.resources
    return {
        "name": CONTAINER,
        "image": wanted.image,
        "imagePullPolicy": wanted.pull_policy,
        "args": ["campaign", "pod", f"{PACKED_AT}/{FILE}", "--runs-dir", RUNS_AT],
        "env": [
            {"name": "HOME", "value": "/tmp"},  # noqa: S108 - the pod's own emptyDir
            {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        ],
        "resources": {
            "requests": {"cpu": resources.cpu, "memory": resources.memory},
            "limits": {"memory": resources.memory},
        },
        "securityContext": _security(),
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [
            {"name": "campaign", "mountPath": PACKED_AT, "readOnly": True},
            {"name": "runs", "mountPath": RUNS_AT},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - the pod's own emptyDir
        ],
    }


def _pod_security() -> JsonObject:
    return {
        "runAsNonRoot": True,
        "runAsUser": _NOBODY,
        "runAsGroup": _NOBODY,
        "fsGroup": _NOBODY,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def _security() -> JsonObject:
    return {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


# --- gather


def gather_name(prepared: Prepared) -> str:
    """Of the pod that hands the files out, and of its Secret."""
    return f"chaosmem-gather-{prepared.id.lower()}"


def gather_secret(prepared: Prepared, token: str) -> JsonObject:
    """What authorizes us to it."""
    meta = _meta(prepared, gather_name(prepared))
    return {"metadata": meta, "stringData": {"token": token}, "type": "Opaque"}


def gather_pod(prepared: Prepared, seconds: int) -> JsonObject:
    """A pod with the same volume, read-only, that answers for at most `seconds`."""
    name, wanted = gather_name(prepared), prepared.campaign.cluster
    words = ["campaign", "share", "--runs-dir", RUNS_AT, f"--port={SHARE_PORT}"]
    words += [f"--campaign={prepared.name}/{prepared.id}", f"--seconds={seconds}"]
    token = {"secretKeyRef": {"name": name, "key": "token"}}
    return {
        "metadata": _meta(prepared, name),
        "spec": {
            "restartPolicy": "Never",
            "activeDeadlineSeconds": seconds + 60,
            "terminationGracePeriodSeconds": 2,
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "securityContext": _pod_security(),
            "nodeSelector": dict(wanted.node_selector),
            "containers": [
                {
                    "name": "share",
                    "image": wanted.image,
                    "imagePullPolicy": wanted.pull_policy,
                    "args": words,
                    "env": [{"name": TOKEN, "valueFrom": token}],
                    "ports": [{"containerPort": SHARE_PORT, "name": "share"}],
                    "resources": {
                        "requests": {"cpu": "50m", "memory": "96Mi"},
                        "limits": {"memory": "256Mi"},
                    },
                    "securityContext": _security(),
                    "volumeMounts": [{"name": "runs", "mountPath": RUNS_AT, "readOnly": True}],
                }
            ],
            "volumes": [
                {
                    "name": "runs",
                    "persistentVolumeClaim": {
                        "claimName": wanted.storage.claim,
                        "readOnly": True,
                    },
                }
            ],
        },
    }
