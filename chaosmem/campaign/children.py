"""The processes of cells: started with their lock, watched, asked to stop, never killed.

A child has its cell's lock from its first moment: the runner takes it and hands it over. So when
a runner is killed, the next one sees by the locks alone which cells are still worked on.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import platform
import signal
import socket
import sys
from dataclasses import dataclass, field

from chaosmem.campaign.directory import LOG, CampaignDir, take
from chaosmem.campaign.model import Cell
from chaosmem.campaign.nursery import MESSAGE
from chaosmem.campaign.state import standing
from chaosmem.drivers import procfs

_POLL = 0.1
"""Seconds between looks at the lock of a cell whose process is not the nursery's."""


@dataclass(slots=True)
class Child:
    """A process that works on a cell: the nursery's, or one that outlived its runner."""

    home: CampaignDir
    cell: Cell
    pid: int | None = None
    over: asyncio.Event = field(default_factory=asyncio.Event)
    """Set at its end, or when the nursery is gone and only the lock can tell."""
    known: bool = False
    """The nursery will tell of its end."""
    stopping: int = 0
    """How often it was to be stopped before its pid was known."""

    async def ended(self) -> None:
        """Wait until nobody works on the cell."""
        if self.known:
            await self.over.wait()
        while (held := take(self.home.cell_lock(self.cell))) is None:  # noqa: ASYNC110 - another
            await asyncio.sleep(_POLL)  # process's lock, which nothing of this one can await
        os.close(held)

    def stop(self) -> None:
        """Ask it to stop: it undoes what it did, and ends."""
        if self.known and self.pid is None:
            self.stopping += 1
            return
        pid = self._alive()
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)

    def born(self, pid: int) -> None:
        """It is there."""
        self.pid = pid
        if self.stopping:
            self.stop()

    def _alive(self) -> int | None:
        """Its pid: the nursery's word, or (on this machine) its own in the cell's journal."""
        if self.known and not self.over.is_set():
            return self.pid
        planned = standing(self.home.cell_entries(self.cell)).planned
        if planned is None or planned.host != platform.node():
            return None
        same = procfs.started_ticks(planned.pid) == planned.ticks
        return planned.pid if same else None


class Children:
    """Starts children by a nursery; a nursery that is killed is replaced, its children are not."""

    def __init__(self) -> None:
        self._nursery: socket.socket | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._living: dict[int, Child] = {}

    async def start(self, home: CampaignDir, cell: Cell) -> Child:
        """Start a child for a cell, or find the one that is there already."""
        held = take(home.cell_lock(cell))
        if held is None:
            return Child(home, cell)
        try:
            return await self._born(home, cell, held)
        finally:
            os.close(held)  # the child has its own copy, and with it the lock

    async def _born(self, home: CampaignDir, cell: Cell, held: int) -> Child:
        asked = json.dumps({"home": str(home.root), "index": cell.index}).encode()
        with (home.cell(cell) / LOG).open("ab") as log:
            for last in (False, True):
                nursery = self._nursery or await self._open()
                child = Child(home, cell, known=True)
                self._living[cell.index] = child
                try:
                    socket.send_fds(nursery, [asked], [held, log.fileno()])
                except OSError:  # it was killed just now; nothing of this was asked of it
                    self._living.pop(cell.index)
                    self._lost()
                    if last:
                        raise
                else:
                    break
        return child

    async def _open(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        words = ["-m", "chaosmem", "campaign", "nursery", "--fd", str(theirs.fileno())]
        with theirs:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *words,
                stdin=asyncio.subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                # one thread: it forks. A terminal's Ctrl-C is the runner's to handle.
                env=os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
                start_new_session=True,
            )
        asyncio.get_running_loop().add_reader(ours, self._said)
        self._nursery = ours
        return ours

    def _said(self) -> None:
        """One message of the nursery; none: it is gone."""
        try:
            data = self._nursery.recv(MESSAGE) if self._nursery else b""
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._lost()
            return
        said = json.loads(data)
        child = self._living.get(said["index"])
        if child is None:
            return
        if "pid" in said:
            child.born(said["pid"])
        else:
            self._living.pop(said["index"])
            child.over.set()

    def _lost(self) -> None:
        """The nursery is gone; its children live on, and their locks tell of their end."""
        if self._nursery is not None:
            asyncio.get_running_loop().remove_reader(self._nursery)
            self._nursery.close()
            self._nursery = None
        for child in self._living.values():
            child.over.set()
        self._living.clear()

    async def close(self) -> None:
        """End the nursery; every child has ended before."""
        self._lost()
        if self._process is not None:
            await self._process.wait()


def orphan(home: CampaignDir, cell: Cell) -> Child | None:
    """The child of a dead runner that still works on a cell."""
    held = take(home.cell_lock(cell))
    if held is None:
        return Child(home, cell)
    os.close(held)
    return None
