"""Endpoints that Prometheus scrapes: of a run while it goes on, and of run directories."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from chaosmem import rundir, units
from chaosmem.drivers import exposition
from chaosmem.drivers.sources import Reading
from chaosmem.errors import ChaosmemError, UsageError
from chaosmem.export import standing, text
from chaosmem.export.families import Rows
from chaosmem.export.live import Progress
from chaosmem.plan import Plan
from chaosmem.run.observer import Observer
from chaosmem.rundir import RunDir
from chaosmem.rundir.events import AnyEntry
from chaosmem.verify.model import Finding

Say = Callable[[str], None]
_STOPS = (signal.SIGINT, signal.SIGTERM)


class Watched:
    """An observer that passes everything on, and follows the run for whoever scrapes."""

    def __init__(self, shown: Observer, progress: Progress) -> None:
        self._shown, self._progress = shown, progress

    def entry(self, entry: AnyEntry) -> None:
        """Follow it, then pass it on."""
        self._progress.entry(entry)
        self._shown.entry(entry)

    def reading(self, reading: Reading) -> None:
        """Count it, then pass it on."""
        self._progress.reading(reading)
        self._shown.reading(reading)


class LiveRun:
    """The run of this process: live rows until it is over, then those of its verdict."""

    def __init__(self) -> None:
        self._progress: Progress | None = None
        self._found: RunDir | None = None
        self._judged: tuple[int, tuple[Finding, ...]] = (0, ())
        self._last: Rows | None = None
        self.told = threading.Event()
        """Set when somebody was given the verdict."""

    def watching(self, shown: Observer, plan: Plan, found: RunDir) -> Observer:
        """The observer through which it is followed."""
        self._progress, self._found = Progress(plan, found.run_id), found
        return Watched(shown, self._progress)

    def rows(self) -> Iterable[Rows]:
        """What a scrape gets; nothing before the run has its directory."""
        if self._progress is None or self._found is None:
            return
        if self._progress.over:
            known = self._last is not None
            yield self._verdict(self._progress, self._found)
            if known:  # else it took so long that who scrapes may have given up
                self.told.set()
        else:
            yield self._progress.rows(self._findings(self._progress, self._found))

    def ready(self) -> None:
        """Compute the verdict now, so that the scrape which is waited for gets it at once."""
        if self._progress is not None and self._found is not None and self._progress.over:
            self._verdict(self._progress, self._found)

    def _verdict(self, progress: Progress, found: RunDir) -> Rows:
        if self._last is None:
            try:
                self._last = standing.of_finished(found)
            except ChaosmemError:  # a full disk: what the journal's entries said is known still
                self._last = progress.rows()
        return self._last

    def _findings(self, progress: Progress, found: RunDir) -> tuple[Finding, ...]:
        """Of the trials that have ended; computed once for each of them."""
        ended = progress.ended
        if len(ended) != self._judged[0]:
            with contextlib.suppress(ChaosmemError):  # a torn line: the next scrape reads it whole
                self._judged = (len(ended), standing.of_ended(found, ended))
        return self._judged[1]


@contextlib.contextmanager
def endpoint(where: str, linger: str, say: Say) -> Iterator[LiveRun]:
    """Serve the run of this process meanwhile, and until a scrape took its verdict.

    Afterwards it waits for that scrape for at most `linger` (`30s`); a signal ends the wait.
    UsageError: no such address or length.
    """
    seconds, live = _length(linger), LiveRun()
    with exposition.serving(text.registry(live.rows), where) as url:
        say(f"metrics on {url}")
        yield live
        if seconds > 0 and not live.told.is_set():
            live.ready()
            say(f"waiting for a scrape of the verdict, {linger} at most")
            with contextlib.suppress(KeyboardInterrupt):
                live.told.wait(seconds)


def _length(linger: str) -> float:
    try:
        return units.parse_duration(linger)
    except ValueError as problem:
        raise UsageError(f"--metrics-linger: {problem}", hint="for example 30s") from problem


def which(base: Path, names: list[str]) -> list[RunDir]:
    """The named runs; without names the newest of each experiment."""
    if names:
        return [rundir.find(base, name) for name in names]
    newest = {run.experiment: run for run in rundir.runs(base)}
    return list(newest.values())


def listen(base: Path, names: list[str], where: str, say: Say) -> None:
    """Serve runs below `base` until a signal comes; each scrape looks again which they are."""
    which(base, names)  # a name that is not there is told now
    watch = standing.Watch(lambda: _there(base, names), say)
    with _waited_for(), exposition.serving(text.registry(watch), where) as url:
        say(f"metrics on {url}")
        signal.sigwait(_STOPS)


def _there(base: Path, names: list[str]) -> list[RunDir]:
    """As `which`, for a scrape: a run that was pruned meanwhile is no more."""
    with contextlib.suppress(ChaosmemError):
        return which(base, names)
    return []


@contextlib.contextmanager
def _waited_for() -> Iterator[None]:
    """SIGINT and SIGTERM stay pending for `sigwait`, also those that come before it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
