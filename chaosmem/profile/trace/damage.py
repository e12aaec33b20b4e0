"""The account of lines that were left out, bounded."""

from __future__ import annotations

from typing import Final

from chaosmem.profile.trace.records import Damage, DamageKind

MAX_DAMAGE: Final = 1000
"""Damaged lines that are kept with their place; more are only counted."""
_EXCERPT: Final = 160


class DamageLog:
    """Counts damaged lines and keeps the first MAX_DAMAGE of them."""

    def __init__(self) -> None:
        self._kept: list[Damage] = []
        self.count = 0

    @property
    def kept(self) -> tuple[Damage, ...]:
        """The damage that is known with its place."""
        return tuple(sorted(self._kept, key=lambda damage: damage.line))

    def add(self, kind: DamageKind, line: int, offset: int, text: bytes) -> None:
        """Note a line that starts at byte `offset`."""
        self.count += 1
        if len(self._kept) < MAX_DAMAGE:
            excerpt = text[:_EXCERPT].decode("utf-8", "backslashreplace")
            self._kept.append(Damage(kind, line, offset, excerpt))
