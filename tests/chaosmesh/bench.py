"""A fault on a pod, and the memory that the kernel says it takes."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from chaosmem.clock import RunClock
from chaosmem.drivers.kube import stresschaos
from chaosmem.drivers.kube.connect import Cluster
from chaosmem.drivers.kube.stresschaos import MIB, StressOrder
from chaosmem.drivers.kube.stressstatus import Chaos
from chaosmem.errors import ClusterNotFound
from chaosmem.faults.chaos_mesh import MeshMemory
from chaosmem.faults.mesh_access import MeshAccess
from chaosmem.plan.model import PlannedPod
from chaosmem.spec.faults import MemoryFault
from tests.chaosmesh.standin import StandIn

LIMIT = 128 * MIB
RUN = "20261123T180501Z-3fa9c1"
NAME = "chaosmem-stress"
HALF = MemoryFault(via="chaos-mesh", level=0.5)
_WAIT_SECONDS = 10.0
_SAME = 4
"""Equal readings, 0.1 s apart."""


def pod_manifest() -> dict[str, Any]:
    """A pod that does nothing; its image is on the node."""
    container = {
        "name": "app",
        "image": "chaosmem/pause:test",
        "imagePullPolicy": "Never",
        "resources": {"limits": {"memory": f"{LIMIT // MIB}Mi"}},
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "target-0"},
        "spec": {"containers": [container], "terminationGracePeriodSeconds": 0},
    }


def working_set(container_id: str) -> int:
    """As kubelet counts it: usage without inactive file pages, from the kernel's own files."""
    memory = Path("/sys/fs/cgroup/memory")
    root = memory if memory.is_dir() else memory.parent
    group = next(root.rglob(f"*{container_id}*"))
    v1 = group / "memory.usage_in_bytes"
    used = int((v1 if v1.exists() else group / "memory.current").read_text())
    stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
    return used - int(stat.get("total_inactive_file", stat.get("inactive_file", 0)))


async def settled(container_id: str) -> None:
    """Wait until the working set stands still: the runtime's own start is charged to it too."""
    same, last = 0, -1
    while same < _SAME:
        now = working_set(container_id)
        same, last = (same + 1 if now == last else 0), now
        await asyncio.sleep(0.1)


async def ended(pid: int) -> None:
    """Wait until a process is gone, or a zombie that its parent has not looked at."""
    deadline = time.monotonic() + _WAIT_SECONDS
    while (
        status := Path(f"/proc/{pid}/status")
    ).exists() and "State:\tZ" not in status.read_text():
        assert time.monotonic() < deadline, f"process {pid} still runs"
        await asyncio.sleep(0.05)


@dataclass
class Bench:
    """What the tests act through."""

    cluster: Cluster
    mesh: StandIn
    pod: PlannedPod
    promises: list[str] = field(default_factory=list)

    @property
    def used(self) -> int:
        """The target container's working set, bytes."""
        return working_set(self.pod.container_id)

    def fault(self, spec: MemoryFault = HALF, **changes: Any) -> MeshMemory:
        """The fault under test."""
        return MeshMemory(spec, replace(self.access(), **changes), RunClock.start())

    def access(self) -> MeshAccess:
        """What the fault acts through."""

        async def promise() -> None:
            self.promises.append(NAME)

        return MeshAccess(
            cluster=self.cluster,
            run_id=RUN,
            name=NAME,
            namespace=self.pod.namespace,
            target=self.pod,
            seconds=60,
            ramp=0.0,
            promise=promise,
            working_set=lambda: self.used,
        )

    def order(self, **changes: Any) -> StressOrder:
        """An order for the same object, made by hand."""
        order = StressOrder(
            run_id=RUN,
            namespace=self.pod.namespace,
            name=NAME,
            pod_namespace=self.pod.namespace,
            pod=self.pod.name,
            container=self.pod.container,
            mib=32,
            seconds=60,
        )
        return replace(order, **changes)

    async def chaos(self) -> Chaos | None:
        """The object, where there is one."""
        try:
            return await stresschaos.read(self.cluster, self.pod.namespace, NAME)
        except ClusterNotFound:
            return None

    async def holds(self, wanted: float, within: float = 2 * MIB) -> None:
        """Wait until the working set is what is wanted; fails with what it is."""
        deadline = time.monotonic() + _WAIT_SECONDS
        while abs(self.used - wanted) > within:
            assert time.monotonic() < deadline, f"{self.used / MIB:.1f} of {wanted / MIB:.1f} MiB"
            await asyncio.sleep(0.05)

    async def becomes(self, meaning: str, seconds: float = _WAIT_SECONDS) -> Chaos:
        """Wait for a meaning."""
        deadline = time.monotonic() + seconds
        while (chaos := await self.chaos()) is None or chaos.meaning != meaning:
            assert time.monotonic() < deadline, f"it is {chaos and chaos.meaning}"
            await asyncio.sleep(0.05)
        return chaos
