"""The processes of cells: started with their lock, watched, asked to stop, never killed.

A child has its cell's lock from its first moment: the runner takes it and hands it over. So when
a runner is killed, the next one sees by the locks alone which cells are still worked on.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import platform
import signal
import sys
from dataclasses import dataclass

from chaosmem.campaign.directory import LOG, CampaignDir, take
from chaosmem.campaign.model import Cell
from chaosmem.campaign.state import standing
from chaosmem.drivers import procfs

_POLL = 0.1
"""Seconds between looks at the lock of a cell that another runner's child works on."""


@dataclass(slots=True)
class Child:
    """A process that works on a cell: ours, or (`process` None) one that outlived its runner."""

    home: CampaignDir
    cell: Cell
    process: asyncio.subprocess.Process | None

    async def ended(self) -> None:
        """Wait until nobody works on the cell."""
        if self.process is not None:
            await self.process.wait()
            return
        while (held := take(self.home.cell_lock(self.cell))) is None:  # noqa: ASYNC110 - another
            await asyncio.sleep(_POLL)  # process's lock, which nothing of this one can await
        os.close(held)

    def stop(self) -> None:
        """Ask it to stop: it undoes what it did, and ends."""
        with contextlib.suppress(ProcessLookupError):
            if self.process is not None:
                self.process.send_signal(signal.SIGTERM)
            elif (pid := self._orphan()) is not None:
                os.kill(pid, signal.SIGTERM)

    def _orphan(self) -> int | None:
        """Its pid, as it wrote it down itself; None before that, or on another machine."""
        planned = standing(self.home.cell_entries(self.cell)).planned
        if planned is None or planned.host != platform.node():
            return None
        same = procfs.started_ticks(planned.pid) == planned.ticks
        return planned.pid if same else None


async def start(home: CampaignDir, cell: Cell) -> Child:
    """Start a child for a cell, or find the one that is there already."""
    held = take(home.cell_lock(cell))
    if held is None:
        return Child(home, cell, None)
    try:
        return Child(home, cell, await _spawn(home, cell, held))
    finally:
        os.close(held)  # the child has its own copy, and with it the lock


async def _spawn(home: CampaignDir, cell: Cell, held: int) -> asyncio.subprocess.Process:
    words = ["-m", "chaosmem", "campaign", "cell", str(home.root)]
    words += ["--index", str(cell.index), "--lock-fd", str(held)]
    with (home.cell(cell) / LOG).open("ab") as log:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *words,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=[held],
            # of its own: a terminal's Ctrl-C is the runner's to handle, and its end ends no cell
            start_new_session=True,
        )


def orphan(home: CampaignDir, cell: Cell) -> Child | None:
    """The child of a dead runner that still works on a cell."""
    held = take(home.cell_lock(cell))
    if held is None:
        return Child(home, cell, None)
    os.close(held)
    return None
