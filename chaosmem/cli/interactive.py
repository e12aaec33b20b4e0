"""`run --interactive`: the live view with a keyboard. What keys ask goes the way of all requests.

A thread reads the terminal and appends to `control.jsonl`; the run answers in its journal, and so
on the screen. The terminal is given back whatever happens, also when chaosmem is suspended.
"""

from __future__ import annotations

import codecs
import contextlib
import os
import select
import signal
import sys
import termios
import threading
import tty
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, Final

from chaosmem import units
from chaosmem.cli.control import user
from chaosmem.cli.dialog import Dialog, Shown, Wish
from chaosmem.cli.live import LiveView
from chaosmem.cli.watching import WithFindings
from chaosmem.drivers.sources import Reading
from chaosmem.errors import RunDirError, UsageError
from chaosmem.plan import Plan
from chaosmem.run.manner import Manner
from chaosmem.run.observer import Observer
from chaosmem.rundir import RunDir, control
from chaosmem.rundir.acts import Act
from chaosmem.rundir.events import AnyEntry

_SHOW_CURSOR: Final = "\x1b[?25h"
_HIDE_CURSOR: Final = "\x1b[?25l"


@contextlib.contextmanager
def playing(plan: Plan, found: RunDir, manner: Manner) -> Iterator[Observer]:
    """The live view with a keyboard beside it."""
    dialog = Dialog(manner.steps, units.human_seconds(manner.longest(plan)))
    desk = _Desk(dialog, found)
    fd = sys.stdin.fileno()
    view = LiveView(plan, found.run_id, foot=desk.lines)
    with Terminal(fd), view, keyboard(fd, desk.typed):
        yield Told(WithFindings(view, plan, found), desk)


class _Desk:
    """Carries wishes to the run. Keys, journal and screen come from three threads."""

    def __init__(self, dialog: Dialog, found: RunDir) -> None:
        self._dialog, self._found, self._by = dialog, found, user()
        self._lock = threading.Lock()

    def lines(self) -> list[Shown]:
        """What the operator is to see now."""
        with self._lock:
            return list(self._dialog.lines())

    def typed(self, text: str) -> None:
        """What came from the keyboard."""
        with self._lock:
            wishes = list(self._dialog.keys(text))
        for wish in wishes:
            self._ask(wish)

    def entry(self, entry: AnyEntry) -> None:
        """What the journal says."""
        with self._lock:
            wish = self._dialog.entry(entry)
        if wish is not None:
            self._ask(wish)

    def _ask(self, wish: Wish) -> None:
        """Ask it of the run; an abort gets through even where nothing can be written."""
        text, seconds = wish.text, wish.seconds
        try:
            control.ask(self._found, wish.act, text=text, seconds=seconds, by=self._by)
        except (UsageError, RunDirError) as problem:
            with self._lock:
                self._dialog.say(str(problem))
            if wish.act is Act.ABORT:
                os.kill(os.getpid(), signal.SIGINT)


class Told:
    """Shows what another observer shows, and lets the dialogue follow."""

    def __init__(self, shown: Observer, desk: _Desk) -> None:
        self._shown, self._desk = shown, desk

    def entry(self, entry: AnyEntry) -> None:
        """Pass it on."""
        self._desk.entry(entry)
        self._shown.entry(entry)

    def reading(self, reading: Reading) -> None:
        """Pass it on."""
        self._shown.reading(reading)


# --- the terminal


class Terminal:
    """Keys come one by one and are not echoed, until it is given back."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._before: list[Any] = []
        self._suspend: Any = signal.SIG_DFL

    def __enter__(self) -> None:
        self._before = termios.tcgetattr(self._fd)
        tty.setcbreak(self._fd)
        self._suspend = signal.signal(signal.SIGTSTP, self._suspended)

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGTSTP, self._suspend)
        self._give_back()

    def _give_back(self) -> None:
        with contextlib.suppress(termios.error):
            termios.tcsetattr(self._fd, termios.TCSAFLUSH, self._before)

    def _suspended(self, _sign: int, _frame: FrameType | None) -> None:
        """Ctrl-Z: give the terminal back, stop, and take it again when continued."""
        self._give_back()
        _write(_SHOW_CURSOR)
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, self._suspended)
        with contextlib.suppress(termios.error):
            tty.setcbreak(self._fd)
        _write(_HIDE_CURSOR)


def _write(text: str) -> None:
    with contextlib.suppress(OSError):
        os.write(sys.stderr.fileno(), text.encode())


@contextlib.contextmanager
def keyboard(fd: int, typed: Callable[[str], None]) -> Iterator[None]:
    """Call `typed` with what comes from `fd`, in a thread of its own, until left."""
    wake, waker = os.pipe()
    thread = threading.Thread(target=_read, args=(fd, wake, typed), name="keys", daemon=True)
    thread.start()
    try:
        yield
    finally:
        os.close(waker)
        thread.join()
        os.close(wake)


def _read(fd: int, wake: int, typed: Callable[[str], None]) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    while True:
        ready, _, _ = select.select([fd, wake], [], [])
        if wake in ready:
            return
        try:
            data = os.read(fd, 4096)
        except OSError:  # the terminal is gone
            return
        if not data:
            return
        typed(decoder.decode(data))
