"""A paper as its parts, before it is text, Markdown or HTML.

In every text what stands between two backticks is code; `said` makes foreign text harmless.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

# C0 and C1 controls, bidirectional overrides, line separators, byte-order mark, lone surrogates
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029\ufeff\ud800-\udfff]"
)


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading; level 1 is the title."""

    text: str
    level: int = 2


@dataclass(frozen=True, slots=True)
class Para:
    """A paragraph."""

    text: str


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list; `boxes` to be ticked off."""

    items: tuple[str, ...]
    boxes: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """A table; its first row is the head."""

    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Code:
    """Lines for a shell, word for word."""

    lines: tuple[str, ...]


Block = Heading | Para | Bullets | Table | Code
Paper = tuple[Block, ...]


def said(text: str) -> str:
    """Foreign text on one line: no control characters, and no code in it."""
    return _UNSAFE.sub("\ufffd", " ".join(text.split())).replace("`", "'")


def spans(text: str) -> Iterator[tuple[bool, str]]:
    """The pieces of a text, each with whether it is code."""
    for number, piece in enumerate(text.split("`")):
        if piece:
            yield bool(number % 2), piece
