"""A run that is killed while it applies the fault: `KUBECONFIG POD promise|create|injected`."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from chaosmem.clock import RunClock
from chaosmem.drivers.kube import stresschaos
from chaosmem.drivers.kube.connect import Cluster
from chaosmem.faults.chaos_mesh import MeshMemory
from chaosmem.faults.mesh_access import MeshAccess
from chaosmem.plan.model import PlannedPod
from tests.chaosmesh.bench import HALF, NAME, RUN


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


async def _act(kubeconfig: Path, pod: PlannedPod, where: str) -> None:
    async def promise() -> None:
        if where == "promise":
            _die()

    async with Cluster.open(kubeconfig=kubeconfig) as cluster:
        access = MeshAccess(
            cluster=cluster,
            run_id=RUN,
            name=NAME,
            namespace=pod.namespace,
            target=pod,
            seconds=60,
            ramp=0.0,
            promise=promise,
            working_set=lambda: 2**20,
        )
        await MeshMemory(HALF, access, RunClock.start()).apply()
        _die()


def main() -> None:
    """Apply the fault, and die on the way."""
    kubeconfig, pod, where = sys.argv[1:]
    if where == "create":
        made = stresschaos.create

        async def create(*args: object, **options: object) -> object:
            found = await made(*args, **options)  # type: ignore[arg-type]
            if not options:
                _die()
            return found

        stresschaos.create = create  # type: ignore[assignment]
    asyncio.run(_act(Path(kubeconfig), PlannedPod.model_validate_json(pod), where))


if __name__ == "__main__":
    main()
