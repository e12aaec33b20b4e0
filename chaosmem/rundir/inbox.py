"""The runner's side of `control.jsonl`: new requests as they come, whatever stands in the file."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError

from chaosmem.errors import RunDirError
from chaosmem.rundir.acts import Act
from chaosmem.rundir.control import FILE, MAX_FILE, MAX_LINE, Request, opened, what_is_missing
from chaosmem.rundir.failing import unwritable
from chaosmem.rundir.layout import RunDir

_CHUNK: Final = 256 * 1024
_MAX_UNREADABLE: Final = 20
"""So many unreadable lines are answered one by one; the others are passed over."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A line that is no request."""

    line: int
    reason: str


class Inbox:
    """New requests, from where the last look ended; never fails for what stands in the file."""

    def __init__(self, run: RunDir) -> None:
        self._run = run
        self._offset = self._line = self._unreadable = 0
        self._rest = b""
        self._skipping = False
        """In a line that is too long: all up to its end is passed over."""

    def make(self) -> None:
        """Make the file, so that it is this user's; RunDirError where it cannot be."""
        with opened(self._run, os.O_RDWR | os.O_CREAT) as fd:
            try:
                os.fchmod(fd, 0o600)
            except OSError as problem:
                raise unwritable(FILE, problem) from problem

    @contextlib.contextmanager
    def closed(self) -> Iterator[None]:
        """Nobody asks meanwhile; where somebody keeps the file locked, it is done all the same."""
        try:
            with opened(self._run, os.O_RDWR) as fd:
                with contextlib.suppress(OSError):
                    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                yield
        except RunDirError:
            yield

    def new(self) -> list[Request | Unreadable]:
        """What came since the last call, an abort before everything else; at most 256 KiB."""
        found = [item for raw in self._lines(self._read()) if (item := self._item(raw))]
        return sorted(found, key=lambda i: not (isinstance(i, Request) and i.act is Act.ABORT))

    def _read(self) -> bytes:
        room = min(_CHUNK, MAX_FILE - self._offset)
        if room <= 0:
            return b""
        try:
            with opened(self._run, os.O_RDONLY) as fd:
                data = os.pread(fd, room, self._offset)
        except (OSError, RunDirError):
            return b""  # taken away, or not ours to read: then nobody asks anything
        self._offset += len(data)
        return data

    def _lines(self, data: bytes) -> list[bytes]:
        *whole, self._rest = (self._rest + data).split(b"\n")
        if whole and self._skipping:
            whole[0], self._skipping = b"", False
        if self._skipping:
            self._rest = b""
        elif len(self._rest) > MAX_LINE:
            whole.append(self._rest)
            self._rest, self._skipping = b"", True
            self._line -= 1  # its number is counted once more, at its end
        return whole

    def _item(self, raw: bytes) -> Request | Unreadable | None:
        self._line += 1
        if not raw.strip():
            return None
        got = _decode(raw)
        if isinstance(got, Request):
            return got
        self._unreadable += 1
        if self._unreadable > _MAX_UNREADABLE:
            return None
        last = self._unreadable == _MAX_UNREADABLE
        return Unreadable(self._line, got + "; further ones are passed over" * last)


def _decode(raw: bytes) -> Request | str:
    if len(raw) > MAX_LINE:
        return f"longer than {MAX_LINE} bytes"
    try:
        request = Request.model_validate_json(raw)
    except ValidationError as problem:
        first = problem.errors()[0]
        return f"no request ({first['msg']})"
    return what_is_missing(request.act, request.text, request.seconds) or request
