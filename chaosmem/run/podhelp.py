"""What stands beside a pod in a trial: the helper on its node, and the pod that sends load.

The helper is made while the warmup passes, since nothing needs it before the baseline: a pod on a
node takes one to two seconds, which nobody waits for then. Its removal is promised before it is
made, as everything's; `stop` sees to it whatever had become of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import time

from chaosmem.drivers.agent import Agent
from chaosmem.drivers.podload import PodLoad
from chaosmem.drivers.sources import Source
from chaosmem.errors import ChaosmemError
from chaosmem.run.helping import Helper, Helping, Loading, Wanted
from chaosmem.run.lease import Holder
from chaosmem.run.podplace import Place
from chaosmem.run.undo import Ledger
from chaosmem.spec.base import Phase
from chaosmem.spec.faults import LoadFault

_START_SECONDS = 120
"""Seconds that a helper may live before its trial begins: images, rollouts."""
_CLOCK_SECONDS = 2.0


class Company:
    """The pods of chaosmem's own beside one target."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._own: list[Helping | Loading] = []
        self._coming: asyncio.Task[None] | None = None
        self._helper: Helper | None = None
        self.loader: PodLoad | None = None
        self.sources: list[Source] = []
        """The container's cgroup, as soon as the helper answers."""
        self.no_helper = ""
        """Why there is no helper."""

    @property
    def presses(self) -> bool:
        """Whether a fault acts through the helper."""
        return any(f.via == "helper" for f in self._place.memory_faults)

    @property
    def helper(self) -> Agent | None:
        """What presses, where that is wanted and there."""
        return self._helper.client if self._helper is not None and self.presses else None

    def working_set(self) -> int | None:
        """The container's, by the helper's last sample; None: not known."""
        last = self._helper.source.last if self._helper is not None else None
        return last.cgroup.working_set if last is not None and last.cgroup is not None else None

    def holders(self) -> list[Holder]:
        """Those of them that can hold faults."""
        names = ["helper"] if self.presses else []
        return [Holder(n, None) for n in (*names, *(["loader"] if self.loader else []))]

    # --- the helper

    def call(self, ledger: Ledger) -> None:
        """Begin to make the helper, where it is wanted; `settled` waits for it."""
        if self.presses or self._place.spec.helper.observe:
            name = f"helper beside {self._place.name}"
            self._coming = asyncio.create_task(self._put_helper(ledger), name=name)

    async def settled(self, phase: Phase) -> None:
        """Before `phase`: the helper is there, or known not to come, where the phase needs it."""
        if self._coming is not None and (phase is not Phase.WARMUP or self._at_once):
            await asyncio.shield(self._coming)

    @property
    def _at_once(self) -> bool:
        """Whether it acts from the warmup on."""
        planned = self._place.stage.plan.faults
        return any(
            p.begin is Phase.WARMUP and getattr(p.fault, "via", "") == "helper" for p in planned
        )

    async def _put_helper(self, ledger: Ledger) -> None:
        """Where it cannot be, the trial goes on: what needs it is then refused, by name."""
        place = self._place
        helping = Helping(place.cluster, place.spec, self._wanted, place.stage.clock)
        self._own.append(helping)
        try:
            helper = await helping.start(ledger)
        except ChaosmemError as problem:
            self.no_helper = str(problem)
            place.note(f"no helper beside {place.name}: {problem}")
            return
        cgroup = helper.info.cgroup
        facts = {"cgroup": f"v{cgroup.version} {cgroup.driver}", "cgroup.limit": str(cgroup.limit)}
        with contextlib.suppress(ChaosmemError):
            facts["clock.node"] = await self._node_clock(helper)
        place.tell(facts)
        self._helper = helper
        self.sources.append(helper.source)

    async def _node_clock(self, helper: Helper) -> str:
        """The node's clock less this machine's, by one quick answer (± half of its round trip)."""
        answer, sample = await helper.source.sample(timeout=_CLOCK_SECONDS)
        ours = time.time() - (self._place.stage.clock.now() - answer.t)
        return f"{sample.now_unix_ns / 1e9 - ours:+.4f} s ± {answer.u:.4f} s"

    @property
    def _wanted(self) -> Wanted:
        """What the pods of this trial are made for."""
        place = self._place
        return Wanted(
            key=place.key,
            run_id=place.run_id,
            target=place.pod,
            stress=self.presses,
            expect_oom=any(f.oom == "expected" for f in place.memory_faults),
            seconds=place.seconds + _START_SECONDS,
        )

    # --- the load pod

    async def load_from_inside(self, ledger: Ledger, ip: str, *, direct: bool) -> None:
        """Make the load pod where it is asked for, or needed: the API server carries no load."""
        faults = self._place.stage.experiment.faults
        loads = [f for f in faults if isinstance(f, LoadFault)]
        if any(f.origin == "cluster" or (f.origin == "auto" and not direct) for f in loads):
            place = self._place
            loading = Loading(place.cluster, place.spec, self._wanted, place.stage.clock)
            self._own.append(loading)
            self.loader = await loading.start(ledger, f"http://{ip}:{place.pod.port}")

    # --- stop

    async def stop(self, ledger: Ledger) -> None:
        """Remove them, also those that are still being made."""
        if self._coming is not None:
            self._coming.cancel()
            await asyncio.gather(self._coming, return_exceptions=True)
        await asyncio.gather(*(pod.stop(ledger) for pod in self._own))
