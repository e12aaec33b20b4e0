"""What chaosmem reads of a pod's JSON, checked by its types; everything else is left alone."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from chaosmem.drivers.kube.kinds import JsonObject
from chaosmem.errors import ClusterError


class Wire(BaseModel):
    """A part of an object; unknown fields are ignored, null is as good as absent."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", alias_generator=to_camel, populate_by_name=True
    )


class OwnerWire(Wire):
    """metadata.ownerReferences[]."""

    api_version: str
    kind: str
    name: str
    uid: str
    controller: bool = False


class MetaWire(Wire):
    """metadata."""

    name: str
    namespace: str = ""
    uid: str
    resource_version: str = ""
    creation_timestamp: datetime | None = None
    deletion_timestamp: datetime | None = None
    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)
    owner_references: tuple[OwnerWire, ...] = ()


class PortWire(Wire):
    """spec.containers[].ports[]."""

    container_port: int
    name: str = ""
    protocol: str = "TCP"


class EnvWire(Wire):
    """spec.containers[].env[]."""

    name: str
    value: str | None = None
    value_from: dict[str, Any] | None = None


class EnvFromWire(Wire):
    """spec.containers[].envFrom[]."""

    prefix: str = ""
    config_map_ref: dict[str, Any] | None = None
    secret_ref: dict[str, Any] | None = None


class ResourcesWire(Wire):
    """spec.containers[].resources."""

    limits: dict[str, str | int | float] = Field(default_factory=dict)
    requests: dict[str, str | int | float] = Field(default_factory=dict)


class ContainerWire(Wire):
    """spec.containers[]."""

    name: str
    image: str = ""
    ports: tuple[PortWire, ...] = ()
    env: tuple[EnvWire, ...] = ()
    env_from: tuple[EnvFromWire, ...] = ()
    resources: ResourcesWire = ResourcesWire()


class TerminatedWire(Wire):
    """A container's state.terminated."""

    reason: str = ""
    exit_code: int = 0
    started_at: datetime | None = None
    finished_at: datetime | None = None
    container_id: str = Field("", alias="containerID")


class RunningWire(Wire):
    """A container's state.running."""

    started_at: datetime | None = None


class WaitingWire(Wire):
    """A container's state.waiting."""

    reason: str = ""


class StateWire(Wire):
    """A container's state; at most one is set."""

    running: RunningWire | None = None
    waiting: WaitingWire | None = None
    terminated: TerminatedWire | None = None


class ContainerStatusWire(Wire):
    """status.containerStatuses[]."""

    name: str
    ready: bool = False
    restart_count: int = 0
    image_id: str = Field("", alias="imageID")
    container_id: str = Field("", alias="containerID")
    state: StateWire = StateWire()
    last_state: StateWire = StateWire()


class ConditionWire(Wire):
    """status.conditions[]."""

    type: str
    status: str
    reason: str = ""
    message: str = ""


class SpecWire(Wire):
    """spec."""

    containers: tuple[ContainerWire, ...] = ()
    node_name: str = ""
    host_network: bool = False


class StatusWire(Wire):
    """status."""

    phase: str = ""
    reason: str = ""
    message: str = ""
    pod_ip: str = Field("", alias="podIP")
    qos_class: str = ""
    conditions: tuple[ConditionWire, ...] = ()
    container_statuses: tuple[ContainerStatusWire, ...] = ()


class PodWire(Wire):
    """A pod."""

    metadata: MetaWire
    spec: SpecWire = SpecWire()
    status: StatusWire = StatusWire()


def read_pod(body: JsonObject) -> PodWire:
    """A pod's JSON; ClusterError where it is none."""
    try:
        return PodWire.model_validate(without_nulls(body))
    except ValidationError as problem:
        first = problem.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ClusterError(f"a malformed pod: {place}: {first['msg']}") from problem


def without_nulls(value: Any) -> Any:
    """`value` without null members: Go writes null for an absent list in some places."""
    if isinstance(value, dict):
        return {k: without_nulls(v) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [without_nulls(v) for v in value]
    return value
