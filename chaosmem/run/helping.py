"""The helper beside one target: promised, made, reached, spoken to, and removed."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

from chaosmem.clock import RunClock
from chaosmem.drivers.agent import Agent
from chaosmem.drivers.helper import HelperInfo, HelperSource
from chaosmem.drivers.http import Http
from chaosmem.drivers.kube import objects, pods
from chaosmem.drivers.kube.connect import Cluster
from chaosmem.drivers.kube.kinds import POD, SECRET, Ref
from chaosmem.drivers.kube.podmodel import Pod
from chaosmem.drivers.kube.transport import open_route
from chaosmem.errors import ChaosmemError, TargetError
from chaosmem.plan.model import PlannedPod
from chaosmem.run.clusterundo import remove
from chaosmem.run.helperpod import HelperOrder, pod_body, secret_body
from chaosmem.run.undo import Ledger, Promise
from chaosmem.rundir.events import DeleteObject
from chaosmem.spec.target import KubernetesTarget

_READY_WITHIN = 60.0
"""Seconds for the node to fetch the image and start the helper."""
_ANSWERS_WITHIN = 10.0
"""Seconds from its container's start until it must answer."""
_POLL = 0.1


@dataclass(frozen=True, slots=True)
class Helper:
    """A helper that is ready."""

    client: Agent
    source: HelperSource
    info: HelperInfo
    http: Http


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a trial wants of a helper."""

    key: str
    run_id: str
    target: PlannedPod
    stress: bool
    expect_oom: bool
    seconds: int


class Helping:
    """Makes, and takes away, the helper of one trial."""

    def __init__(
        self, cluster: Cluster, spec: KubernetesTarget, wanted: Wanted, clock: RunClock
    ) -> None:
        self._cluster, self._spec, self._wanted, self._clock = cluster, spec, wanted, clock
        self._stack = contextlib.AsyncExitStack()
        self._token = secrets.token_urlsafe(24)
        ends = datetime.now(UTC) + timedelta(seconds=wanted.seconds)
        self._order = HelperOrder(
            run_id=wanted.run_id,
            name=f"chaosmem-{wanted.run_id.lower()}-{wanted.key.replace('.', '-')}"[:63].strip("-"),
            target=wanted.target,
            stress=wanted.stress,
            seconds=wanted.seconds,
            deadline=f"{ends:%Y-%m-%dT%H:%M:%SZ}",
            expect_oom=wanted.expect_oom,
        )

    @property
    def _delete(self) -> tuple[DeleteObject, DeleteObject]:
        return self._deletion("Secret"), self._deletion("Pod")

    def _deletion(self, kind: Literal["Secret", "Pod"]) -> DeleteObject:
        return DeleteObject(
            run_id=self._order.run_id,
            context=self._spec.context or "",
            kind=kind,
            namespace=self._spec.control_namespace,
            name=self._order.name,
        )

    @property
    def _undo(self) -> tuple[Promise, ...]:
        key = self._wanted.key
        return tuple(
            Promise(
                f"{key}.helper-{undo.kind.lower()}",
                key,
                f"delete {undo.kind} {undo.namespace}/{undo.name}",
                undo,
            )
            for undo in self._delete
        )

    async def start(self, ledger: Ledger) -> Helper:
        """Promise its removal, make it, wait until it answers; TargetError says what it lacks."""
        for promise in self._undo:
            await ledger.promise(promise)
        namespace = self._spec.control_namespace
        body = secret_body(self._order, namespace, self._token)
        await objects.create(self._cluster, SECRET, body)
        helper = await self._made(self._order)
        if not self._order.stress or helper.info.stress.possible:
            return helper
        if helper.info.cgroup.version == 2:  # noqa: PLR2004 - cgroup v2
            await remove(self._cluster, self._delete[1])
            helper = await self._made(replace(self._order, enter_namespace=True))
        if not helper.info.stress.possible:
            raise TargetError(f"the helper cannot press on the cgroup: {helper.info.stress.why}")
        return helper

    async def _made(self, order: HelperOrder) -> Helper:
        body = await objects.create(self._cluster, POD, pod_body(order, self._spec))
        pod = await self._ready(Ref.to(POD, body))
        deadline = self._clock.now() + _ANSWERS_WITHIN
        while True:
            try:
                return await self._reached(order, pod)
            except TargetError:
                if self._clock.now() > deadline:
                    raise
                await asyncio.sleep(_POLL)

    async def _reached(self, order: HelperOrder, pod: Pod) -> Helper:
        """Its container runs; whether it listens already is seen by asking."""
        async with contextlib.AsyncExitStack() as stack:
            route = await stack.enter_async_context(
                open_route(
                    self._cluster,
                    pod,
                    self._spec.helper.port,
                    self._clock,
                    wanted=self._spec.transport,
                    probe="/v1/info",
                )
            )
            http = await stack.enter_async_context(route.http(keep=True))
            acts = await stack.enter_async_context(route.http(keep=True))
            source = HelperSource(http, token=self._token)
            info = await source.info()
            await self._stack.enter_async_context(stack.pop_all())
        client = Agent(acts, path="", token=self._token, run_id=order.run_id)
        return Helper(client, source, info, http)

    async def _ready(self, ref: Ref) -> Pod:
        deadline = self._clock.now() + _READY_WITHIN
        while self._clock.now() < deadline:
            pod = await pods.get_pod(self._cluster, ref.namespace, ref.name)
            container = pod.container("helper")
            if container.state == "running" and pod.ip:
                return pod
            if pod.phase in ("Failed", "Succeeded"):
                raise TargetError(f"the helper ended at once: {await self._last_words(pod)}")
            await asyncio.sleep(_POLL)
        raise TargetError(
            f"the helper was not running within {_READY_WITHIN:g} s: "
            f"{container.state_reason or pod.reason or pod.phase}",
            hint=f"kubectl -n {ref.namespace} describe pod {ref.name}",
        )

    async def _last_words(self, pod: Pod) -> str:
        with contextlib.suppress(ChaosmemError):
            path = POD.path(pod.namespace, pod.name, "log")
            said = (await self._cluster.get(path, "read the helper's log")).body
            lines = said.decode("utf-8", "replace").strip().splitlines()
            if lines:
                return lines[-1]
        ended = pod.container("helper").terminated
        return f"exit code {ended.exit_code}" if ended else pod.message or pod.reason

    async def stop(self, ledger: Ledger) -> None:
        """Remove the pod and the Secret; what cannot be removed stays promised."""
        await self._stack.aclose()
        pairs = zip(self._undo, self._delete, strict=True)
        await asyncio.gather(*(_remove(self._cluster, p, u, ledger) for p, u in pairs))


async def _remove(cluster: Cluster, promise: Promise, undo: DeleteObject, ledger: Ledger) -> None:
    if promise.id not in {p.id for p in ledger.open}:
        return
    try:
        await remove(cluster, undo)
    except ChaosmemError as problem:
        ledger.failed(promise.id, str(problem))
    else:
        ledger.done(promise.id)
