"""The campaign, version 1: experiments x targets x arms x variables as one declared matrix.

A campaign holds no experiment of its own: it names files, and says what of them differs in each
cell. `campaign_reader` reads it, `campaign_cells` makes its cells.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, JsonValue, WithJsonSchema

from chaosmem import __version__
from chaosmem.spec.base import Model, Seconds, one_or_more
from chaosmem.spec.model import API_VERSION, Arm, Metadata

AXES = ("experiment", "target", "arm")
"""Axes that every campaign has; its variables are further ones."""
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,40}$")]
_PATH = r"^[A-Za-z][A-Za-z0-9_-]*((\.[A-Za-z][A-Za-z0-9_-]*)|(\[\d+\]))*$"
_PARTS = re.compile(r"\[(\d+)\]|([A-Za-z][A-Za-z0-9_-]*)")
_NOT_VARIED = frozenset({"apiVersion", "kind", "metadata", "arms"})


def steps(path: str) -> tuple[str | int, ...]:
    """`faults[0].heap.retain` as its keys and indices."""
    return tuple(int(i) if i else name for i, name in _PARTS.findall(path))


def _a_path(value: str) -> str:
    if not re.fullmatch(_PATH, value):
        raise ValueError(f"{value!r} is no path into an experiment; write faults.heap.retain")
    first = str(steps(value)[0])
    if first in _NOT_VARIED:
        known = "`arms:` of the campaign" if first == "arms" else "`metadata:` is each file's own"
        raise ValueError(f"{first} cannot be varied; {known}")
    return value


def _some(value: tuple[object, ...]) -> tuple[object, ...]:
    if not value:
        raise ValueError("nothing is listed; write at least one, or leave it out")
    return value


class CampaignTarget(Model):
    """A target, laid over the one that an experiment has."""

    name: Name
    """Names the target in reports: lower-case letters, digits and hyphens."""
    target: dict[str, JsonValue]
    """Fields of `target` of an experiment; they win over the experiment's own, null removes."""


class Variable(Model):
    """One field of the experiments, varied."""

    name: Name
    """Names the variable in reports, and in `include` and `exclude`."""
    path: Annotated[
        str,
        AfterValidator(_a_path),
        WithJsonSchema({"type": "string", "pattern": _PATH, "examples": ["faults.heap.retain"]}),
    ]
    """Where: `phases.hold`, `faults.heap.retain` (the only heap fault), `faults[1].heap.retain`."""
    values: Annotated[tuple[JsonValue, ...], AfterValidator(_some)]
    """What it is set to, each in a cell of its own."""


class CampaignLimits(Model):
    """Blast radius of the whole campaign, whatever its experiments allow themselves."""

    targets: Annotated[int, Field(strict=True, ge=1)] = 1
    """Most targets (pods, processes, endpoints) that may be under a fault at one time."""
    namespaces: tuple[str, ...] = ()
    """Namespaces that the campaign may touch; empty: those that its experiments name."""
    cells: Annotated[int, Field(strict=True, ge=1, le=10_000)] = 200
    """Most cells: a matrix grows faster than one thinks."""


class Resources(Model):
    """Of each cell's pod, as Kubernetes writes quantities."""

    cpu: str = "500m"
    """CPU that is requested; there is no limit, since throttling would be in the measurements."""
    memory: str = "512Mi"
    """Memory that is requested, and the limit."""


class Storage(Model):
    """Where the pods keep run directories: one volume that all of them mount."""

    claim: Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$")] = (
        "chaosmem-campaigns"
    )
    """PersistentVolumeClaim of the namespace; made where it is not there."""
    storage_class: str | None = None
    """Class of a claim that is made; absent: the cluster's default."""
    size: str = "5Gi"
    """Size of a claim that is made."""
    access: Literal["ReadWriteMany", "ReadWriteOnce"] = "ReadWriteMany"
    """Of a claim that is made; ReadWriteOnce is one node's only."""


class InCluster(Model):
    """How the campaign is run by `--on cluster`: one Indexed Job, a pod each cell."""

    context: str | None = None
    """Context of the kubeconfig; absent: the current one."""
    namespace: str = "chaosmem"
    """Namespace of the Job; the runner's ServiceAccount is there."""
    image: str = "chaosmem/chaosmem:" + __version__
    """Image with chaosmem in it."""
    pull_policy: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"
    """When the node fetches the image."""
    service_account: str = "chaosmem"
    """ServiceAccount of the pods."""
    storage: Storage = Storage()
    """Where run directories are kept."""
    resources: Resources = Resources()
    """What each pod asks for."""
    node_selector: dict[str, str] = Field(default_factory=dict)
    """Labels of the nodes that may run the pods."""
    spread: Literal["kubernetes.io/hostname", "topology.kubernetes.io/zone"] = (
        "kubernetes.io/hostname"
    )
    """Over what the pods are spread, as far as there is room."""
    keep: Seconds = 86400.0
    """How long the finished Job is kept (its run directories stay)."""


class Campaign(Model):
    """A declared campaign."""

    api_version: Literal["chaosmem/v1"] = API_VERSION
    """Version of this language."""
    kind: Literal["Campaign"] = "Campaign"
    """Always Campaign."""
    metadata: Metadata
    """Name and words for people."""
    experiments: Annotated[tuple[str, ...], BeforeValidator(one_or_more), AfterValidator(_some)]
    """Files or patterns (`*.yaml`), relative to this one; each file is one of the axis."""
    targets: tuple[CampaignTarget, ...] = ()
    """Targets; absent: each experiment's own."""
    arms: tuple[Arm, ...] = ()
    """Runtime settings, each in cells of its own; absent: each experiment's own, compared in it."""
    variables: tuple[Variable, ...] = ()
    """Further axes: fields of the experiments."""
    include: tuple[dict[str, JsonValue], ...] = ()
    """Further cells: `{experiment: NAME, target: NAME, arm: NAME, VARIABLE: value}`."""
    exclude: tuple[dict[str, JsonValue], ...] = ()
    """Cells to leave out: those that agree with all that an entry says."""
    trials: Annotated[int, Field(strict=True, ge=1, le=100)] | None = None
    """Trials of each arm in every cell; absent: each experiment's own."""
    order: Literal["declared", "shuffled"] = "declared"
    """The order in which cells are begun; `shuffled` by `seed`, so that drift meets all alike."""
    seed: Annotated[int, Field(strict=True, ge=0, le=2**63 - 1)] = 0
    """Makes the shuffled order repeatable."""
    parallelism: Annotated[int, Field(strict=True, ge=1, le=1000)] = 1
    """Most experiments at one time."""
    attempts: Annotated[int, Field(strict=True, ge=1, le=20)] = 3
    """How often a cell is begun anew after its run was cut off; a verdict is never repeated."""
    stop_on: Annotated[
        tuple[Literal["fail", "inconclusive", "aborted", "undo-incomplete"], ...],
        BeforeValidator(one_or_more),
    ] = ("undo-incomplete",)
    """Results after which no further cell is begun, and those that run are stopped."""
    deadline: Annotated[Seconds, Field(gt=0)] | None = None
    """Longest that one `run` or `resume` may take; then what runs is stopped and undone."""
    limits: CampaignLimits = CampaignLimits()
    """Blast radius of the whole campaign."""
    cluster: InCluster = InCluster()
    """How it is run by `--on cluster`."""
