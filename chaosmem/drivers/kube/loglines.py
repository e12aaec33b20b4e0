"""Which lines of a log are new, when it is asked for again from a whole second (pure).

Each line carries its own timestamp with nanoseconds. `sinceTime` has whole seconds, so an answer
begins with lines that were taken before; several lines may carry the same timestamp, and lines of
stdout and stderr may stand out of order. So what was taken in the last `WINDOW` is remembered as
(timestamp, text) with its count, and exactly that many are left out of what comes again.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

WINDOW: Final = 30
"""Seconds of lines remembered: longer than a pod's status lags behind its log (about 1 s)."""
_STAMP: Final = re.compile(
    rb"(?P<whole>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(?P<fraction>\d{1,9}))?"
    rb"(?P<zone>Z|[+-]\d\d:\d\d) "
)


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line; `ns` is when the container runtime took it, Unix nanoseconds of the node's clock."""

    ns: int
    text: bytes


def parse(line: bytes) -> LogLine | None:
    """A line of `timestamps=true`; None where it has none (the kubelet's own words)."""
    match = _STAMP.match(line)
    if match is None:
        return None
    zone = match["zone"].decode().replace("Z", "+00:00")
    whole = datetime.fromisoformat(match["whole"].decode() + zone)
    fraction = int((match["fraction"] or b"0").ljust(9, b"0"))
    return LogLine(int(whole.timestamp()) * 10**9 + fraction, line[match.end() :])


def since_time(ns: int, *, before: int = 1) -> str:
    """`sinceTime` of the whole second that lies `before` seconds under `ns`."""
    whole = datetime.fromtimestamp(ns // 10**9, UTC) - timedelta(seconds=before)
    return whole.strftime("%Y-%m-%dT%H:%M:%SZ")


Key = tuple[int, bytes]


@dataclass(slots=True)
class Overlap:
    """One answer that begins before what was taken: how often each line is to be left out."""

    again: Counter[Key]
    skipped: int = 0

    def begins_elsewhere(self, line: LogLine) -> bool:
        """Whether nothing of what was taken came again before this new line."""
        return not self.skipped and self.again[line.ns, line.text] <= 0


@dataclass(slots=True)
class Seen:
    """What was taken of one container's log, over all its restarts."""

    newest: int = 0
    """Time of the newest line taken, Unix nanoseconds."""
    taken: int = 0
    _recent: Counter[Key] = field(default_factory=Counter)
    _order: deque[Key] = field(default_factory=deque)

    def overlap(self) -> Overlap:
        """For the next answer, whatever it begins with."""
        return Overlap(self._recent.copy())

    def take(self, line: LogLine, overlap: Overlap) -> bool:
        """Whether the line is new; it counts as taken then."""
        key = (line.ns, line.text)
        if overlap.again[key] > 0:
            overlap.again[key] -= 1
            overlap.skipped += 1
            return False
        self._recent[key] += 1
        self._order.append(key)
        self.newest = max(self.newest, line.ns)
        self.taken += 1
        self._forget()
        return True

    def _forget(self) -> None:
        horizon = self.newest - WINDOW * 10**9
        while self._order and self._order[0][0] < horizon:
            key = self._order.popleft()
            self._recent[key] -= 1
            if not self._recent[key]:
                del self._recent[key]
