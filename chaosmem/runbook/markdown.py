"""A paper as GitHub-flavoured Markdown; everything that is not code is literal."""

from __future__ import annotations

import re

from chaosmem.runbook.document import Block, Bullets, Code, Heading, Paper, Para, Table, spans

# As CommonMark 2.4 allows; `<` and `&` become entities for readers that pass HTML through.
_MARKS = re.compile(r"([\\*_\[\]#|~])")


def markdown(paper: Paper) -> str:
    """The paper, UTF-8."""
    return "\n\n".join(_block(block) for block in paper) + "\n"


def _block(block: Block) -> str:
    match block:
        case Heading(text, level):
            return f"{'#' * level} {_text(text)}"
        case Para(text):
            return _text(text)
        case Bullets(items, boxes):
            mark = "- [ ] " if boxes else "- "
            return "\n".join(f"{mark}{_text(item)}" for item in items)
        case Table(rows):
            return _table(rows)
        case Code(lines):
            return "\n".join(["```sh", *lines, "```"])


def _table(rows: tuple[tuple[str, ...], ...]) -> str:
    cells = [[_text(cell).replace("\n", " ") for cell in row] for row in rows]
    cells.insert(1, ["---"] * len(rows[0]))
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)


def _text(text: str) -> str:
    return "".join(f"`{piece}`" if code else _plain(piece) for code, piece in spans(text))


def _plain(text: str) -> str:
    return _MARKS.sub(r"\\\1", text).replace("&", "&amp;").replace("<", "&lt;")
