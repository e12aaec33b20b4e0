"""In what two experiments differ, as people would say it. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

_SHOWN = 8


def differences(before: str, after: str) -> tuple[str, ...]:
    """`phases.hold: "10s" -> "20s"` for each leaf that differs in two canonical JSON texts."""
    old, new = dict(_leaves(json.loads(before))), dict(_leaves(json.loads(after)))
    places = [*old, *(place for place in new if place not in old)]
    return tuple(
        f"{place}: {old.get(place, 'absent')} -> {new.get(place, 'absent')}"
        for place in places
        if old.get(place) != new.get(place)
    )


def in_words(found: tuple[str, ...]) -> str:
    """The first few differences in one sentence part."""
    if not found:
        return "they differ in their text only (comments, order or layout), not in what they ask"
    more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return "they differ in " + "; ".join(found[:_SHOWN]) + more


def _leaves(value: Any, place: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _leaves(inner, f"{place}.{key}" if place else str(key))
    elif isinstance(value, list) and value:
        for number, inner in enumerate(value):
            yield from _leaves(inner, f"{place}[{number}]")
    else:
        yield place, json.dumps(value, ensure_ascii=False)
