"""Moments as the history keeps them: UTC text of one width, so that its order is time's order."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from fractions import Fraction

from chaosmem.errors import UsageError

_AGE = re.compile(r"^(\d+(?:\.\d+)?)\s*(d|h|w)$")
_HOURS = {"h": 1, "d": 24, "w": 168}


def stamp(at: datetime) -> str:
    """A moment as text; one without zone is taken as UTC."""
    aware = at if at.tzinfo else at.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def age(text: str) -> timedelta:
    """A length of time of `400d`, `12w`, `36h`; UsageError otherwise."""
    found = _AGE.match(text.strip())
    if not found:
        raise UsageError(f"{text!r} is no age", hint="write for example 400d, 12w or 36h")
    try:
        return timedelta(hours=float(Fraction(found[1]) * _HOURS[found[2]]))
    except OverflowError as problem:
        raise UsageError(f"{text!r} is longer than the calendar") from problem


def moment(text: str, now: datetime, *, end: bool = False) -> str:
    """The stamp of `2026-11-01`, `2026-11-01T12:00:00Z` or an age before now; empty stays empty.

    With `end` a date means the end of its day.
    """
    if not text:
        return ""
    try:
        if _AGE.match(text.strip()):
            return stamp(now - age(text))
        at = datetime.fromisoformat(text)
    except (ValueError, OverflowError) as problem:
        raise UsageError(
            f"{text!r} is no moment", hint="write for example 2026-11-01, or 30d for 30 days ago"
        ) from problem
    date_only = "T" not in text and " " not in text.strip()
    return stamp(at + timedelta(days=1, microseconds=-1) if end and date_only else at)
