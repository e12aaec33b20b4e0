"""Secrets out of text. A URL with a token is one, and so are its path, its query and its log-in."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import quote, unquote, urlsplit

HIDDEN: Final = "[secret]"
_LEAST: Final = 4
"""Shorter parts are not looked for, characters: they would blot out words that say nothing."""


class Redactor:
    """Replaces what is secret in whatever is said.

    Args:
        secrets: the values, whole; of URLs also every part but the host.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        found = {part for secret in secrets for part in _parts(secret) if len(part) >= _LEAST}
        longest_first = sorted(found, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")

    def clean(self, text: str) -> str:
        """`text` without them."""
        return self._pattern.sub(HIDDEN, text)


def _parts(secret: str) -> Iterator[str]:
    for whole in (secret, quote(secret, safe=""), unquote(secret)):
        yield whole
        yield base64.b64encode(whole.encode()).decode()
    if "://" not in secret:
        return
    try:
        url = urlsplit(secret)
    except ValueError:
        return
    for part in (url.path, url.query, url.fragment, url.username or "", url.password or ""):
        yield from (part, unquote(part))
        yield from (p for p in re.split(r"[/&=?;]", part) if p)
