"""Links to files beside the documents: to the repository where its address is known, else text."""

from __future__ import annotations

import re
from typing import Any

_OUTSIDE = re.compile(r"\[([^\]]+)\]\(\.\./([^)#]+)(#[^)]*)?\)")


def on_page_markdown(markdown: str, config: Any, **_: object) -> str:
    """Called by mkdocs for each page."""
    base = str(config["repo_url"] or "").rstrip("/")

    def link(match: re.Match[str]) -> str:
        text, path = match[1], match[2]
        return f"[{text}]({base}/blob/main/{path})" if base else f"{text} (`{path}`)"

    return _OUTSIDE.sub(link, markdown)
