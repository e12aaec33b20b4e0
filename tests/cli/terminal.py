"""A real terminal (a pty) with a program in it, a person's eyes and their keys."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

_ANSI = re.compile(r"\x1b(\[[0-9;?]*[A-Za-z]|\][^\x07]*\x07|[()][AB0])")
PATIENCE = 60.0
"""Seconds that a person waits for something to appear; CI is busy."""


class Screen:
    """What a terminal has shown so far, without colours, and a keyboard."""

    def __init__(self, rows: int = 40, columns: int = 120) -> None:
        self._master, self.fd = pty.openpty()
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.raw = b""
        self._read = 0
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._follow, daemon=True)
        self._reader.start()

    def _follow(self) -> None:
        while True:
            try:
                data = os.read(self._master, 65536)
            except OSError:
                data = b""
            with self._changed:
                self.raw += data
                self._changed.notify_all()
            if not data:
                return

    @property
    def text(self) -> str:
        """Everything that was ever shown."""
        return _ANSI.sub("", self.raw.decode("utf-8", "replace"))

    def until(self, words: str) -> None:
        """Wait until `words` appear after what was waited for before."""
        deadline = time.monotonic() + PATIENCE
        with self._changed:
            while (at := self.text.find(words, self._read)) < 0:
                left = deadline - time.monotonic()
                assert left > 0, f"{words!r} never appeared; last seen: {self.text[-2000:]}"
                self._changed.wait(left)
            self._read = at + len(words)

    def type(self, keys: str) -> None:
        """Press these keys."""
        os.write(self._master, keys.encode())

    @property
    def settings(self) -> list[Any]:
        """How the terminal is set: echo, line by line, and so on."""
        return termios.tcgetattr(self.fd)

    def hang_up(self) -> None:
        """Close the window."""
        with contextlib.suppress(OSError):
            os.close(self.fd)
        with contextlib.suppress(OSError):
            os.close(self._master)
        self._reader.join(PATIENCE)


@contextlib.contextmanager
def showing(
    argv: Sequence[str | Path], *, env: Mapping[str, str], cwd: Path
) -> Iterator[tuple[Screen, subprocess.Popen[bytes]]]:
    """A program with a terminal of its own; killed in the end where it is still there."""
    screen = Screen()
    started = subprocess.Popen(
        ["setsid", "--ctty", "env", "--default-signal=HUP", *argv],  # not that of a nohup above
        env={**env, "TERM": "xterm-256color"},
        cwd=cwd,
        stdin=screen.fd,
        stdout=screen.fd,
        stderr=screen.fd,
    )
    try:
        yield screen, started
    finally:
        if started.poll() is None:
            started.kill()
        started.wait()
        screen.hang_up()
