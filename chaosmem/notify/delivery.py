"""Messages on their way: each on a thread of its own, side by side, none for longer than allowed.

The threads are daemons: one whose server trickles for ever is left behind, and ends with the
process. Each message has one end, written down once, whoever sees it first.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from pydantic import BaseModel, ConfigDict

from chaosmem.clock import wall
from chaosmem.notify.channels import Ready
from chaosmem.notify.message import Notification
from chaosmem.notify.patience import NotSent, Patience

GRACE: Final = 0.5
"""Seconds beyond a message's time until it is given up: its own time-out has better words."""


class Delivered(BaseModel):
    """The end of a message; a line of notifications.jsonl."""

    model_config = ConfigDict(frozen=True)
    at: str
    event: str
    occasion: str
    to: str
    ok: bool
    attempts: int
    seconds: float
    detail: str = ""
    error: str = ""


Record = Callable[[Delivered], None]


@dataclass(slots=True)
class _Way:
    """A message on its way to one channel."""

    ready: Ready
    note: Notification
    patience: Patience
    settled: Delivered | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)
    done: threading.Event = field(default_factory=threading.Event)


class Dispatcher:
    """Sends messages to channels; `record` hears once of the end of each, on any thread."""

    def __init__(self, channels: Iterable[Ready], record: Record) -> None:
        self.channels = tuple(channels)
        self._record = record
        self._ways: list[_Way] = []

    def send(self, note: Notification) -> None:
        """Start to send it to each channel that wants to know of its occasion (a test: to all)."""
        for ready in self.channels:
            if note.occasion is None or note.occasion in ready.channel.on:
                way = _Way(ready, note, Patience(ready.channel.timeout))
                self._ways.append(way)
                threading.Thread(target=self._carry, args=(way,), daemon=True).start()

    def finish(self) -> tuple[Delivered, ...]:
        """Wait for all of them, none longer than its time; how each ended, in the order sent."""
        for way in self._ways:
            over = way.patience.begun + way.patience.seconds + GRACE
            if not way.done.wait(max(0.0, over - time.monotonic())):
                self._settle(way, error=f"no answer in {way.patience.seconds:g} s")
        return tuple(w.settled for w in self._ways if w.settled is not None)

    def _carry(self, way: _Way) -> None:
        try:
            self._settle(way, detail=way.ready.send(way.note, way.patience))
        except NotSent as problem:
            self._settle(way, error=str(problem))
        except Exception as problem:  # noqa: BLE001 - a library's bug is a message that did not go
            self._settle(way, error=f"{type(problem).__name__}: {problem}")

    def _settle(self, way: _Way, detail: str = "", error: str = "") -> None:
        with way.lock:
            if way.settled is not None:
                return
            way.settled = Delivered(
                at=wall(),
                event=way.note.event,
                occasion=way.note.occasion or "",
                to=way.ready.name,
                ok=not error,
                attempts=way.patience.attempts,
                seconds=round(time.monotonic() - way.patience.begun, 3),
                detail=way.ready.redact.clean(detail),
                error=way.ready.redact.clean(error),
            )
        self._record(way.settled)
        way.done.set()
