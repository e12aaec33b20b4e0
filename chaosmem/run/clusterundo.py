"""Undo in a cluster, whoever does it: the run itself, `chaosmem undo`, or `chaosmem sweep`.

Each is idempotent, looks at what is there, and touches nothing that is not this run's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from chaosmem.clock import RunClock
from chaosmem.drivers.agent import Agent
from chaosmem.drivers.kube import objects, pods, rollout, stressundo
from chaosmem.drivers.kube.connect import Cluster
from chaosmem.drivers.kube.envpatch import EnvUndo
from chaosmem.drivers.kube.kinds import (
    CONFIG_MAP,
    LEASE,
    POD,
    RUN_LABEL,
    SECRET,
    STRESS_CHAOS,
    Kind,
    Ref,
)
from chaosmem.drivers.kube.podmodel import Pod
from chaosmem.drivers.kube.transport import open_route
from chaosmem.errors import ClusterNotFound, UndoIncomplete
from chaosmem.run.tokens import pod_token
from chaosmem.rundir.events import ClusterUndo, DeleteObject, ReleaseInPod, RevertEnvironment
from chaosmem.spec.target import AgentAccess

KINDS: Final[Mapping[str, Kind]] = {
    "Pod": POD,
    "Secret": SECRET,
    "ConfigMap": CONFIG_MAP,
    "Lease": LEASE,
    "StressChaos": STRESS_CHAOS,
}
_GONE_WITHIN: Final = 20.0
"""Seconds for an object to be gone: a pod's grace is 2 s, and the kubelet needs a few more."""
_ROLLOUT_WITHIN: Final = 300.0


async def fulfil(cluster: Cluster, undo: ClusterUndo, clock: RunClock) -> None:
    """Do it and see it done; UndoIncomplete says what is still there."""
    match undo:
        case DeleteObject():
            await remove(cluster, undo)
        case ReleaseInPod():
            await release(cluster, undo, clock)
        case RevertEnvironment():
            former = EnvUndo.model_validate(undo.former)
            await rollout.revert(cluster, former, within=_ROLLOUT_WITHIN)


async def remove(cluster: Cluster, undo: DeleteObject) -> None:
    """Delete the object, where it is there and this run's, and see it gone."""
    kind = KINDS[undo.kind]
    if kind is STRESS_CHAOS:
        await stressundo.recover(
            cluster, undo.namespace, undo.name, run_id=undo.run_id, within=_GONE_WITHIN
        )
        return
    try:
        there = await objects.read(cluster, kind, undo.namespace, undo.name)
    except ClusterNotFound:
        return
    if (there["metadata"].get("labels") or {}).get(RUN_LABEL) != undo.run_id:
        return
    ref = Ref.to(kind, there)
    grace = 1 if kind is POD else None
    gone = await objects.delete_and_confirm(cluster, ref, within=_GONE_WITHIN, grace=grace)
    if not gone.gone:
        raise UndoIncomplete(gone.why, hint=_hint(ref, gone.finalizers))


def _hint(ref: Ref, finalizers: tuple[str, ...]) -> str:
    where = f"kubectl -n {ref.namespace} get {ref.kind.resource} {ref.name} -o yaml"
    return f"{where}; finalizers: {', '.join(finalizers)}" if finalizers else where


def _ended(pod: Pod, undo: ReleaseInPod) -> bool:
    """Whether the container that held something is no more: killed, or started again."""
    if not undo.container_id:
        return False
    now = pod.container(undo.container)
    return now.container_id != undo.container_id or now.state != "running"


async def release(cluster: Cluster, undo: ReleaseInPod, clock: RunClock) -> None:
    """End the lease on the agent in a pod; a pod that is gone took everything with it."""
    try:
        pod = await pods.get_pod(cluster, undo.namespace, undo.pod)
    except ClusterNotFound:
        return
    if pod.uid != undo.uid or pod.phase in ("Failed", "Succeeded") or _ended(pod, undo):
        return
    access = AgentAccess(
        token_env=undo.token_env or "CHAOSMEM_AGENT_TOKEN",
        token_file=undo.token_file or None,
        token_secret=undo.token_secret or None,
    )
    token = await pod_token(cluster, access, undo.namespace)
    route = open_route(cluster, pod, undo.port, clock, wanted=undo.transport, probe=undo.path)
    async with route as way, way.http(keep=False) as http:
        await Agent(http, path=undo.path, token=token, run_id=undo.run_id).end()
