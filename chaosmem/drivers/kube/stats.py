"""A container's working set by the kubelet's cAdvisor: coarse, and it says how coarse.

cAdvisor looks at a container every 10 s or so and stamps each number with its own time. It serves
doctor and the plan; a run reads the cgroup itself, through the helper.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import Final

from chaosmem.drivers.kube.connect import Cluster
from chaosmem.drivers.kube.kinds import NODE
from chaosmem.drivers.kube.podmodel import Pod
from chaosmem.errors import ClusterError

RESOLUTION: Final = 10.0
"""Seconds between two looks (kubelet's housekeeping interval, with its jitter)."""
_LINE: Final = re.compile(
    rb"^container_memory_working_set_bytes\{([^}]*)\} (\S+) (\d+)$", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class WorkingSet:
    """A container's working set.

    Attributes:
        bytes: usage less inactive file pages.
        at: when cAdvisor looked, Unix seconds of the node's clock.
        age_s: seconds ago, by this machine's clock.
        source: where the number is from.
        resolution_s: seconds between two looks.
    """

    bytes: int
    at: float
    age_s: float
    source: str = "cadvisor"
    resolution_s: float = RESOLUTION


async def working_set(cluster: Cluster, pod: Pod, container: str) -> WorkingSet:
    """The last look; ClusterError where the kubelet has none, or may not be asked."""
    path = NODE.path("", pod.node, "proxy") + "/metrics/cadvisor"
    reply = await cluster.get(path, f"read the memory metrics of node {pod.node}")
    labels = (
        f'container="{container}"'.encode(),
        f'namespace="{pod.namespace}"'.encode(),
        f'pod="{pod.name}"'.encode(),
    )
    for match in _LINE.finditer(reply.body):
        if all(label in match[1] for label in labels):
            at = int(match[3]) / 1000
            return WorkingSet(int(float(match[2])), at, max(0.0, time.time() - at))
    raise ClusterError(
        f"the kubelet of {pod.node} has no working set of {pod.name}/{container} (yet)"
    )
