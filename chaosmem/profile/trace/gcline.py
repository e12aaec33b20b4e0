"""One line at a time: the regular expression that defines a gctrace line, and what damage is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from chaosmem.profile.trace.prefixes import Unwrapped, source_of, unwrap_json
from chaosmem.profile.trace.records import DamageKind

N: Final = rb"([0-9]{1,16})"
F: Final = rb"([0-9]{1,13}(?:\.[0-9]{1,3})?)"
NOTICE: Final = b"GC forced"
"""forcegchelper prints it before a two-minute periodic collection (runtime/proc.go)."""

GC_LINE: Final = re.compile(
    rb"gc " + N + rb" @" + F + rb"s " + N + rb"%( \(checking for goroutine leaks\))?: "
    rb"" + F + rb"\+" + F + rb"\+" + F + rb" ms clock, "
    rb"" + F + rb"\+" + F + rb"/" + F + rb"/" + F + rb"\+" + F + rb" ms cpu, "
    rb"" + N + rb"->" + N + rb"->" + N + rb" MB, " + N + rb" MB goal"
    rb"(?:, " + N + rb" MB stacks, " + N + rb" MB globals)?, " + N + rb" P( \(forced\))?"
)
_HEAD: Final = re.compile(rb"gc [0-9]+ @[0-9]")
_START: Final = re.compile(rb"gc [0-9]+ @[0-9.]+s [0-9]+%")
_INITTRACE: Final = re.compile(rb"init \S{1,4096} @[0-9.]+ ms, | bytes, [0-9]+ allocs")
"""inittrace has " ms clock, " too."""
FRAGMENT_MARKS: Final = (b" ms clock, ", b" ms cpu, ", b" MB goal", b" MB stacks, ", b" MB globals")
"""Texts that stand only in a gctrace line; any of them without the rest is a torn line."""

_FLOATS: Final = (2, 5, 6, 7, 8, 9, 10, 11, 12)
_INTS: Final = (1, 3, 13, 14, 15, 16, 17, 18, 19)


@dataclass(frozen=True, slots=True)
class GcFields:
    """The numbers of a line: `times` in seconds, `counts` as printed (-1 where a line has none).

    times: start, three clock phases, five CPU phases.
    counts: number, percent, heap start, end and marked, goal, stacks, globals, procs.
    """

    times: tuple[float, ...]
    counts: tuple[int, ...]
    forced: bool
    leak_check: bool
    source: str
    skipped: int


def decimal(text: bytes, scale: int) -> float:
    """The number times 10**-scale, rounded once: an exact integer over a power of ten."""
    whole, _, part = text.partition(b".")
    return float(int(whole + part) / 10 ** (len(part) + scale))


def _fields(found: re.Match[bytes], source: str, skipped: int) -> GcFields:
    """The fields of a match; the start is printed in seconds, the phases in milliseconds."""
    times = tuple(decimal(found[i], 0 if i == 2 else 3) for i in _FLOATS)  # noqa: PLR2004 - group 2
    counts = tuple(-1 if found[i] is None else int(found[i]) for i in _INTS)
    return GcFields(times, counts, found[20] is not None, found[4] is not None, source, skipped)


def unwrap(line: bytes) -> Unwrapped | None:
    """The trace text of a line and who wrote it; None if unknown text stands before it."""
    wrapped = unwrap_json(line)
    if wrapped is not None:
        return wrapped
    body = line[:-1] if line.endswith(b"\r") else line
    at = body.find(NOTICE) if body.endswith(NOTICE) else _head_at(body)
    if at < 0 or (source := source_of(body[:at])) is None:
        return None
    return Unwrapped(body[at:], source, at)


def _head_at(body: bytes) -> int:
    """Where "gc N @" starts; -1 if nowhere."""
    found = _HEAD.search(body)
    return -1 if found is None else found.start()


def read_line(line: bytes) -> GcFields | DamageKind | Unwrapped | None:
    """What a line without its newline is.

    Returns:
        GcFields of a whole gctrace line, the `Unwrapped` of a "GC forced" notice, a DamageKind if
        the line is a damaged part of a trace, None if it has nothing to do with gctrace.
    """
    inner = unwrap(line)
    if inner is None:
        return _damage(line)
    if inner.body == NOTICE:
        return inner
    found = GC_LINE.fullmatch(inner.body)
    if found is None:
        return _damage(inner.body)
    return _fields(found, inner.source, inner.skipped)


def _damage(body: bytes) -> DamageKind | None:
    """What kind of damaged trace line this is; None for other people's text."""
    at = _head_at(body)
    if at >= 0:
        tail = body[at:].rstrip(b"\r")
        if at > 0 and GC_LINE.fullmatch(tail):
            return DamageKind.GLUED
        if at == 0 or _START.match(tail) or source_of(body[:at]) is not None:
            return DamageKind.TORN
    if any(mark in body for mark in FRAGMENT_MARKS) and not _INITTRACE.search(body):
        return DamageKind.FRAGMENT
    return None
