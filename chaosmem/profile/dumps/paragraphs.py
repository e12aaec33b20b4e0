"""Chunks in, paragraphs out: text between blank lines, with its place, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

MAX_PARAGRAPH: Final = 1 << 20
"""Bytes of one paragraph that are kept. 100 frames are printed at most, some tens of KiB."""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Lines without a blank line between them.

    Attributes:
        data: the lines, without the last newline.
        line: number of the first line, from 1.
        offset: byte offset of the first line.
        whole: a newline followed its last line.
    """

    data: bytes
    line: int
    offset: int
    whole: bool


class Paragraphs:
    """Splits chunks at blank lines; holds at most one paragraph between calls."""

    def __init__(self) -> None:
        self._held = b""
        self._skipping = 0
        self._line = 1
        self.offset = 0
        self.overlong = 0

    def feed(self, chunk: bytes) -> Iterator[Paragraph]:
        """The paragraphs that this chunk completes."""
        data = self._held + chunk
        end = data.rfind(b"\n\n")
        if end < 0:
            self._hold(data)
            return
        self._held = b""
        yield from self._split(data[:end])
        self._consume(data[end : end + 2])
        self._hold(data[end + 2 :])

    def close(self) -> Iterator[Paragraph]:
        """The last paragraph."""
        rest, self._held = self._held, b""
        whole = rest.endswith(b"\n")
        yield from self._split(rest[:-1] if whole else rest, whole=whole)
        self._consume(b"\n" if whole else b"")

    def _split(self, data: bytes, *, whole: bool = True) -> Iterator[Paragraph]:
        """The paragraphs of a text that ends with one."""
        parts = data.split(b"\n\n")
        for i, part in enumerate(parts):
            if self._skipping:
                self._skipping = 0  # the rest of an overlong one
            elif part.strip(b"\n"):
                yield self._place(part, whole=whole or i < len(parts) - 1)
            self._consume(part if i == len(parts) - 1 else part + b"\n\n")

    def _place(self, part: bytes, *, whole: bool) -> Paragraph:
        """The paragraph at the current place; a third newline belongs to what is before it."""
        blank = len(part) - len(part.lstrip(b"\n"))
        return Paragraph(part.strip(b"\n"), self._line + blank, self.offset + blank, whole)

    def _consume(self, data: bytes) -> None:
        """Move the place behind these bytes."""
        self._line += data.count(b"\n")
        self.offset += len(data)

    def _hold(self, rest: bytes) -> None:
        """Keep an unfinished paragraph; one that is too long is left out and counted."""
        if not self._skipping and len(rest) <= MAX_PARAGRAPH:
            self._held = rest
            return
        if not self._skipping:
            self.overlong += 1
        self._skipping = 1
        keep = 1 if rest.endswith(b"\n") else 0
        self._consume(rest[: len(rest) - keep])
        self._held = rest[len(rest) - keep :]
