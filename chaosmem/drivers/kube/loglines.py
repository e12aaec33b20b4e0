"""Which lines of a log are new, when it is asked for again from a whole second (pure).

Each line carries its own timestamp with nanoseconds. `sinceTime` has whole seconds, so an answer
begins with lines that were taken before; several lines may carry the same timestamp, and a line
that was torn off comes again whole. So what was taken is remembered as (timestamp, text) with its
count, for the last second only, and exactly that many are left out of what comes again.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line; `stamp` is RFC 3339 with nanoseconds, as the container runtime wrote it."""

    stamp: str
    text: bytes

    @property
    def second(self) -> str:
        """Its whole second, as `sinceTime` takes it."""
        return self.stamp[:19]

    @property
    def order(self) -> str:
        """Sorts as time does: the fraction is padded, because trailing zeros are left out."""
        whole, _, fraction = self.stamp.rstrip("Z").partition(".")
        return f"{whole}.{fraction:0<9}"


def parse(line: bytes) -> LogLine | None:
    """A line of `timestamps=true`; None where it has none (the kubelet's own words)."""
    stamp, space, text = line.partition(b" ")
    try:
        words = stamp.decode("ascii")
    except UnicodeDecodeError:
        return None
    shaped = len(words) >= len("2026-01-01T00:00:00Z") and words[4:5] == "-" and words[10:11] == "T"
    return LogLine(_utc(words), text) if shaped and space else None


def _utc(stamp: str) -> str:
    """In UTC: kubelet writes its own zone where it has one, always the same one."""
    return stamp[:-6] + "Z" if stamp.endswith("+00:00") else stamp


@dataclass(slots=True)
class Seen:
    """What was taken of one container's log."""

    last: str = ""
    """Order of the newest line taken."""
    second: str = ""
    """Its whole second: ask again from here."""
    taken: int = 0
    _recent: Counter[tuple[str, bytes]] = field(default_factory=Counter)
    _again: Counter[tuple[str, bytes]] = field(default_factory=Counter)

    def resume(self) -> None:
        """An answer begins that starts at `second`: what of it was taken comes again."""
        self._again = self._recent.copy()

    def take(self, line: LogLine) -> bool:
        """Whether the line is new; it is taken then."""
        key = (line.stamp, line.text)
        if self._again[key] > 0:
            self._again[key] -= 1
            return False
        if line.second < self.second:
            return False
        if line.second != self.second:
            self._recent.clear()
            self.second = line.second
        self._recent[key] += 1
        self.last = max(self.last, line.order)
        self.taken += 1
        return True
