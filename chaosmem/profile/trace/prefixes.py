"""What log drivers write in front of a line: known forms only, so that app text cannot pose as one.

Sources: CRI log format (kubernetes design proposal "CRI: dockershim... log format"), docker
json-file driver, `kubectl logs --prefix/--timestamps`, `docker compose logs`, journald short form.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Final

_TIME: Final = rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)"
MAX_PREFIX: Final = 512
"""Longest prefix that is looked at, in bytes; Kubernetes names are at most 253 + 253 + 63."""

_PREFIX: Final = re.compile(
    rb"(?:\[pod/(?P<pod>[^\]\s]{1,400})\] )?"  # kubectl logs --prefix
    rb"(?:(?P<compose>[\w.-]{1,128}) {1,128}\| )?"  # docker compose logs
    rb"(?:" + _TIME + rb"[ \t])?"  # --timestamps, CRI
    rb"(?:(?:stdout|stderr) F )?"  # CRI: F is a full line, P a part of one and refused
    rb"(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d (?P<journal>\S{1,253} [^\s:]{1,253}): )?"
)


@dataclass(frozen=True, slots=True)
class Unwrapped:
    """A line without its log driver's wrapping; `skipped` bytes stood before `body`."""

    body: bytes
    source: str
    skipped: int


def source_of(prefix: bytes) -> str | None:
    """The writer's name that a prefix carries ("" if none); None if no known driver writes it."""
    if not prefix:
        return ""
    if len(prefix) > MAX_PREFIX or (found := _PREFIX.fullmatch(prefix)) is None:
        return None
    name = found["pod"] or found["compose"] or found["journal"] or b""
    return name.decode("utf-8", "replace")


def unwrap_json(line: bytes) -> Unwrapped | None:
    """The text inside a line of docker's json-file driver; None if it is not one."""
    if not line.startswith(b'{"log":"'):
        return None
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    text = entry.get("log") if isinstance(entry, dict) else None
    if not isinstance(text, str) or not text.endswith("\n"):
        return None  # the driver splits long lines: a part of a line is not a line
    body = text[:-1].removesuffix("\r").encode("utf-8", "replace")
    return None if b"\n" in body else Unwrapped(body, "", len(b'{"log":"'))
