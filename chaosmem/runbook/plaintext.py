"""A paper as text for a terminal."""

from __future__ import annotations

import textwrap

from chaosmem.runbook.document import Block, Bullets, Code, Heading, Paper, Para, Table


def plaintext(paper: Paper, *, width: int = 100) -> str:
    """The paper, wrapped at `width` columns."""
    return "\n\n".join(_block(block, width) for block in paper) + "\n"


def _block(block: Block, width: int) -> str:
    match block:
        case Heading(text, level):
            return text.upper() if level == 2 else text  # noqa: PLR2004 - sections stand out
        case Para(text):
            return textwrap.fill(text, width)
        case Bullets(items, boxes):
            mark = "  [ ] " if boxes else "  - "
            return "\n".join(_hanging(mark, item, width) for item in items)
        case Table(rows):
            return _table(rows, width)
        case Code(lines):
            return "\n".join(f"    {line}" for line in lines)


def _hanging(mark: str, text: str, width: int) -> str:
    indent = " " * len(mark)
    return textwrap.fill(text, width, initial_indent=mark, subsequent_indent=indent)


def _table(rows: tuple[tuple[str, ...], ...], width: int) -> str:
    """Columns side by side; the last one is wrapped in what is left of the line."""
    *firsts, _ = zip(*rows, strict=True)
    widths = [max(map(len, column)) for column in firsts]
    return "\n".join(_row(row, widths, width) for row in rows)


def _row(row: tuple[str, ...], widths: list[int], width: int) -> str:
    *firsts, last = row
    cells = [f"{cell:<{wide}}" for cell, wide in zip(firsts, widths, strict=True)]
    mark = "  " + "".join(f"{cell}  " for cell in cells)
    return _hanging(mark, last or "-", max(width, len(mark) + 30))
