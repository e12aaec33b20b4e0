"""What rings: an observer of the run that tells of a guard at once, and then of the verdict."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, Protocol

from chaosmem.drivers.sources import Reading
from chaosmem.evidence.model import Evidence
from chaosmem.notify import compose
from chaosmem.notify.channels import Ready
from chaosmem.notify.compose import About
from chaosmem.notify.delivery import Delivered, Dispatcher
from chaosmem.notify.message import Notification
from chaosmem.plan.model import Plan
from chaosmem.rundir import RunDir
from chaosmem.rundir.events import AnyEntry, GuardTripped
from chaosmem.verify.model import Verdict

RECORD: Final = "notifications.jsonl"
Say = Callable[[str], None]


class Watching(Protocol):
    """An observer of a run."""

    def entry(self, entry: AnyEntry) -> None:
        """A journal entry."""
        ...

    def reading(self, reading: Reading) -> None:
        """A sample."""
        ...


class Bell:
    """The channels of one run. Nothing here raises: what goes wrong is said by `say`."""

    def __init__(self, channels: Iterable[Ready], labels: Mapping[str, str], say: Say) -> None:
        self._labels, self._say = dict(labels), say
        self._dispatcher = Dispatcher(channels, self._record)
        self._about: About | None = None
        self._tripped = self._judged = False

    @contextlib.contextmanager
    def heard(self) -> Iterator[None]:
        """A run: where it ends in an error that is told; what is on its way is waited for."""
        try:
            yield
        except Exception as problem:
            self._failure(problem)
            raise
        finally:
            self._finish()

    def watching(self, shown: Watching, plan: Plan, rundir: RunDir) -> Watching:
        """An observer that shows what `shown` does, and rings when a guard trips."""
        self._about = About(plan, rundir, self._labels)
        return _Rings(self, shown)

    def guard(self, entry: GuardTripped) -> None:
        """Tell of the guard that ends the run; of those that trip with it, the verdict does."""
        if not self._tripped:
            self._tripped = True
            self._ring(lambda about: compose.of_guard(about, entry))

    def verdict(self, seen: Evidence, verdict: Verdict) -> None:
        """Tell of the verdict, which is on disk."""
        self._judged = True
        self._ring(lambda about: compose.of_verdict(about, seen, verdict))

    def _failure(self, problem: Exception) -> None:
        if not self._judged:
            self._ring(lambda about: compose.of_failure(about, problem))

    def _finish(self) -> None:
        """Wait for each message its own time at most; a signal meanwhile ends the waiting alone."""
        try:
            for ended in self._dispatcher.finish():
                if not ended.ok:
                    self._say(f"not told: {ended.to}: {ended.error}")
        except (Exception, SystemExit, KeyboardInterrupt) as problem:  # noqa: BLE001 - see `_ring`
            self._say(f"not told: {type(problem).__name__}")

    def _ring(self, made: Callable[[About], Notification]) -> None:
        if self._about is None:  # nothing was begun
            return
        try:
            self._dispatcher.send(made(self._about))
        except Exception as problem:  # noqa: BLE001 - telling never changes what is told
            self._say(f"not told: {type(problem).__name__}")

    def _record(self, ended: Delivered) -> None:
        if self._about is not None:
            append(self._about.rundir, ended)


class _Rings:
    def __init__(self, bell: Bell, shown: Watching) -> None:
        self._bell, self._shown = bell, shown

    def entry(self, entry: AnyEntry) -> None:
        self._shown.entry(entry)
        if isinstance(entry, GuardTripped):
            self._bell.guard(entry)

    def reading(self, reading: Reading) -> None:
        self._shown.reading(reading)


def append(rundir: RunDir, ended: Delivered) -> None:
    """A line of notifications.jsonl, written at once; a disk that is full does not matter here."""
    line = f"{ended.model_dump_json()}\n".encode()
    with contextlib.suppress(OSError):
        file = os.open(rundir.path(RECORD), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(file, line)
        finally:
            os.close(file)
