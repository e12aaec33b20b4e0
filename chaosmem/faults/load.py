"""HTTP load on the target, as a fault: sent from here, or by a pod in the cluster."""

from __future__ import annotations

from dataclasses import dataclass

from chaosmem.drivers.agent import Ack
from chaosmem.drivers.load import Load, Shot, Totals
from chaosmem.faults.base import Readback, Scene
from chaosmem.spec.faults import LoadFault


def _shots(spec: LoadFault) -> list[Shot]:
    return [Shot(r.method, r.path, r.weight, dict(r.headers), r.body) for r in spec.mix]


def _counted(totals: Totals) -> Readback:
    by_kind = {f"errors.{k}": float(n) for k, n in sorted(totals.by_error.items())}
    return {"sent": totals.sent, "ok": totals.ok, "failed": totals.failed} | by_kind


class HttpLoad:
    """A fixed-rate request mix."""

    def __init__(self, spec: LoadFault, scene: Scene) -> None:
        self._spec, self._scene = spec, scene
        self._load: Load | None = None

    async def apply(self) -> Ack:
        """Start the load; acknowledged when its pacer runs."""
        spec = self._spec
        self._load = Load(
            self._scene.url,
            _shots(spec),
            self._scene.clock,
            rate=spec.rate,
            timeout=spec.timeout,
            connections=spec.connections,
            seed=self._scene.seed,
            on_result=self._scene.on_request,
        )
        return Ack(self._scene.clock.now(), 0.0, {})

    async def prove(self) -> Readback:
        """Requests so far, answered and failed by kind."""
        return {} if self._load is None else _counted(self._load.totals)

    async def undo(self) -> Ack:
        """Stop it and close its connections."""
        begin = self._scene.clock.now()
        said = await self.prove()
        if self._load is not None:
            await self._load.stop()
        end = self._scene.clock.now()
        return Ack((begin + end) / 2, (end - begin) / 2, said)


@dataclass(frozen=True, slots=True)
class ClusterLoad:
    """The same mix, sent by a pod beside the target; it stops when the heartbeat does."""

    spec: LoadFault
    scene: Scene

    async def apply(self) -> Ack:
        """Start the load; acknowledged by the pod."""
        spec = self.spec
        return await self.scene.need_loader().begin(
            _shots(spec),
            rate=spec.rate,
            timeout=spec.timeout,
            connections=spec.connections,
            seed=self.scene.seed,
            on_result=self.scene.on_request,
        )

    async def prove(self) -> Readback:
        """Requests fetched so far, answered and failed by kind."""
        loader = self.scene.need_loader()
        return {**_counted(loader.totals), "lost": float(loader.lost)}

    async def undo(self) -> Ack:
        """Stop it, and fetch the last results."""
        loader = self.scene.need_loader()
        ack = await loader.stop(self.scene.on_request)
        return Ack(ack.t, ack.u, {**_counted(loader.totals), "lost": float(loader.lost)})
