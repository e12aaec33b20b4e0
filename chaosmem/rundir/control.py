"""Requests to a run that goes on: `control.jsonl`, one JSON line each, appended by whoever asks.

`ask` appends a request; the runner reads them with `inbox.Inbox` and writes what became of each
into the journal, as a `control` entry with the request's id. Whoever may write the file may act:
it is made 0600 by the runner. Lines may be hostile, so each is bounded and checked, and what
cannot be read is refused by its line number.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import stat
from collections.abc import Iterator
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from chaosmem.errors import RunDirError, UsageError
from chaosmem.rundir import layout
from chaosmem.rundir.acts import Act, ControlAnswered
from chaosmem.rundir.events import RunEnded
from chaosmem.rundir.failing import unwritable
from chaosmem.rundir.journal import JournalWriter, decode
from chaosmem.rundir.layout import RunDir

FILE: Final = "control.jsonl"
MAX_TEXT: Final = 4000
"""Characters of a note."""
MAX_BY: Final = 100
MAX_SECONDS: Final = 86_400.0
MAX_LINE: Final = 32 * 1024
"""Bytes: a note's 4000 characters, each escaped to at most six bytes, and the rest."""
MAX_FILE: Final = 4 * 1024 * 1024
_ENDED: Final = b'"event":"run.ended"'


def clean(text: str) -> str:
    """`text` without what could steer a terminal: control characters become U+FFFD."""
    return "".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in text)


class Request(BaseModel):
    """One request, as it stands in the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,40}$")]
    act: Act
    text: Annotated[str, Field(max_length=MAX_TEXT), AfterValidator(clean)] = ""
    seconds: Annotated[float, Field(ge=0, le=MAX_SECONDS, allow_inf_nan=False)] = 0.0
    by: Annotated[str, Field(max_length=MAX_BY), AfterValidator(clean)] = ""
    at: Annotated[str, Field(max_length=40), AfterValidator(clean)] = ""
    """Wall clock of the asking, RFC 3339, where the asker says it."""


def ask(
    run: RunDir, act: Act | str, *, text: str = "", seconds: float = 0.0, by: str = "", at: str = ""
) -> str:
    """Append one request; its id, with which the journal answers.

    A note on a run that has ended is answered at once, behind the run's last entry: the verdict
    does not see it. A run that was killed has no end in its journal and answers nobody: whether
    its process lives is the caller's to ask (`chaosmem.run.owner`), and `note_after` to use.

    Args:
        run: the run.
        act: an `Act`, or its name.
        text: what a note says.
        seconds: how much longer an extended phase is to last.
        by: who asks.
        at: wall clock now, RFC 3339.

    Raises:
        UsageError: no such act, something missing or too long, or the run has ended.
        RunDirError: the file cannot be written.
    """
    request = _request(act, text=text, seconds=seconds, by=by, at=at)
    with _locked(run) as fd:
        end = ended(run)
        if end is not None and request.act is not Act.NOTE:
            raise UsageError(
                f"run {run.run_id} has ended ({end.state}): nothing to {request.act}",
                hint="only a note can still be added; `chaosmem undo RUN` undoes what is left",
            )
        _append(fd, request)
        if end is not None:
            _note(run, request, end.t)
    return request.id


def note_after(run: RunDir, *, text: str, by: str = "", at: str = "") -> str:
    """Put a note behind the journal of a run whose process is gone; its id."""
    request = _request(Act.NOTE, text=text, by=by, at=at)
    with _locked(run) as fd:
        _append(fd, request)
        lines = decode(run.read(layout.JOURNAL)).lines
        _note(run, request, max((n.entry.t for n in lines), default=0.0))
    return request.id


def _note(run: RunDir, request: Request, t: float) -> None:
    journal = JournalWriter(run.path(layout.JOURNAL))
    try:
        journal.write(answer(request, t).model_copy(update={"late": True}))
    finally:
        journal.close()


def answer(
    request: Request,
    t: float,
    *,
    refused: str = "",
    reason: str = "",
    via: Literal["file", "signal"] = "file",
) -> ControlAnswered:
    """The journal's entry about a request: done, or `refused` and why."""
    return ControlAnswered(
        t=t,
        request=request.id,
        act=request.act,
        outcome="refused" if refused else "done",
        reason=refused or reason,
        by=request.by,
        via=via,
        text=request.text,
        seconds=request.seconds,
        at=request.at,
    )


def answered(run: RunDir, request: str) -> ControlAnswered | None:
    """What the journal says of the request with that id; None: nothing yet."""
    data = run.read(layout.JOURNAL) if run.has(layout.JOURNAL) else b""
    if request.encode() not in data:
        return None
    entries = (n.entry for n in decode(data).lines)
    return next(
        (e for e in entries if isinstance(e, ControlAnswered) and e.request == request), None
    )


def ended(run: RunDir) -> RunEnded | None:
    """How the run ended; None where its journal does not say so."""
    data = run.read(layout.JOURNAL) if run.has(layout.JOURNAL) else b""
    if _ENDED not in data:
        return None
    found = [n.entry for n in decode(data).lines if isinstance(n.entry, RunEnded)]
    return found[-1] if found else None


def _request(
    act: Act | str, *, text: str = "", seconds: float = 0.0, by: str = "", at: str = ""
) -> Request:
    wrong = what_is_missing(act, text, seconds)
    if wrong:
        raise UsageError(wrong)
    try:
        return Request(
            id=secrets.token_hex(6), act=Act(act), text=text, seconds=seconds, by=by, at=at
        )
    except ValidationError as problem:
        found = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in problem.errors()]
        raise UsageError("; ".join(found)) from problem


def what_is_missing(act: Act | str, text: str, seconds: float) -> str:
    """What an act lacks to be one, in words; empty: nothing."""
    if act not in set(Act):
        return f"there is no act {act!r}: write one of {', '.join(Act)}"
    if act == Act.NOTE and not text.strip():
        return "a note needs a text"
    if act == Act.EXTEND and not seconds > 0:
        return "extend needs a duration, for example 30s"
    return ""


# --- the file


@contextlib.contextmanager
def _locked(run: RunDir) -> Iterator[int]:
    """The file, opened for appending, with nobody else writing to it."""
    with opened(run, os.O_RDWR | os.O_APPEND | os.O_CREAT) as fd:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield fd


@contextlib.contextmanager
def opened(run: RunDir, flags: int) -> Iterator[int]:
    """The file as a descriptor; RunDirError where it cannot be opened, or is no plain file."""
    try:
        # O_NOFOLLOW and O_NONBLOCK: a link or a FIFO in its place neither leads astray nor blocks.
        safely = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        fd = os.open(run.path(FILE), flags | safely, 0o600)
    except OSError as problem:
        raise _unusable(problem) from problem
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise RunDirError(f"{FILE} is no plain file")
        yield fd
    finally:
        os.close(fd)


def _unusable(problem: OSError) -> RunDirError:
    return RunDirError(
        f"cannot use {FILE}: {problem.strerror}",
        hint="only the user who started the run may control it",
    )


def _append(fd: int, request: Request) -> None:
    size = os.fstat(fd).st_size
    line = request.model_dump_json(exclude_defaults=True).encode() + b"\n"
    if size and os.pread(fd, 1, size - 1) != b"\n":
        line = b"\n" + line  # an asker that was killed left a torn line
    if size + len(line) > MAX_FILE:
        raise UsageError(f"{FILE} is full: {MAX_FILE} bytes of requests")
    try:
        if os.write(fd, line) != len(line):
            raise RunDirError(f"cannot write {FILE} whole", hint="free disk space")
    except OSError as problem:
        raise unwritable(FILE, problem) from problem
