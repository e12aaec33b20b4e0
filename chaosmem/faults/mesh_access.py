"""What the Chaos Mesh fault acts through; `PodScene` carries it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from chaosmem.drivers.kube.connect import Cluster
from chaosmem.drivers.kube.skew import Skew
from chaosmem.plan.model import PlannedPod


@dataclass(frozen=True, slots=True)
class MeshAccess:
    """What the fault may act through.

    Attributes:
        name: of the object, the same each time that this fault of this run acts on this pod.
        namespace: of the object.
        seconds: after its creation Chaos Mesh ends the stress by itself, whatever happens to us.
        ramp: seconds to grow to the level.
        promise: puts the undo on disk and into the cluster; awaited before the object is made.
        working_set: the container's, in bytes as last measured; None: not known.
        skew: of the cluster's clock; None: its timestamps are not used.
        inject_within: seconds from creation to `injected`; both steps take well under one.
        undo_within: seconds until an undo counts as stuck; deletion takes well under one.
    """

    cluster: Cluster
    run_id: str
    name: str
    namespace: str
    target: PlannedPod
    seconds: int
    ramp: float
    promise: Callable[[], Awaitable[None]]
    working_set: Callable[[], int | None]
    skew: Skew | None = None
    inject_within: float = 20.0
    undo_within: float = 15.0
