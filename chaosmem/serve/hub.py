"""Who watches what: one follower a run and trial, however many pages show it; none without."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from typing import Final

from chaosmem.rundir import RunDir
from chaosmem.rundir.events import AnyEntry
from chaosmem.serve.follow import Follower, Message
from chaosmem.serve.shelf import Shelf

TICK: Final = 0.5  # s
KEEP_ALIVE: Final = 15.0  # s: proxies close a silent connection, often after a minute
MOST_READERS: Final = 64
_BEHIND: Final = 32
"""Messages that a page may be behind before it is sent the whole picture instead."""
_STILL_HERE: Final = b": still here\n\n"


class _Reader:
    """One page: it has everything up to `whole`, the picture that it was sent first."""

    def __init__(self) -> None:
        self.since = -1
        self.queue: asyncio.Queue[Message | None] = asyncio.Queue(_BEHIND + 1)

    def give(self, message: Message | None, whole: Callable[[], Message]) -> None:
        """Hand over a message; the whole picture where the page has not kept up."""
        if self.queue.qsize() >= _BEHIND:
            while not self.queue.empty():
                self.queue.get_nowait()
            message = whole() if message is not None else None
        self.queue.put_nowait(message)


class _Room:
    """One follower and its readers; it looks as long as somebody is here."""

    def __init__(self, follower: Follower) -> None:
        self.follower = follower
        self.readers: set[_Reader] = set()
        self.first = asyncio.Event()
        self.task = asyncio.create_task(self._follow())

    async def _follow(self) -> None:
        try:
            while not self.follower.ended:
                message = await asyncio.to_thread(self.follower.look)
                self.first.set()
                if message is not None:
                    self.give(message)
                await asyncio.sleep(0 if self.follower.ended else TICK)
        except Exception as problem:  # noqa: BLE001 - one run's page fails, the server stays
            print(f"chaosmem serve: a live page failed: {problem!r}", file=sys.stderr)  # noqa: T201
        finally:
            self.first.set()
            self.give(None)

    def give(self, message: Message | None) -> None:
        """To every reader; None: nothing more comes."""
        for reader in self.readers:
            reader.give(message, self.follower.whole)


class Hub:
    """All rooms of one server, and what changes in the list of runs."""

    def __init__(self, sentence: Callable[[AnyEntry], str], shelf: Shelf) -> None:
        self._sentence, self._shelf = sentence, shelf
        self._rooms: dict[tuple[str, str], _Room] = {}
        self._lists = 0
        self._closing = asyncio.Event()

    @property
    def full(self) -> bool:
        """Whether no further page can watch."""
        watching = sum(len(room.readers) for room in self._rooms.values())
        return watching + self._lists >= MOST_READERS

    async def watch(self, found: RunDir, trial: str = "") -> AsyncIterator[bytes]:
        """The run's messages until it has ended, the whole picture first."""
        key = str(found.root), trial
        room = self._rooms.get(key)
        if room is None:
            room = self._rooms[key] = _Room(Follower(found, self._sentence, trial))
        reader = _Reader()
        room.readers.add(reader)
        try:
            await room.first.wait()
            whole = room.follower.whole()
            reader.since = whole.number
            yield whole.data
            async for data in self._messages(room, reader):
                yield data
        finally:
            self._leave(key, room, reader)

    async def _messages(self, room: _Room, reader: _Reader) -> AsyncIterator[bytes]:
        while not self._closing.is_set() and not (room.task.done() and reader.queue.empty()):
            try:
                message = await asyncio.wait_for(reader.queue.get(), KEEP_ALIVE)
            except TimeoutError:
                yield _STILL_HERE
                continue
            if message is None:
                return
            if message.number > reader.since:
                yield message.data

    def _leave(self, key: tuple[str, str], room: _Room, reader: _Reader) -> None:
        room.readers.discard(reader)
        if not room.readers and self._rooms.get(key) is room:
            del self._rooms[key]
            room.task.cancel()

    async def changes(self) -> AsyncIterator[bytes]:
        """The list's signature, at once and whenever it changes."""
        self._lists += 1
        sent, silent = "", 0.0
        try:
            while not self._closing.is_set():
                now = await asyncio.to_thread(self._shelf.signature)
                if now != sent:
                    yield f"event: list\ndata: {now}\n\n".encode()
                    sent, silent = now, 0.0
                elif silent >= KEEP_ALIVE:
                    yield _STILL_HERE
                    silent = 0.0
                silent += 2 * TICK
                await self._unless_closing(2 * TICK)
        finally:
            self._lists -= 1

    async def _unless_closing(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._closing.wait(), seconds)
        except TimeoutError:
            return

    def close(self) -> None:
        """Send every reader away: the server stops."""
        self._closing.set()
        for room in self._rooms.values():
            room.give(None)
