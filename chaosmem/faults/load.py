"""HTTP load on the target, as a fault."""

from __future__ import annotations

from chaosmem.drivers.agent import Ack
from chaosmem.drivers.load import Load, Shot
from chaosmem.faults.base import Readback, Scene
from chaosmem.spec.faults import LoadFault


class HttpLoad:
    """A fixed-rate request mix."""

    def __init__(self, spec: LoadFault, scene: Scene) -> None:
        self._spec, self._scene = spec, scene
        self._load: Load | None = None

    async def apply(self) -> Ack:
        """Start the load; acknowledged when its pacer runs."""
        spec = self._spec
        shots = [Shot(r.method, r.path, r.weight, dict(r.headers), r.body) for r in spec.mix]
        self._load = Load(
            self._scene.url,
            shots,
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
        if self._load is None:
            return {}
        totals = self._load.totals
        by_kind = {f"errors.{k}": float(n) for k, n in sorted(totals.by_error.items())}
        return {"sent": totals.sent, "ok": totals.ok, "failed": totals.failed} | by_kind

    async def undo(self) -> Ack:
        """Stop it and close its connections."""
        begin = self._scene.clock.now()
        said = await self.prove()
        if self._load is not None:
            await self._load.stop()
        end = self._scene.clock.now()
        return Ack((begin + end) / 2, (end - begin) / 2, said)
