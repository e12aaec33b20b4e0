"""Reading papers as people do: sections, and the commands in them."""

from __future__ import annotations

import re
from collections.abc import Iterator


def section(text: str, title: str) -> str:
    """A section of a Markdown paper, up to the next heading of its level or above."""
    found = re.search(rf"^(#+) {re.escape(title)}$", text, re.MULTILINE)
    assert found, f"there is no section {title!r}"
    rest = text[found.end() :]
    end = re.search(rf"^#{{1,{len(found[1])}}} ", rest, re.MULTILINE)
    return rest[: end.start()] if end else rest


def code(text: str) -> Iterator[str]:
    """The shell code of a Markdown text, block by block."""
    for block in re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        yield str(block)
