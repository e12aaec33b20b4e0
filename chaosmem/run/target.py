"""What the engine needs of the target of one trial, whatever kind it is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Literal, Protocol
from urllib.parse import urlsplit, urlunsplit

from chaosmem.drivers.http import Http
from chaosmem.drivers.sources import Source
from chaosmem.faults.base import PodScene
from chaosmem.run.lease import Holder
from chaosmem.run.undo import Ledger
from chaosmem.spec.base import Phase
from chaosmem.spec.target import Target

Changed = Callable[[str, int | None, bool, str], None]
"""(state, pid, by_us, detail) of a change of the target."""


Use = Literal["service", "agent", "metrics", "pprof"]
"""What of a target is spoken to: each may have a port of its own."""


class TargetHandle(Protocol):
    """What the engine needs of a target, from before its start to after its stop."""

    name: str
    """As people know it, and as the journal has it."""
    gone: asyncio.Event
    """Set when the target ended and chaosmem did not do it."""
    restart: Callable[[Mapping[str, str]], Awaitable[None]] | None
    """Restart it with these environment changes merged in; {} reverts. None: it cannot be."""

    @property
    def token(self) -> str:
        """The agent's token; known once the target is ready."""
        ...

    @property
    def pid(self) -> int | None:
        """Process id, where it is on this machine."""
        ...

    @property
    def url(self) -> str:
        """Where the service itself answers; load goes there."""
        ...

    @property
    def watches_itself(self) -> bool:
        """Whether it sees its own restarts; else a GC count that goes back tells them."""
        ...

    def http(self, use: Use, *, keep: bool) -> Http:
        """Connections to one of its sides; the caller closes them."""
        ...

    def environment(self) -> Mapping[str, str]:
        """The environment that its process was started with."""
        ...

    def holders(self) -> tuple[Holder, ...]:
        """Who can hold faults, and how somebody else would make them let go."""
        ...

    def beside(self) -> Sequence[Source]:
        """Further sources to sample (the container's cgroup); more may come until `settled`."""
        ...

    def pod_scene(self) -> PodScene | None:
        """What faults on a pod act through; None where it is no pod."""
        ...

    async def start(self, ledger: Ledger) -> None:
        """Make it run and be ready; what it leaves behind is promised first."""
        ...

    async def settled(self, phase: Phase) -> None:
        """Wait for what `phase` needs beside the target and what is still on its way."""
        ...

    async def stop(self, ledger: Ledger) -> None:
        """End what chaosmem owns of it, and account for its promises."""
        ...


def at_port(url: str, port: int | None) -> str:
    """`url` with another port, where one is declared."""
    if port is None:
        return url
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{parts.hostname}:{port}"))


def declared_port(target: Target, use: Use) -> int | None:
    """The port of one side, where it differs from the service's own."""
    access = {"agent": target.agent, "metrics": target.metrics, "pprof": target.pprof}.get(use)
    return access.port if access is not None else None
