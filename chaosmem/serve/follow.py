"""One run in progress, followed once for all pages that show it.

A look reads what has come since the last one and makes one message of it, encoded once. A page
that is opened, or that does not keep up, is sent the whole picture instead.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from time import time
from typing import Any, Final

from chaosmem.rundir import RunDir, layout
from chaosmem.rundir.events import AnyEntry
from chaosmem.serve.picture import Watched
from chaosmem.serve.series import LiveSeries, charts
from chaosmem.serve.standing import State, goes_on, gone, read_plan
from chaosmem.serve.tails import JournalTail

KEPT_LINES: Final = 300


@dataclass(frozen=True, slots=True)
class Message:
    """A server-sent event, encoded; `number` counts the looks that are in it."""

    number: int
    data: bytes


class Follower:
    """The run's files, read as they grow; looked at from any thread."""

    def __init__(
        self, found: RunDir, sentence: Callable[[AnyEntry], str], wanted: str = ""
    ) -> None:
        self._found, self._sentence, self._wanted = found, sentence, wanted
        self._journal = JournalTail(found.path(layout.JOURNAL))
        self._watched = Watched(read_plan(found), wanted)
        self._series = LiveSeries(found, "")
        self._trial = ""
        self._lines: deque[dict[str, Any]] = deque(maxlen=KEPT_LINES)
        self._state = str(State.PREPARING)
        self._zero: float | None = None
        self._lock = threading.Lock()
        self._number = 0
        self.ended = False
        """Nothing more will come: the run has ended, or whoever ran it is gone."""

    def look(self) -> Message | None:
        """What has come since the last look, as one message; None: nothing."""
        with self._lock:
            self._number += 1
            return self._look()

    def _look(self) -> Message | None:
        fresh, changed = self._read_journal()
        state = self._state_now()
        changed |= state != self._state
        self._state = state
        self.ended = state in {State.ENDED, State.KILLED}
        if self._watched.trial != self._trial:
            self._trial = self._watched.trial
            self._series = LiveSeries(self._found, self._trial)
            self._series.look()
            return self._whole()
        news, again = self._series.look()
        if again:
            return self._whole()
        told: dict[str, Any] = {"lines": fresh} if fresh else {}
        told |= {"groups": news} if news else {}
        told |= {"picture": self._picture()} if changed else {}
        return self._message("delta", told) if told else None

    def whole(self) -> Message:
        """The whole picture as one message."""
        with self._lock:
            return self._whole()

    def _whole(self) -> Message:
        return self._message(
            "whole",
            {
                "picture": self._picture(),
                "lines": list(self._lines),
                "charts": charts(),
                "groups": self._series.whole(),
            },
        )

    def picture(self) -> dict[str, Any]:
        """The picture for a page that is made now."""
        with self._lock:
            return self._picture() | {"lines": list(self._lines), "now": self._now()}

    def _read_journal(self) -> tuple[list[dict[str, Any]], bool]:
        fresh: list[dict[str, Any]] = []
        changed = False
        while lines := self._journal.more():
            changed = True
            for line in lines:
                self._watched.see(line.entry)
                if words := self._sentence(line.entry):
                    entry = line.entry
                    kept = {"t": round(entry.t, 2), "trial": entry.trial, "kind": entry.event}
                    fresh.append(kept | {"text": words})
        self._lines.extend(fresh)
        return fresh[-KEPT_LINES:], changed

    def _picture(self) -> dict[str, Any]:
        pid = self._watched.started.owner_pid if self._watched.started else 0
        says = gone(pid) if self._state == State.KILLED else ""
        return self._watched.picture().plain() | {"state": self._state, "says": says, "pid": pid}

    def _state_now(self) -> str:
        if self._watched.picture().ended:
            return str(State.ENDED)
        if goes_on(self._found, self._watched.started):
            return str(State.RUNNING if self._watched.started else State.PREPARING)
        return str(State.KILLED)

    def _now(self) -> float | None:
        """The run's clock now, by the wall: good to the wall's steps, for the eye only."""
        if self._zero is None and self._watched.started:
            try:
                self._zero = datetime.fromisoformat(self._watched.started.wall).timestamp()
            except ValueError:
                return None
        return None if self._zero is None else round(time() - self._zero, 2)

    def _message(self, kind: str, value: dict[str, Any]) -> Message:
        """JSON has no line break, so one data line holds it."""
        text = json.dumps(value | {"now": self._now()}, separators=(",", ":"), allow_nan=False)
        return Message(self._number, f"event: {kind}\ndata: {text}\n\n".encode())
