"""Who watches a run: a live view on a terminal, plain lines elsewhere, JSON lines for programs."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator
from typing import Protocol, TextIO

from chaosmem.cli.lines import sentence
from chaosmem.drivers.sources import Reading
from chaosmem.errors import ChaosmemError
from chaosmem.plan import Plan
from chaosmem.run.manner import Manner
from chaosmem.run.observer import Nobody, Observer
from chaosmem.rundir import RunDir, events
from chaosmem.rundir.events import AnyEntry


class Shows(Observer, Protocol):
    """An observer that can also show a line of its own."""

    def line(self, text: str) -> None:
        """Show it."""
        ...


class PlainLines:
    """One line an event, on stderr."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def entry(self, entry: AnyEntry) -> None:
        """Print what people want to know."""
        words = sentence(entry)
        if words:
            self.line(f"{entry.t:8.2f} s  {words}")

    def line(self, text: str) -> None:
        """Print a finding."""
        print(text, file=self._out, flush=True)

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


class WithFindings:
    """Shows what another observer shows, and each trial's findings as soon as it has ended.

    They are computed beside the next trial, from what is on disk; the last one's are the report's.
    """

    def __init__(self, shown: Shows, plan: Plan, found: RunDir) -> None:
        self._shown, self._found = shown, found
        self._last = plan.trials[-1].key

    def entry(self, entry: AnyEntry) -> None:
        """Pass it on; judge a trial that has ended."""
        self._shown.entry(entry)
        if isinstance(entry, events.TrialEnded) and entry.trial != self._last:
            threading.Thread(target=self._judge, args=(entry.trial,), daemon=True).start()

    def reading(self, reading: Reading) -> None:
        """Pass it on."""
        self._shown.reading(reading)

    def _judge(self, key: str) -> None:
        from chaosmem.cli import looking  # noqa: PLC0415 - imported beside the first trial

        try:
            said = looking.trial_summary(self._found, key)
        except ChaosmemError as problem:
            said = f"not judged: {problem}"
        self._shown.line(f"  {key}  {said}")


@contextlib.contextmanager
def watcher(
    plan: Plan, found: RunDir, progress: str, format_: str, playing: Manner | None = None
) -> Iterator[Observer]:
    """The observer that was asked for; `auto` is live on a terminal and plain elsewhere.

    `playing`: with a keyboard, for a run of that manner.
    """
    if playing is not None:
        from chaosmem.cli import interactive  # noqa: PLC0415 - only on a terminal

        with interactive.playing(plan, found, playing) as observer:
            yield observer
    elif format_ == "jsonl":
        yield JsonLines(sys.stderr)
    elif progress == "none":
        yield Nobody()
    elif progress == "live" or (progress == "auto" and sys.stderr.isatty()):
        from chaosmem.cli.live import LiveView  # noqa: PLC0415 - rich, only on a terminal

        with LiveView(plan, found.run_id) as view:
            yield WithFindings(view, plan, found)
    else:
        yield WithFindings(PlainLines(sys.stderr), plan, found)
