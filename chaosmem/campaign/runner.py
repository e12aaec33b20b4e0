"""The local engine: cells as child processes, as many at one time as the limits allow.

The runner keeps nothing in memory that is not on disk: whatever is known of a cell is in its
journal, and whoever works on it holds its lock. So it can be killed at any line.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import platform
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from chaosmem.campaign.children import Child, Children, orphan
from chaosmem.campaign.directory import CampaignDir, append, take
from chaosmem.campaign.events import SessionEnded, SessionStarted
from chaosmem.campaign.model import Cell, Prepared
from chaosmem.campaign.schedule import startable
from chaosmem.campaign.state import Standing, settled, standing
from chaosmem.drivers import procfs
from chaosmem.errors import Exit, UsageError

Say = Callable[[str], None]
State = Literal["finished", "stopped", "stop-on", "deadline"]
_STOPS = {
    "fail": Exit.FAIL,
    "inconclusive": Exit.INCONCLUSIVE,
    "aborted": Exit.ABORTED,
    "undo-incomplete": Exit.UNDO_INCOMPLETE,
}


@dataclass(frozen=True, slots=True)
class Ending:
    """How a session of the runner ended."""

    state: State
    reason: str = ""


def run(home: CampaignDir, say: Say) -> Ending:
    """Run, or go on with, a campaign; UsageError where somebody else does already."""
    held = take(home.lock)
    if held is None:
        raise UsageError(
            f"campaign {home.root.name} is being run by another process",
            hint="`chaosmem campaign status` shows it; stop that process with SIGINT",
        )
    try:
        return asyncio.run(_Session(home, home.prepared(), say).execute())
    finally:
        os.close(held)


@dataclass(slots=True)
class _Session:
    home: CampaignDir
    prepared: Prepared
    say: Say
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    _ending: Ending = field(default_factory=lambda: Ending("finished"))
    _running: dict[asyncio.Task[None], Child] = field(default_factory=dict)
    _starts: dict[int, int] = field(default_factory=dict)
    _children: Children = field(default_factory=Children)

    async def execute(self) -> Ending:
        self._note(SessionStarted, host=platform.node(), pid=os.getpid(), ticks=_ticks())
        with self._signals():
            try:
                await self._all()
            finally:
                await self._children.close()
        self._note(SessionEnded, state=self._ending.state, reason=self._ending.reason)
        return self._ending

    def _note(self, kind: type[SessionStarted | SessionEnded], **values: object) -> None:
        append(self.home.root, kind.model_validate({"t": time.time(), **values}))

    async def _all(self) -> None:
        waiting = [c for c in self.prepared.cells if not self._settled(self._standing(c))]
        for cell in waiting:  # first whoever outlived the last runner: it counts as running
            if (child := orphan(self.home, cell)) is not None:
                self.say(f"cell {cell.name}: its process still runs; waiting for it")
                self._watch(child)
        for child in self._running.values():
            waiting.remove(child.cell)
        stopped = asyncio.ensure_future(self._stop.wait())
        while True:
            if not self._stop.is_set():
                await self._fill(waiting)
            if not self._running:
                break
            wanted = [*self._running, *([] if self._stop.is_set() else [stopped])]
            await asyncio.wait(wanted, return_when=asyncio.FIRST_COMPLETED)
            self._reap(waiting)
        stopped.cancel()

    async def _fill(self, waiting: list[Cell]) -> None:
        """Start what may be started."""
        campaign = self.prepared.campaign
        while True:
            cell = startable(
                waiting,
                [child.cell for child in self._running.values()],
                parallelism=campaign.parallelism,
                targets=campaign.limits.targets,
            )
            if cell is None or self._stop.is_set():
                return
            waiting.remove(cell)
            self._starts[cell.index] = self._starts.get(cell.index, 0) + 1
            self.say(f"cell {cell.key}: {cell.name}: begins")
            self._watch(await self._children.start(self.home, cell))

    def _watch(self, child: Child) -> None:
        self._running[asyncio.ensure_future(child.ended())] = child

    def _reap(self, waiting: list[Cell]) -> None:
        for task in [t for t in self._running if t.done()]:
            task.result()
            cell = self._running.pop(task).cell
            now = self._standing(cell)
            self.say(f"cell {cell.key}: {cell.name}: {_words(now)}")
            self._consider(cell, now)
            if self._again(cell, now):
                waiting.insert(0, cell)

    def _again(self, cell: Cell, now: Standing) -> bool:
        """Whether its process was killed, and it is to be taken up once more, now.

        One start beyond the attempts: the last one only undoes.
        """
        stopped = now.ended is not None and now.ended.how == "stopped"
        most = self.prepared.campaign.attempts + 1
        done = self._settled(now) or now.result is not None or bool(now.left)
        return not (done or stopped) and self._starts.get(cell.index, 0) < most

    def _consider(self, cell: Cell, now: Standing) -> None:
        """Stop the campaign where this result says so."""
        if now.ended is None or (now.result is None and not now.left):
            return
        code = Exit.UNDO_INCOMPLETE if now.left else now.ended.exit_code
        words = next((w for w, c in _STOPS.items() if c == code), "")
        if words in self.prepared.campaign.stop_on:
            self._end(Ending("stop-on", f"{words} in cell {cell.name}"))

    def _end(self, ending: Ending) -> None:
        """Begin nothing more, and stop what runs. The first reason stands.

        Only the operator asks twice: children then leave out their last captures too.
        """
        if self._stop.is_set() and ending.state != "stopped":
            return
        if not self._stop.is_set():
            self._ending = ending
            self.say(f"stopping: {ending.reason}")
        self._stop.set()
        for child in self._running.values():
            child.stop()

    def _standing(self, cell: Cell) -> Standing:
        return standing(self.home.cell_entries(cell))

    def _settled(self, now: Standing) -> bool:
        return settled(now, self.prepared.campaign.attempts)

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        before = {sign: signal.getsignal(sign) for sign in (signal.SIGINT, signal.SIGTERM)}
        for sign in before:
            ending = Ending("stopped", f"stopped by {sign.name}")
            loop.add_signal_handler(sign, self._end, ending)
        deadline = self.prepared.campaign.deadline
        late = Ending("deadline", f"the deadline of {deadline} s has passed")
        timer = loop.call_later(deadline, self._end, late) if deadline else None
        try:
            yield
        finally:
            if timer is not None:
                timer.cancel()
            for sign, handler in before.items():
                loop.remove_signal_handler(sign)
                signal.signal(sign, handler)


def _ticks() -> int:
    return procfs.started_ticks(os.getpid()) or 0


def _words(now: Standing) -> str:
    if now.ended is None:
        return "its process ended without a word"
    return f"{now.ended.outcome}: {now.ended.says.removeprefix(f'{now.ended.outcome}: ')}"
