"""What SIGINT and SIGTERM do to the process of a cell while its run does not hear them itself.

Before the run: the process ends, since nothing was touched. While an earlier run is undone, and
after the run: what goes on is brought to its end first.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType

from chaosmem.campaign.state import Found
from chaosmem.errors import Exit

_SIGNS = (signal.SIGINT, signal.SIGTERM)
_AGAIN = 0.2
"""Seconds until a signal that came just before the run hears signals is sent again."""


@contextlib.contextmanager
def kept() -> Iterator[threading.Event]:
    """Signals are only kept in mind: the event says whether there was one."""
    seen = threading.Event()
    with _handled(lambda _: seen.set()):
        yield seen


@contextlib.contextmanager
def before_and_after(look: Callable[[], Found]) -> Iterator[None]:
    """Around a run; `look` says how far it is."""

    def stop(number: int) -> None:
        match look():
            case Found.NOTHING:
                sys.exit(Exit.ABORTED)
            case Found.CUT:
                again = threading.Timer(_AGAIN, os.kill, (os.getpid(), number))
                again.daemon = True
                again.start()
            case _:  # it is over; its result is being written down
                pass

    with _handled(stop):
        yield


@contextlib.contextmanager
def _handled(act: Callable[[int], None]) -> Iterator[None]:
    def handler(number: int, _: FrameType | None) -> None:
        act(number)

    before = {sign: signal.signal(sign, handler) for sign in _SIGNS}
    try:
        yield
    finally:
        for sign, former in before.items():
            signal.signal(sign, former)
