"""A pod as chaosmem sees it: a value, without anything that the API server did not say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from chaosmem.drivers.kube.kinds import POD, WORKLOADS, Ref
from chaosmem.errors import TargetError


@dataclass(frozen=True, slots=True)
class Port:
    """A declared port."""

    number: int
    name: str = ""


@dataclass(frozen=True, slots=True)
class EnvVar:
    """A declared environment variable: a literal's value, else only where its value comes from."""

    name: str
    value: str | None
    source: str
    """`literal`, `config map NAME/KEY`, `secret NAME/KEY`, `field PATH`, `resource NAME`."""


@dataclass(frozen=True, slots=True)
class EnvSource:
    """A whole ConfigMap or Secret as environment (`envFrom`)."""

    kind: str
    name: str
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class Terminated:
    """How a container's last run ended."""

    reason: str
    exit_code: int
    started: datetime | None
    finished: datetime | None
    container_id: str = ""

    @property
    def oom_killed(self) -> bool:
        """Whether the kernel killed it for its memory."""
        return self.reason == "OOMKilled"


@dataclass(frozen=True, slots=True)
class Container:
    """One container of a pod; memory in bytes, None where there is no limit or request."""

    name: str
    image: str = ""
    image_id: str = ""
    container_id: str = ""
    """Without the runtime's scheme, as its cgroup is named; empty before it was created."""
    runtime: str = ""
    """The scheme: `containerd`, `cri-o`, `docker`."""
    ready: bool = False
    restart_count: int = 0
    state: str = "waiting"
    """`running`, `waiting` or `terminated`."""
    state_reason: str = ""
    started_at: datetime | None = None
    terminated: Terminated | None = None
    last_terminated: Terminated | None = None
    memory_limit: int | None = None
    memory_request: int | None = None
    ports: tuple[Port, ...] = ()
    env: tuple[EnvVar, ...] = ()
    env_from: tuple[EnvSource, ...] = ()


@dataclass(frozen=True, slots=True)
class Owner:
    """A link of the chain from a pod to its workload, nearest first."""

    kind: str
    api_version: str
    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod as the API server last said."""

    namespace: str
    name: str
    uid: str
    node: str = ""
    ip: str = ""
    phase: str = ""
    reason: str = ""
    message: str = ""
    ready: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    owners: tuple[Owner, ...] = ()
    qos: str = ""
    host_network: bool = False
    created: datetime | None = None
    deleting: bool = False
    disruption: str = ""
    """Why Kubernetes ends it (the reason of its condition DisruptionTarget), empty: it does not."""
    resource_version: str = ""
    containers: tuple[Container, ...] = ()

    @property
    def ref(self) -> Ref:
        """Exactly this pod, by its uid."""
        return Ref(kind=POD, namespace=self.namespace, name=self.name, uid=self.uid)

    @property
    def workload(self) -> Ref | None:
        """The Deployment, StatefulSet or DaemonSet that it belongs to, None where there is none."""
        top = self.owners[-1] if self.owners else None
        kind = WORKLOADS.get(top.kind) if top else None
        if top is None or kind is None or top.api_version != kind.api_version:
            return None
        return Ref(kind=kind, namespace=self.namespace, name=top.name, uid=top.uid)

    def container(self, name: str = "") -> Container:
        """The named container, or the only one; TargetError that lists them else."""
        names = ", ".join(c.name for c in self.containers)
        if not name and len(self.containers) == 1:
            return self.containers[0]
        for container in self.containers:
            if container.name == name:
                return container
        wanted = f"has no container {name!r}" if name else "has several containers"
        raise TargetError(
            f"pod {self.namespace}/{self.name} {wanted}",
            hint=f"write one of its containers as target.kubernetes.container: {names}",
        )
