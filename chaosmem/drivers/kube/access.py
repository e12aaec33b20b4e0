"""What we may do, asked of the API server one permission at a time (SelfSubjectAccessReview)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from chaosmem.drivers.kube.calls import Call
from chaosmem.drivers.kube.connect import Cluster
from chaosmem.drivers.kube.kinds import JsonObject, Kind

_PATH = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


@dataclass(frozen=True, slots=True)
class Access:
    """A permission; an empty namespace means the whole cluster."""

    verb: str
    resource: str
    group: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""

    @classmethod
    def to(cls, verb: str, kind: Kind, namespace: str = "", subresource: str = "") -> Access:
        """`verb` on a kind."""
        return cls(verb, kind.plural, kind.group, subresource, namespace)

    def __str__(self) -> str:
        resource = f"{self.resource}.{self.group}" if self.group else self.resource
        resource += f"/{self.subresource}" if self.subresource else ""
        named = f" {self.name}" if self.name else ""
        where = f"in {self.namespace}" if self.namespace else "in the cluster"
        return f"{self.verb} {resource}{named} {where}"


@dataclass(frozen=True, slots=True)
class Permission:
    """The answer; `reason` is the authorizer's, often empty."""

    access: Access
    allowed: bool
    reason: str = ""


async def may(cluster: Cluster, wanted: Iterable[Access]) -> tuple[Permission, ...]:
    """One answer for each, in their order."""
    return tuple(await asyncio.gather(*(_ask(cluster, access) for access in wanted)))


async def _ask(cluster: Cluster, access: Access) -> Permission:
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": _attributes(access)},
    }
    what = f"ask whether we may {access}"
    status = (await cluster.call(Call("POST", _PATH, what, body=body, repeat=True))).json()[
        "status"
    ]
    denied = status.get("denied", False)
    reason = status.get("reason") or status.get("evaluationError") or ""
    return Permission(access, bool(status.get("allowed")) and not denied, reason)


def _attributes(access: Access) -> JsonObject:
    attributes = {
        "verb": access.verb,
        "resource": access.resource,
        "group": access.group,
        "subresource": access.subresource,
        "namespace": access.namespace,
        "name": access.name,
    }
    return {key: value for key, value in attributes.items() if value}
