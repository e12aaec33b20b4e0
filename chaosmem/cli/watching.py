"""Who watches a run: a live view on a terminal, plain lines elsewhere, JSON lines for programs."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import TextIO

from chaosmem.cli.lines import sentence
from chaosmem.drivers.sources import Reading
from chaosmem.plan import Plan
from chaosmem.run import Nobody, Observer
from chaosmem.rundir import RunDir
from chaosmem.rundir.events import AnyEntry


class PlainLines:
    """One line an event, on stderr."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def entry(self, entry: AnyEntry) -> None:
        """Print what people want to know."""
        words = sentence(entry)
        if words:
            print(f"{entry.t:8.2f} s  {words}", file=self._out, flush=True)

    def reading(self, reading: Reading) -> None:
        """Samples are not printed."""


class JsonLines:
    """Every journal entry as a JSON line."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def entry(self, entry: AnyEntry) -> None:
        """Print it."""
        print(entry.model_dump_json(exclude_none=True), file=self._out, flush=True)

    def reading(self, reading: Reading) -> None:
        """Samples are in the run directory."""


@contextlib.contextmanager
def watcher(plan: Plan, found: RunDir, progress: str, events: str) -> Iterator[Observer]:
    """The observer that was asked for; `auto` is live on a terminal and plain elsewhere."""
    if events == "jsonl":
        yield JsonLines(sys.stderr)
    elif progress == "none":
        yield Nobody()
    elif progress == "live" or (progress == "auto" and sys.stderr.isatty()):
        from chaosmem.cli.live import LiveView  # noqa: PLC0415 - rich, only on a terminal

        with LiveView(plan, found.run_id) as view:
            yield view
    else:
        yield PlainLines(sys.stderr)
