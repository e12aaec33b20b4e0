"""Few descriptors: the soft limit of open files of the target, lowered and put back.

prlimit(2) works on any process of the same user. The promise holds the former limit and which
process it was of (pid and start time), so that whoever undoes it touches no other.
"""

from __future__ import annotations

import resource
from collections.abc import Mapping

from chaosmem.drivers import procfs
from chaosmem.drivers.agent import Ack
from chaosmem.errors import FaultRefused, UndoIncomplete
from chaosmem.faults import Scene
from chaosmem.plan.words import Words
from chaosmem_descriptors.plugin import Descriptors

NOFILE = resource.RLIMIT_NOFILE


def describe(fault: Descriptors) -> Words:
    """For the plan."""
    return Words(
        f"let the target open at most {fault.limit} files and connections",
        "the kernel's own limits of the process are read back",
        "the former limit is put back",
    )


class Acting:
    """The fault on one process."""

    def __init__(self, fault: Descriptors, scene: Scene) -> None:
        pid = scene.pid()
        if pid is None:
            raise FaultRefused(
                "descriptors needs a process on this machine",
                hint="use target.process, or give target.endpoint.pid",
            )
        self._fault, self._scene, self._pid = fault, scene, pid
        self._facts = {
            "pid": str(pid),
            "started": str(procfs.started_ticks(pid)),
            "soft": str(resource.prlimit(pid, NOFILE)[0]),
        }

    def promise(self) -> Mapping[str, str]:
        """What `finish` needs."""
        return self._facts

    async def apply(self) -> Ack:
        """Lower the soft limit; the hard one stays, or an ordinary user could not undo it."""
        hard = resource.prlimit(self._pid, NOFILE)[1]
        try:
            resource.prlimit(self._pid, NOFILE, (self._fault.limit, hard))
        except (OSError, ValueError) as problem:
            raise FaultRefused(f"the limit cannot be set: {problem}") from problem
        return self._done()

    async def prove(self) -> Mapping[str, float | str]:
        """The soft limit as the kernel has it."""
        return {"soft": float(resource.prlimit(self._pid, NOFILE)[0])}

    async def undo(self) -> Ack:
        """Put it back."""
        finish(self._facts)
        return self._done()

    def _done(self) -> Ack:
        return Ack(self._scene.clock.now(), 0.0, {})


def finish(facts: Mapping[str, str]) -> None:
    """Put the former limit back; a process that is gone took it with it."""
    pid = int(facts["pid"])
    if str(procfs.started_ticks(pid)) != facts["started"]:
        return
    try:
        hard = resource.prlimit(pid, NOFILE)[1]
        resource.prlimit(pid, NOFILE, (int(facts["soft"]), hard))
    except ProcessLookupError:
        return
    except (OSError, ValueError) as problem:
        raise UndoIncomplete(f"the limit of process {pid} is not back: {problem}") from problem
