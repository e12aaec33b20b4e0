"""Reads a goroutine dump of either text form, whole or in pieces, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from chaosmem.errors import FormatError
from chaosmem.profile.dumps.debug1 import TITLE, Debug1
from chaosmem.profile.dumps.debug2 import START, Debug2, parse_goroutine
from chaosmem.profile.dumps.groups import Grouper
from chaosmem.profile.dumps.paragraphs import Paragraph, Paragraphs
from chaosmem.profile.dumps.records import Goroutine, Goroutines
from chaosmem.profile.trace.blocks import BLOCK_BYTES, pieces

_HINT = "take it from /debug/pprof/goroutine?debug=1 or ?debug=2, or from a crash's output"


def parse_goroutines(text: bytes | Iterable[bytes]) -> Goroutines:
    """The goroutines of a dump, grouped by stack.

    Args:
        text: goroutine or goroutineleak text, debug=1 or debug=2, or the output of a crash with
            other text around; the bytes, or an iterable of pieces that follow each other.

    Raises:
        FormatError: there is no goroutine in it, or a debug=1 text is malformed.
    """
    splitter = Paragraphs()
    paragraphs = _paragraphs(splitter, text)
    first = next(_from_start(paragraphs), None)
    if first is None:
        raise FormatError("no goroutine in the text", offset=0, hint=_HINT)
    grouper = Grouper()
    is_debug1 = TITLE.match(first.data) is not None
    reader = Debug1(grouper) if is_debug1 else Debug2(grouper)
    for paragraph in chain([first], paragraphs):
        reader.read(paragraph)
    if splitter.overlong and is_debug1:
        raise FormatError("a stack longer than any is", offset=splitter.offset)
    return reader.goroutines(splitter.offset)


def read_goroutines(text: bytes | Iterable[bytes]) -> Iterator[Goroutine]:
    """Each goroutine of a debug=2 dump, in order; damaged paragraphs are left out."""
    for paragraph in _paragraphs(Paragraphs(), text):
        start = START.search(paragraph.data)
        if start is not None:
            at = start.start()
            skipped = paragraph.data.count(b"\n", 0, at)
            moved = Paragraph(
                paragraph.data[at:],
                paragraph.line + skipped,
                paragraph.offset + at,
                paragraph.whole,
            )
            found = parse_goroutine(moved)
            if found is not None:
                yield found


def _paragraphs(splitter: Paragraphs, text: bytes | Iterable[bytes]) -> Iterator[Paragraph]:
    """The paragraphs of a text; a long one is taken in slices, so that it is not copied whole."""
    for piece in pieces(text):
        for at in range(0, len(piece), BLOCK_BYTES):
            yield from splitter.feed(piece[at : at + BLOCK_BYTES])
    yield from splitter.close()


def _from_start(paragraphs: Iterable[Paragraph]) -> Iterator[Paragraph]:
    """The paragraphs from the first that holds a goroutine or the title on."""
    return (p for p in paragraphs if TITLE.match(p.data) or START.search(p.data))
