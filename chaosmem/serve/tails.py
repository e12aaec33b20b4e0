"""Files that are still written, read as they grow: the journal by lines, tables by whole rows.

Nothing is read twice, and a torn end waits for its rest. A file that has become shorter is another
one, and is read from its start.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from chaosmem.evidence.model import Floats
from chaosmem.rundir.columns import MAGIC
from chaosmem.rundir.journal import Line, decode

MOST_BYTES: Final = 4 * 1024 * 1024
"""Read in one go; a file that is long already is caught up with in steps."""
_MOST_HEAD: Final = 64 * 1024


class _Tail:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._at = 0

    def _fresh(self) -> bytes:
        """What stands behind the place that was read to; empty where there is nothing."""
        try:
            with self._path.open("rb") as file:
                if file.seek(0, 2) < self._at:
                    self._restart()
                file.seek(self._at)
                return file.read(MOST_BYTES)
        except OSError:
            return b""

    def _restart(self) -> None:
        self._at = 0


class JournalTail(_Tail):
    """New lines of a journal."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._lines = 0

    def more(self) -> tuple[Line, ...]:
        """The whole lines that have come since; damaged ones are left out."""
        data = self._fresh()
        whole = data[: data.rfind(b"\n") + 1]
        before = self._lines
        self._at += len(whole)
        self._lines += whole.count(b"\n")
        return tuple(replace(n, number=n.number + before) for n in decode(whole).lines)

    def _restart(self) -> None:
        super()._restart()
        self._lines = 0


class TableTail(_Tail):
    """New rows of a table (`chaosmem.rundir.columns`)."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.columns: tuple[str, ...] = ()

    def more(self) -> Floats:
        """The whole rows that have come since, one array row each; none where it is no table."""
        if not self.columns and not self._read_head():
            return np.empty((0, 0))
        data, width = self._fresh(), 8 * len(self.columns)
        if not self.columns:  # another file stands there now
            return np.empty((0, 0))
        whole = len(data) // width * width
        self._at += whole
        return np.frombuffer(data[:whole], "<f8").reshape(-1, len(self.columns))

    def _read_head(self) -> bool:
        head, newline, _ = self._fresh()[:_MOST_HEAD].partition(b"\n")
        if not newline or not head.startswith(MAGIC):
            return False
        try:
            self.columns = tuple(str(c) for c in json.loads(head[len(MAGIC) :])["columns"])
        except (ValueError, KeyError, TypeError):
            return False
        self._at = len(head) + 1
        return bool(self.columns)

    def _restart(self) -> None:
        super()._restart()
        self.columns = ()
