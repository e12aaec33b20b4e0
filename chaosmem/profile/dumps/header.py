"""The header of a goroutine in a debug=2 dump (runtime/traceback.go goroutineheader, 1.21 to 1.27).

goroutine ID[ gp=0x.. m=N mp=0x..] [STATUS[ (leaked)][ (scan)][ (durable)][, N minutes]
    [, locked to thread][, synctest bubble N][ labels:{..}]][ {labels}]:
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from chaosmem.profile.dumps.labels import parse_labels
from chaosmem.profile.dumps.records import STATES, Labels, State

HEADER: Final = re.compile(
    rb"goroutine ([0-9]{1,19})"
    rb"(?: gp=0x[0-9a-f]{1,16} m=(?:nil|-?[0-9]{1,10}(?: mp=0x[0-9a-f]{1,16})?))?"
    rb" \[([^\]{\n]{1,300}?)(?: labels:\{(.*)\})?\](?: \{(.*)\})?:"
)
_TAGS: Final = re.compile(r" \((leaked|scan|durable)\)$")
_MINUTES: Final = re.compile(r"([0-9]{1,12}) minutes")
_BUBBLE: Final = re.compile(r"synctest (?:bubble|group) ([0-9]{1,19})")


@dataclass(frozen=True, slots=True)
class Header:
    """A goroutine's number, state and labels."""

    id: int
    state: State
    labels: Labels


def parse_header(line: bytes) -> Header | None:
    """A header line without its newline; None if it is none, or not whole."""
    found = HEADER.fullmatch(line)
    if found is None or (state := parse_state(found[2])) is None:
        return None
    text = found[3] or found[4] or b""
    labels = parse_labels(text) if text else ()
    return None if labels is None else Header(int(found[1]), state, labels)


@lru_cache(maxsize=4096)
def parse_state(text: bytes) -> State | None:
    """What stands in the brackets; None if it is not in the grammar."""
    status, *parts = text.decode("utf-8", "replace").split(", ")
    tags: set[str] = set()
    while found := _TAGS.search(status):
        tags.add(found[1])
        status = status[: found.start()]
    minutes = bubble = None
    for part in parts:
        if part == "locked to thread":
            tags.add("locked")
        elif found := _MINUTES.fullmatch(part):
            minutes = int(found[1])
        elif found := _BUBBLE.fullmatch(part):
            bubble = int(found[1])
        else:
            return None
    leaked = "leaked" in tags or status == "leaked"
    known = status in STATES
    return State(
        status=status if known else "leaked" if leaked else "waiting",
        reason="" if known else status,
        minutes=minutes,
        locked="locked" in tags,
        durable="durable" in tags,
        scan="scan" in tags,
        leaked=leaked,
        bubble=bubble,
    )
