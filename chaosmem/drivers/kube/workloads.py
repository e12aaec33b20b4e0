"""Deployments, StatefulSets and DaemonSets: what manages them, and how far a rollout has come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from chaosmem.drivers.kube import objects
from chaosmem.drivers.kube.connect import Cluster
from chaosmem.drivers.kube.kinds import DAEMON_SET, DEPLOYMENT, STATEFUL_SET, JsonObject, Ref

_GITOPS: Final[Mapping[str, str]] = {
    "argocd.argoproj.io/instance": "Argo CD",
    "argocd.argoproj.io/tracking-id": "Argo CD",
    "kustomize.toolkit.fluxcd.io/name": "Flux",
    "helm.toolkit.fluxcd.io/name": "Flux",
}
"""Labels and annotations of controllers that put a changed workload back by themselves."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about a workload that matters to a rollout."""

    code: Literal["managed", "helm", "paused", "on-delete"]
    message: str


@dataclass(frozen=True, slots=True)
class Workload:
    """A workload as it was read."""

    ref: Ref
    body: JsonObject
    findings: tuple[Finding, ...]

    @property
    def replicas(self) -> int:
        """Pods that are wanted (a DaemonSet: those that are scheduled)."""
        wanted = self.body["spec"].get("replicas")
        if wanted is None:
            wanted = (self.body.get("status") or {}).get("desiredNumberScheduled", 1)
        return int(wanted)

    @property
    def paused(self) -> bool:
        """Whether its rollouts are paused."""
        return any(f.code == "paused" for f in self.findings)


async def read_workload(cluster: Cluster, ref: Ref) -> Workload:
    """Read it; ClusterNotFound where it is gone."""
    body = await objects.read(cluster, ref.kind, ref.namespace, ref.name)
    return Workload(ref, body, findings(body))


def findings(body: JsonObject) -> tuple[Finding, ...]:
    """What manages it, and what holds a rollout back."""
    meta, spec = body["metadata"], body["spec"]
    marks = {**(meta.get("labels") or {}), **(meta.get("annotations") or {})}
    found = [
        Finding("managed", f"{who} ({mark}: {marks[mark]})")
        for mark, who in _GITOPS.items()
        if mark in marks
    ]
    if marks.get("app.kubernetes.io/managed-by") == "Helm":
        found.append(Finding("helm", "Helm; an upgrade during the run would put it back"))
    if spec.get("paused"):
        found.append(Finding("paused", "its rollouts are paused"))
    if (spec.get("updateStrategy") or {}).get("type") == "OnDelete":
        found.append(Finding("on-delete", "its pods change only when they are deleted"))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a rollout has come; `stuck` says why it will not end."""

    done: bool
    words: str
    stuck: str = ""


def progress(kind_name: str, body: JsonObject) -> Progress:
    """As `kubectl rollout status` judges it (k8s.io/kubectl/pkg/polymorphichelpers)."""
    status, generation = body.get("status") or {}, body["metadata"].get("generation", 0)
    if status.get("observedGeneration", 0) < generation:
        return Progress(done=False, words="the controller has not seen the change yet")
    if kind_name == DEPLOYMENT.name:
        return _deployment(body["spec"].get("replicas", 1), status)
    if kind_name == STATEFUL_SET.name:
        return _stateful_set(body["spec"].get("replicas", 1), status)
    assert kind_name == DAEMON_SET.name  # noqa: S101 - there is no fourth kind of workload
    return _daemon_set(status)


def _deployment(wanted: int, status: JsonObject) -> Progress:
    for condition in status.get("conditions") or []:
        if condition["type"] == "Progressing" and condition.get("reason") == (
            "ProgressDeadlineExceeded"
        ):
            return Progress(done=False, words="", stuck=condition.get("message", "it is stuck"))
    updated, all_ = status.get("updatedReplicas", 0), status.get("replicas", 0)
    ready = status.get("availableReplicas", 0)
    done = updated >= wanted and all_ <= updated and ready >= updated
    return Progress(done, f"{updated} of {wanted} updated, {ready} available, {all_} in all")


def _stateful_set(wanted: int, status: JsonObject) -> Progress:
    updated, ready = status.get("updatedReplicas", 0), status.get("readyReplicas", 0)
    same = status.get("currentRevision") == status.get("updateRevision")
    done = ready >= wanted and (same or updated >= wanted)
    return Progress(done, f"{updated} of {wanted} updated, {ready} ready")


def _daemon_set(status: JsonObject) -> Progress:
    wanted = status.get("desiredNumberScheduled", 0)
    updated, ready = status.get("updatedNumberScheduled", 0), status.get("numberAvailable", 0)
    return Progress(
        updated >= wanted and ready >= wanted, f"{updated} of {wanted} updated, {ready} available"
    )
