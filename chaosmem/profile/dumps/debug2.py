"""goroutine?debug=2, and what a crash or SIGQUIT prints: one paragraph a goroutine.

The same stack comes hundreds of thousands of times with other argument values: paragraphs are
compared with these left out, and only a new one is taken apart.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from chaosmem.profile.dumps.debug1 import frame
from chaosmem.profile.dumps.groups import Grouper, Tally
from chaosmem.profile.dumps.header import Header, parse_header
from chaosmem.profile.dumps.paragraphs import Paragraph
from chaosmem.profile.dumps.records import Form, Frame, Goroutine, Goroutines, Stack

PPROF_LIMIT: Final = 64 << 20
"""net/http/pprof cuts debug=2 at this many bytes (runtime/pprof writeGoroutineStacks)."""
START: Final = re.compile(rb"^goroutine [0-9]{1,19}(?: gp=[^\[\n]{1,80})? \[", re.MULTILINE)
_VARYING: Final = re.compile(
    rb"(?:\([0-9a-fx{}, .?_]*\)| \+0x[0-9a-f]+(?: fp=0x[0-9a-f]+ sp=0x[0-9a-f]+[^\n]{0,40})?)$",
    re.MULTILINE,
)
"""Argument values and code offsets, at the end of a line: no symbol or path looks like this."""
_FILE: Final = re.compile(
    rb"\t(.{0,4096}):([0-9]{1,9})(?: \+0x[0-9a-f]{1,16})?"
    rb"(?: fp=0x[0-9a-f]+ sp=0x[0-9a-f]+(?: pc=0x[0-9a-f]+)?)?"
)
_CREATED: Final = re.compile(rb"created by (.{1,8192}?)(?: in goroutine ([0-9]{1,19}))?")
_ELIDED: Final = re.compile(rb"\.\.\.(?:([0-9]{1,12})|additional) frames elided\.\.\.")
_PARENT: Final = re.compile(rb" in goroutine ([0-9]{1,19})(?=\n)")
_OTHER: Final = (b"\tgoroutine running on other thread", b"non-Go function", b"\tpc=")
_EXIT: Final = re.compile(rb"exit status [0-9]{1,3}")
"""What `go run` prints right behind the last goroutine of a crash."""
MAX_SHAPES: Final = 100_000


@dataclass(frozen=True, slots=True)
class Body:
    """What stands under a header."""

    stack: Stack
    creator: Frame | None
    parent: int | None
    elided: int


def parse_goroutine(paragraph: Paragraph) -> Goroutine | None:
    """The goroutine of a paragraph; None if it is none, or damaged."""
    head, _, rest = paragraph.data.partition(b"\n")
    header, body = parse_header(head), parse_body(rest)
    if header is None or body is None or not paragraph.whole:
        return None
    return Goroutine(
        id=header.id,
        state=header.state,
        labels=header.labels,
        stack=body.stack,
        creator=body.creator,
        parent=body.parent,
        elided=body.elided,
        line=paragraph.line,
        offset=paragraph.offset,
    )


def parse_body(text: bytes) -> Body | None:
    """The lines under a header; None if one of them is not of this form."""
    lines = text.split(b"\n") if text else []
    frames: list[Frame] = []
    creator, parent, elided, at = None, None, 0, 0
    while at < len(lines):
        line = lines[at]
        if line.startswith(b"[originating from goroutine "):
            break  # tracebackancestors=N: stacks of others
        if found := _ELIDED.fullmatch(line):
            elided += int(found[1] or 0)
            at += 1
        elif line.startswith(_OTHER):
            at += 1
        elif at + 1 >= len(lines) or (place := _FILE.fullmatch(lines[at + 1])) is None:
            if creator is None and not _EXIT.fullmatch(line):
                return None
            break  # the stack is whole; what follows without a blank line is another's
        else:
            created = _CREATED.fullmatch(line)
            if created:
                creator = frame(created[1], place[1], place[2])
                parent = None if created[2] is None else int(created[2])
            else:
                frames.append(frame(_function(line), place[1], place[2]))
            at += 2
    return Body(tuple(frames), creator, parent, elided)


def _without_parent(shape: bytes) -> tuple[int | None, bytes]:
    """The number of the goroutine in the created-by line, and the text without it."""
    created = shape.find(b"\ncreated by ")
    found = _PARENT.search(shape, created) if created >= 0 else None
    if found is None:
        return None, shape
    return int(found[1]), shape[: found.start()] + shape[found.end() :]


def _function(line: bytes) -> bytes:
    """The symbol of a call: arguments have no parentheses, so they start at the last one."""
    return line[: line.rindex(b"(")] if line.endswith(b")") and b"(" in line else line


class Debug2:
    """Reads the paragraphs of a debug=2 dump into groups."""

    def __init__(self, grouper: Grouper) -> None:
        self._grouper = grouper
        self._shapes: dict[tuple[str, str, bool, bytes], Tally] = {}
        self._damaged = 0
        self._first_damage: int | None = None
        self._cut = False

    def read(self, paragraph: Paragraph) -> None:
        """Count the goroutine of a paragraph; a damaged one is counted as such."""
        start = START.search(paragraph.data)
        if start is None:
            return  # what others print before, between and after
        head, _, rest = paragraph.data[start.start() :].partition(b"\n")
        header = parse_header(head)
        at = paragraph.offset + start.start()
        if not paragraph.whole:
            self._cut = True
        if header is None or not paragraph.whole or not self._count(header, rest, at):
            self._damage(at)

    def _count(self, header: Header, rest: bytes, at: int) -> bool:
        """Count a goroutine; whether its stack could be read."""
        state = header.state
        shape = _VARYING.sub(b"", rest)
        parent, shape = _without_parent(shape)
        key = (state.status, state.reason, state.leaked, shape)
        tally = self._shapes.get(key)
        if tally is None:
            body = parse_body(rest)
            if body is None:
                return False
            tally = self._grouper.tally(body.stack, body.creator, state, at)
            if tally is None:
                self._grouper.ungrouped += 1
                return True
            if len(self._shapes) < MAX_SHAPES:
                self._shapes[key] = tally
        tally.add(state, header.labels)
        tally.add_ids(header.id, parent)
        return True

    def _damage(self, at: int) -> None:
        """Count a paragraph that begins as a goroutine and is none."""
        self._damaged += 1
        if self._first_damage is None:
            self._first_damage = at

    def goroutines(self, size_bytes: int) -> Goroutines:
        """Everything read."""
        return self._grouper.goroutines(
            Form.DEBUG2,
            damaged=self._damaged,
            first_damage=self._first_damage,
            truncated=self._cut or size_bytes == PPROF_LIMIT,
            size_bytes=size_bytes,
        )
