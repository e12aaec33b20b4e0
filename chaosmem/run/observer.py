"""Who watches a run: the live view, plain lines, `--events jsonl`. Watching never steers."""

from __future__ import annotations

from typing import Protocol

from chaosmem.drivers.sources import Reading
from chaosmem.rundir.events import AnyEntry


class Observer(Protocol):
    """Gets every journal entry after it is on disk, and every reading."""

    def entry(self, entry: AnyEntry) -> None:
        """A journal entry."""
        ...

    def reading(self, reading: Reading) -> None:
        """A sample of the target."""
        ...


class Nobody:
    """Watches nothing."""

    def entry(self, entry: AnyEntry) -> None:
        """Ignore it."""

    def reading(self, reading: Reading) -> None:
        """Ignore it."""
