"""A pod of chaosmem's own with its Secret: promised, made, reached, spoken to, and removed."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from dataclasses import dataclass
from typing import Literal

from chaosmem.clock import RunClock
from chaosmem.drivers.agent import Agent
from chaosmem.drivers.http import Http
from chaosmem.drivers.kube import objects, pods
from chaosmem.drivers.kube.connect import Cluster
from chaosmem.drivers.kube.kinds import POD, SECRET, JsonObject, Kind, Ref
from chaosmem.drivers.kube.podmodel import Pod
from chaosmem.drivers.kube.transport import open_route
from chaosmem.errors import ChaosmemError, TargetError
from chaosmem.run.clusterundo import remove
from chaosmem.run.undo import Ledger, Promise
from chaosmem.rundir.events import DeleteObject
from chaosmem.spec.target import KubernetesTarget

_READY_WITHIN = 60.0
"""Seconds for the node to fetch the image and start the container."""
_ANSWERS_WITHIN = 10.0
"""Seconds from the container's start until it must answer."""
_POLL = 0.1


@dataclass(frozen=True, slots=True)
class Reached:
    """A pod of ours that answers: one connection for reading, one for acts."""

    http: Http
    acts: Agent


class OwnPod:
    """One pod and its Secret, in the control namespace, for one trial."""

    def __init__(
        self, cluster: Cluster, spec: KubernetesTarget, name: str, *, key: str, run_id: str
    ) -> None:
        self._cluster, self._spec, self._name = cluster, spec, name
        self._key, self._run = key, run_id
        self._stack = contextlib.AsyncExitStack()
        self._making: asyncio.Future[JsonObject] | None = None
        self.token = secrets.token_urlsafe(24)

    @property
    def _what(self) -> str:
        """`helper` of `chaosmem-RUN-TRIAL-helper`."""
        return self._name.rpartition("-")[2]

    def _deletion(self, kind: Literal["Secret", "Pod"]) -> DeleteObject:
        return DeleteObject(
            run_id=self._run,
            context=self._spec.context or "",
            kind=kind,
            namespace=self._spec.control_namespace,
            name=self._name,
        )

    def _promise(self, undo: DeleteObject) -> Promise:
        where = f"{undo.namespace}/{undo.name}"
        identity = f"{self._key}.{self._what}-{undo.kind.lower()}"
        return Promise(identity, self._key, f"delete {undo.kind} {where}", undo)

    async def promise(self, ledger: Ledger, secret: JsonObject) -> None:
        """Promise the removal of both, and make the Secret."""
        for kind in ("Secret", "Pod"):
            await ledger.promise(self._promise(self._deletion(kind)))
        await self._create(SECRET, secret)

    async def _create(self, kind: Kind, body: JsonObject) -> JsonObject:
        """Make it; what is still being made when this is cancelled, `stop` waits for."""
        self._making = asyncio.ensure_future(objects.create(self._cluster, kind, body))
        return await asyncio.shield(self._making)

    async def make(self, body: JsonObject, port: int, clock: RunClock) -> Reached:
        """Make the pod and wait until it answers; TargetError says what it lacks."""
        made = await self._create(POD, body)
        pod = await self._running(Ref.to(POD, made), clock)
        deadline = clock.now() + _ANSWERS_WITHIN
        while True:
            try:
                return await self._reached(pod, port, clock)
            except TargetError:
                if clock.now() > deadline:
                    raise
                await asyncio.sleep(_POLL)

    async def _reached(self, pod: Pod, port: int, clock: RunClock) -> Reached:
        """Its container runs; whether it listens already is seen by asking."""
        async with contextlib.AsyncExitStack() as stack:
            route = await stack.enter_async_context(
                open_route(
                    self._cluster, pod, port, clock, wanted=self._spec.transport, probe="/v1/info"
                )
            )
            http = await stack.enter_async_context(route.http(keep=True))
            acts = await stack.enter_async_context(route.http(keep=True))
            client = Agent(acts, path="", token=self.token, run_id=self._run)
            await http.get("/v1/info", timeout=2.0, headers=self.headers)
            await self._stack.enter_async_context(stack.pop_all())
        return Reached(http, client)

    @property
    def headers(self) -> dict[str, str]:
        """What authorizes a request to it."""
        return {"Chaosmem-Token": self.token}

    async def _running(self, ref: Ref, clock: RunClock) -> Pod:
        deadline = clock.now() + _READY_WITHIN
        while clock.now() < deadline:
            pod = await pods.get_pod(self._cluster, ref.namespace, ref.name)
            container = pod.container()
            if container.state == "running" and pod.ip:
                return pod
            if pod.phase in ("Failed", "Succeeded"):
                raise TargetError(f"it ended at once: {await self._last_words(pod)}")
            await asyncio.sleep(_POLL)
        raise TargetError(
            f"it was not running within {_READY_WITHIN:g} s: "
            f"{container.state_reason or pod.reason or pod.phase}",
            hint=f"kubectl -n {ref.namespace} describe pod {ref.name}",
        )

    async def _last_words(self, pod: Pod) -> str:
        with contextlib.suppress(ChaosmemError):
            path = POD.path(pod.namespace, pod.name, "log")
            said = (await self._cluster.get(path, "read its log")).body
            lines = said.decode("utf-8", "replace").strip().splitlines()
            if lines:
                return lines[-1]
        ended = pod.container().terminated
        return f"exit code {ended.exit_code}" if ended else pod.message or pod.reason

    async def remove_pod(self) -> None:
        """Remove the pod alone, to be made anew."""
        await remove(self._cluster, self._deletion("Pod"))

    async def stop(self, ledger: Ledger) -> None:
        """Remove the pod and the Secret; what cannot be removed stays promised."""
        await self._stack.aclose()
        if self._making is not None:  # it would be there after its removal
            await asyncio.gather(self._making, return_exceptions=True)
        await asyncio.gather(*(self._removed(self._deletion(k), ledger) for k in ("Pod", "Secret")))

    async def _removed(self, undo: DeleteObject, ledger: Ledger) -> None:
        promise = self._promise(undo)
        if promise.id not in {p.id for p in ledger.open}:
            return
        try:
            await remove(self._cluster, undo)
        except ChaosmemError as problem:
            ledger.failed(promise.id, str(problem))
        else:
            ledger.done(promise.id)


def pod_name(run_id: str, key: str, what: str) -> str:
    """`chaosmem-RUN-TRIAL-helper`, at most 63 characters, as a pod's name has to be."""
    stem = f"chaosmem-{run_id.lower()}-{key.replace('.', '-').lower()}"
    return f"{stem[: 62 - len(what)].rstrip('-')}-{what}"
