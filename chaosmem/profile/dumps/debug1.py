"""goroutine?debug=1: counted stacks (runtime/pprof printCountProfile)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from chaosmem.errors import FormatError
from chaosmem.profile.dumps.groups import Grouper
from chaosmem.profile.dumps.labels import parse_labels
from chaosmem.profile.dumps.paragraphs import Paragraph
from chaosmem.profile.dumps.records import Form, Frame, Goroutines, Labels, State

TITLE: Final = re.compile(rb"goroutine(?:leak)? profile: total ([0-9]{1,12})")
_COUNT: Final = re.compile(rb"([0-9]{1,12}) @(?: 0x[0-9a-f]{1,16})*")
_LABELS: Final = re.compile(rb"# labels: \{(.*)\}")
_FRAME: Final = re.compile(
    rb"#\t0x[0-9a-f]{1,16}(?:\t+([^\t\n]{1,8192})\+0x[0-9a-f]{1,16}\t+([^\t\n]{0,4096}):([0-9]{1,9}))?"
)
_UNKNOWN: Final = State("")


class Debug1:
    """Reads the paragraphs of a debug=1 text into groups."""

    def __init__(self, grouper: Grouper) -> None:
        self._grouper = grouper
        self._declared: int | None = None

    def read(self, paragraph: Paragraph) -> None:
        """Count the stack of a paragraph; the first one begins with the title.

        Raises:
            FormatError: a line is not of this form.
        """
        lines = paragraph.data.split(b"\n")
        at = paragraph.offset
        if self._declared is None:
            title = TITLE.fullmatch(lines[0])
            if title is None:
                raise FormatError("no goroutine profile title", offset=at)
            self._declared = int(title[1])
            at += len(lines[0]) + 1
            lines = lines[1:]
        if lines and lines != [b""]:
            self._stack(lines, at)

    def _stack(self, lines: list[bytes], at: int) -> None:
        """Count one stack, whose count line stands at byte `at`."""
        count = _COUNT.fullmatch(lines[0])
        if count is None:
            raise FormatError("no count and stack of goroutines where one should begin", offset=at)
        labels: Labels = ()
        frames = lines[1:]
        if frames and (found := _LABELS.fullmatch(frames[0])):
            parsed = parse_labels(found[1])
            if parsed is None:
                raise FormatError("labels that are no labels", offset=at + len(lines[0]) + 1)
            labels, frames = parsed, frames[1:]
        stack = tuple(self._frames(frames, at))
        tally = self._grouper.tally(stack, None, _UNKNOWN, at)
        if tally is None:
            self._grouper.ungrouped += int(count[1])
        else:
            tally.add(_UNKNOWN, labels, int(count[1]))

    def _frames(self, lines: list[bytes], at: int) -> Iterator[Frame]:
        """The frames of a stack."""
        for line in lines:
            found = _FRAME.fullmatch(line)
            if found is None:
                raise FormatError("a line of a goroutine stack that is no frame", offset=at)
            yield frame(found[1] or b"", found[2] or b"", found[3] or b"0")

    def goroutines(self, size_bytes: int) -> Goroutines:
        """Everything read."""
        return self._grouper.goroutines(Form.DEBUG1, declared=self._declared, size_bytes=size_bytes)


def frame(function: bytes, file: bytes, line: bytes) -> Frame:
    """A frame of printed parts."""
    name = function.decode("utf-8", "replace")
    return Frame(name, file.decode("utf-8", "replace"), int(line))
