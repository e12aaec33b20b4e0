"""Kinds of objects, and references to one object; both can be written down and read back."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict

JsonObject = dict[str, Any]
"""An object as the API server speaks it."""

RUN_LABEL: Final = "chaosmem.io/run-id"
"""On everything that chaosmem makes: the run that made it."""
OWNER_LABELS: Final = {"app.kubernetes.io/managed-by": "chaosmem"}


class Kind(BaseModel):
    """A kind of object, enough to build its path."""

    model_config = ConfigDict(frozen=True)

    group: str
    version: str
    plural: str
    name: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """`apps/v1`, or `v1` for the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def resource(self) -> str:
        """As RBAC and kubectl write it: `deployments.apps`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """The path below the server's address; every part is quoted."""
        parts = ["apis", self.group] if self.group else ["api"]
        parts.append(self.version)
        if self.namespaced and namespace:
            parts += ["namespaces", namespace]
        parts += [part for part in (self.plural, name, subresource) if part]
        return "/" + "/".join(quote(part, safe="") for part in parts)


class Ref(BaseModel):
    """One object; with `uid` exactly that one, and not a later one of the same name."""

    model_config = ConfigDict(frozen=True)

    kind: Kind
    namespace: str = ""
    name: str
    uid: str = ""

    @classmethod
    def to(cls, kind: Kind, body: JsonObject) -> Ref:
        """The reference to an object that the API server returned."""
        meta = body["metadata"]
        return cls(
            kind=kind,
            namespace=meta.get("namespace", ""),
            name=meta["name"],
            uid=meta.get("uid", ""),
        )

    @property
    def path(self) -> str:
        """The object's path below the server's address."""
        return self.kind.path(self.namespace, self.name)

    def __str__(self) -> str:
        where = f"{self.namespace}/" if self.namespace else ""
        return f"{self.kind.name} {where}{self.name}"


def _core(plural: str, name: str, *, namespaced: bool = True) -> Kind:
    return Kind(group="", version="v1", plural=plural, name=name, namespaced=namespaced)


def _kind(group: str, version: str, plural: str, name: str, *, namespaced: bool = True) -> Kind:
    return Kind(group=group, version=version, plural=plural, name=name, namespaced=namespaced)


POD: Final = _core("pods", "Pod")
CONFIG_MAP: Final = _core("configmaps", "ConfigMap")
SECRET: Final = _core("secrets", "Secret")
SERVICE: Final = _core("services", "Service")
SERVICE_ACCOUNT: Final = _core("serviceaccounts", "ServiceAccount")
EVENT: Final = _core("events", "Event")
RESOURCE_QUOTA: Final = _core("resourcequotas", "ResourceQuota")
NAMESPACE: Final = _core("namespaces", "Namespace", namespaced=False)
NODE: Final = _core("nodes", "Node", namespaced=False)
DEPLOYMENT: Final = _kind("apps", "v1", "deployments", "Deployment")
REPLICA_SET: Final = _kind("apps", "v1", "replicasets", "ReplicaSet")
STATEFUL_SET: Final = _kind("apps", "v1", "statefulsets", "StatefulSet")
DAEMON_SET: Final = _kind("apps", "v1", "daemonsets", "DaemonSet")
LEASE: Final = _kind("coordination.k8s.io", "v1", "leases", "Lease")
ROLE: Final = _kind("rbac.authorization.k8s.io", "v1", "roles", "Role")
ROLE_BINDING: Final = _kind("rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding")
AUTOSCALER: Final = _kind(
    "autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler"
)
DISRUPTION_BUDGET: Final = _kind("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget")
CUSTOM_RESOURCE: Final = _kind(
    "apiextensions.k8s.io",
    "v1",
    "customresourcedefinitions",
    "CustomResourceDefinition",
    namespaced=False,
)
STRESS_CHAOS: Final = _kind("chaos-mesh.org", "v1alpha1", "stresschaos", "StressChaos")
WORKLOADS: Final = {k.name: k for k in (DEPLOYMENT, STATEFUL_SET, DAEMON_SET)}
