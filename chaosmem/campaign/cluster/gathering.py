"""Fetching what the pods have written: by a pod that mounts their volume, digest by digest."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import secrets
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from urllib.parse import quote

from pydantic import BaseModel, TypeAdapter, ValidationError

from chaosmem.campaign.cluster import objects as made
from chaosmem.campaign.cluster.share import HEADER
from chaosmem.campaign.directory import CampaignDir
from chaosmem.campaign.model import Prepared
from chaosmem.clock import RunClock
from chaosmem.drivers.http import CAPTURE_LIMIT, Http
from chaosmem.drivers.kube import objects, pods
from chaosmem.drivers.kube.connect import Cluster
from chaosmem.drivers.kube.kinds import POD, SECRET, Kind, Ref
from chaosmem.drivers.kube.transport import Route, open_route
from chaosmem.errors import ProbeFailed, RunDirError, TargetError
from chaosmem.rundir import RunDir

_SECONDS = 1800
_READY_WITHIN = 120.0
_AT_ONCE = 8
_SLOW = 60.0


class File(BaseModel):
    """One file on the volume, by its path below the runs directory."""

    name: str
    size: int
    sha256: str


_FILES: TypeAdapter[list[File]] = TypeAdapter(list[File])


async def gather(cluster: Cluster, home: CampaignDir, say: Callable[[str], None]) -> int:
    """Fetch what is new; how many files that were. Safe to repeat.

    Raises:
        ClusterError, TargetError: the pod cannot be made, or does not answer.
        RunDirError: a file cannot be written here.
    """
    prepared = home.prepared()
    async with _shared(cluster, prepared, say) as (http, token):
        answer = await http.get("/files", timeout=_SLOW, headers=token, limit=CAPTURE_LIMIT)
        wanted = [f for f in _listed(answer.body) if not _is_here(home.base, f)]
        gate = asyncio.Semaphore(_AT_ONCE)

        async def one(file: File) -> None:
            async with gate:
                await _fetch(http, token, home.base, file)

        await asyncio.gather(*(one(f) for f in wanted))
    return len(wanted)


def _listed(body: bytes) -> list[File]:
    try:
        found = _FILES.validate_json(body)
    except ValidationError as problem:
        raise ProbeFailed(f"the list of files cannot be read: {problem}") from problem
    return [f for f in found if _inside(f.name)]


def _inside(name: str) -> bool:
    parts = Path(name).parts
    return bool(parts) and ".." not in parts and not Path(name).is_absolute()


def _is_here(base: Path, file: File) -> bool:
    path = base / file.name
    if not path.is_file() or path.stat().st_size != file.size:
        return False
    return hashlib.sha256(path.read_bytes()).hexdigest() == file.sha256


async def _fetch(http: Http, token: dict[str, str], base: Path, file: File) -> None:
    """One file; what was appended to since the list was made is taken as it is now."""
    path = f"/files/{quote(file.name)}"
    answer = await http.get(path, timeout=_SLOW, headers=token, limit=CAPTURE_LIMIT)
    same = hashlib.sha256(answer.body).hexdigest() == file.sha256
    if not same and len(answer.body) < file.size:
        raise ProbeFailed(f"{file.name} came with {len(answer.body)} of {file.size} bytes")
    RunDir(base).write(file.name, answer.body)


@contextlib.asynccontextmanager
async def _shared(
    cluster: Cluster, prepared: Prepared, say: Callable[[str], None]
) -> AsyncIterator[tuple[Http, dict[str, str]]]:
    """The pod that hands the files out, and the header that authorizes us; gone afterwards."""
    token, clock = secrets.token_urlsafe(24), RunClock.start()
    name, namespace = made.gather_name(prepared), prepared.campaign.cluster.namespace
    await _removed(cluster, namespace, name)  # of a gather that was killed: its token is lost
    try:
        await objects.create(cluster, SECRET, made.gather_secret(prepared, token))
        await objects.create(cluster, POD, made.gather_pod(prepared, _SECONDS))
        say(f"fetching by pod {namespace}/{name}")
        pod = await _running(cluster, namespace, name, clock)
        async with (
            _route(cluster, pod, clock) as route,
            route.http(keep=True, connections=_AT_ONCE) as http,
        ):
            yield http, {HEADER: token}
    finally:
        await asyncio.shield(_removed(cluster, namespace, name))


@contextlib.asynccontextmanager
async def _route(cluster: Cluster, pod: pods.Pod, clock: RunClock) -> AsyncIterator[Route]:
    async with open_route(cluster, pod, made.SHARE_PORT, clock, probe="/healthz") as route:
        yield route


async def _removed(cluster: Cluster, namespace: str, name: str) -> None:
    for kind in (POD, SECRET):
        await _gone(cluster, kind, namespace, name)


async def _gone(cluster: Cluster, kind: Kind, namespace: str, name: str) -> None:
    ref = Ref(kind=kind, namespace=namespace, name=name)
    gone = await objects.delete_and_confirm(cluster, ref, within=30.0, grace=1)
    if not gone.gone:
        raise RunDirError(gone.why)


async def _running(cluster: Cluster, namespace: str, name: str, clock: RunClock) -> pods.Pod:
    deadline = clock.now() + _READY_WITHIN
    while True:
        pod = await pods.get_pod(cluster, namespace, name)
        container = pod.container()
        if container.state == "running" and pod.ip and await _answers(cluster, pod, clock):
            return pod
        if pod.phase in ("Failed", "Succeeded"):
            raise TargetError(f"pod {namespace}/{name} ended at once ({pod.reason or pod.phase})")
        if clock.now() > deadline:
            why = container.state_reason or pod.reason or pod.phase
            raise TargetError(
                f"pod {namespace}/{name} does not answer within {_READY_WITHIN:g} s: {why}",
                hint=f"kubectl -n {namespace} describe pod {name}",
            )
        await asyncio.sleep(0.2)


async def _answers(cluster: Cluster, pod: pods.Pod, clock: RunClock) -> bool:
    try:
        async with _route(cluster, pod, clock):
            return True
    except TargetError:
        return False
