"""A block of gctrace lines to columns at once: numpy instead of a regular expression per line.

Exactly the language of `gcline.GC_LINE` for lines that begin with "gc ", proven by a property test:
(1) the text that remains without digits and dots is one of the known skeletons, byte for byte;
(2) the gaps between the numbers are where that skeleton has them; (3) each number is well-formed.
A line that fails any of these goes to the regular expression, which then says what it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

FORCED: Final = 1
LEAK_CHECK: Final = 2
_NO_STACKS: Final = 4
_CR: Final = 8

_NUMERIC: Final = b"0123456789."
_NOT_DIGIT: Final = bytes(set(range(256)) - set(b"0123456789"))
_MAX_DIGITS: Final = 15
"""Longer numbers are left to the regular expression: 10**15 is exact in a float64."""
_WIDE: Final = 18
"""Numbers in a line since Go 1.18; 16 before."""
_DOTTED: Final = slice(1, 11)
"""The start, the percentage, and the eight phases: all but the percentage may have a dot."""
_PERCENT: Final = 1
_MS_DECIMALS: Final = np.array([0, 0] + [3] * 8, np.uint8)
"""The start is printed in seconds, the phases in milliseconds."""
_POW10: Final = 10 ** np.arange(17, dtype=np.int64)
_POW10_FLOAT: Final = 10.0 ** np.arange(17)
_POW10_SMALL: Final = np.array([1, 10, 100, 1000, 10000], np.uint16)


def _template(code: int) -> bytes:
    """A line of the kind with "0" for every number."""
    leak = b" (checking for goroutine leaks)" if code & LEAK_CHECK else b""
    sizes = b"" if code & _NO_STACKS else b", 0 MB stacks, 0 MB globals"
    tail = (b" (forced)" if code & FORCED else b"") + (b"\r" if code & _CR else b"")
    head = b"gc 0 @0s 0%" + leak + b": 0+0+0 ms clock, 0+0/0/0+0 ms cpu, "
    return head + b"0->0->0 MB, 0 MB goal" + sizes + b", 0 P" + tail


_TEMPLATES: Final = [_template(code) for code in range(16)]
_SKELETONS: Final = {text.translate(None, b"0"): code for code, text in enumerate(_TEMPLATES)}
_UNKNOWN: Final = 255


def _gaps(template: bytes) -> Ints:
    """Bytes between the numbers of a template; the first is the one before the first number."""
    at = np.flatnonzero(np.frombuffer(template, np.uint8) == ord("0"))
    return np.diff(at, prepend=-1) - 1


_GAPS_WIDE: Final = np.stack(
    [_gaps(t if not code & _NO_STACKS else _template(0)) for code, t in enumerate(_TEMPLATES)]
)
_GAPS_NARROW: Final = np.delete(_GAPS_WIDE, [15, 16], axis=1)


@dataclass(frozen=True, slots=True)
class BodyColumns:
    """The numbers of n lines; rows with `ok` false mean nothing.

    Attributes:
        times: (n, 9) seconds: start, three clock phases, five CPU phases.
        counts: (n, 9): number, percent, heap start, end, marked, goal, stacks, globals, procs;
            -1 for sizes that the line does not have.
        flags: (n,) FORCED | LEAK_CHECK.
        ok: (n,) whether the line is a whole gctrace line that this reader decided.
    """

    times: Floats
    counts: Ints
    flags: NDArray[np.uint8]
    ok: Flags


def read_body(body: bytes) -> BodyColumns:
    """Columns of lines that all begin with "gc ", each ended by a newline."""
    codes = _codes(body)
    n = len(codes)
    out = BodyColumns(
        np.zeros((n, 9)),
        np.full((n, 9), -1, np.int64),
        (codes & (FORCED | LEAK_CHECK)).astype(np.uint8),
        np.zeros(n, np.bool_),
    )
    known = codes != _UNKNOWN
    for narrow in (False, True):
        rows = np.flatnonzero(known & (((codes & _NO_STACKS) != 0) == narrow))
        if len(rows):
            _read_group(_select(body, rows, n), codes[rows], rows, out, narrow=narrow)
    return out


def _codes(body: bytes) -> NDArray[np.uint8]:
    """The kind of each line, _UNKNOWN where its text is not that of a gctrace line."""
    skeleton = body.translate(None, _NUMERIC)
    first = skeleton[: skeleton.index(b"\n")]
    n, rest = divmod(len(skeleton), len(first) + 1)
    if not rest and first in _SKELETONS and skeleton == (first + b"\n") * n:
        return np.full(n, _SKELETONS[first], np.uint8)
    get = _SKELETONS.get
    return np.array([get(text, _UNKNOWN) for text in skeleton.split(b"\n")[:-1]], np.uint8)


def _select(body: bytes, rows: Ints, n: int) -> bytes:
    """The given lines of a body."""
    if len(rows) == n:
        return body
    lines = body.split(b"\n")
    return b"".join([lines[i] + b"\n" for i in rows.tolist()])


def _read_group(
    body: bytes, codes: NDArray[np.uint8], rows: Ints, out: BodyColumns, *, narrow: bool
) -> None:
    """Read lines with the same count of numbers into their rows of `out`."""
    gaps = _GAPS_NARROW if narrow else _GAPS_WIDE
    n, width = len(rows), gaps.shape[1]
    u8 = np.frombuffer(body, np.uint8)
    starts, ends = _runs(u8)
    if len(starts) != n * width:
        return  # a number is missing or there is one too many: the regular expression says where
    starts, ends = starts.reshape(n, width), ends.reshape(n, width)
    digits = ends - starts
    decimals = _decimals(u8, ends[:, _DOTTED], digits[:, _DOTTED])
    ok = _gaps_agree(u8, starts, ends, gaps, codes) & _dots_agree(u8, starts, decimals)
    digits[:, _DOTTED] -= decimals != 0
    if digits.max() > _MAX_DIGITS:
        ok &= (digits <= _MAX_DIGITS).all(axis=1)
    if not ok.all():
        body, digits, decimals = _select(body, np.flatnonzero(ok), n), digits[ok], decimals[ok]
    _fill(body, digits, decimals, rows[ok], out)


def _runs(u8: NDArray[np.uint8]) -> tuple[Ints, Ints]:
    """Starts and ends of the runs of digits and dots; the body begins and ends with others."""
    numeric = (u8 - np.uint8(0x30)) < 10  # noqa: PLR2004 - wraps below "0"
    numeric |= u8 == ord(".")
    edges = np.flatnonzero(numeric[1:] != numeric[:-1])
    edges += 1
    return edges[0::2], edges[1::2]


def _gaps_agree(
    u8: NDArray[np.uint8], starts: Ints, ends: Ints, gaps: Ints, codes: NDArray[np.uint8]
) -> Flags:
    """Whether the numbers of each line stand in the gaps that its skeleton has."""
    newlines = np.flatnonzero(u8 == ord("\n"))
    begins = np.empty_like(newlines)
    begins[0] = 0
    begins[1:] = newlines[:-1] + 1
    found = np.empty_like(starts)
    found[:, 0] = starts[:, 0] - begins
    np.subtract(starts[:, 1:], ends[:, :-1], out=found[:, 1:])
    differ = found != (gaps[codes[0]] if (codes == codes[0]).all() else gaps[codes])
    return ~differ.any(axis=1) if differ.any() else np.ones(len(starts), np.bool_)


def _decimals(u8: NDArray[np.uint8], ends: Ints, lengths: Ints) -> NDArray[np.uint8]:
    """Digits behind the dot of the ten numbers, 1 to 3; 0 if there is no dot or elsewhere."""
    at = ends - 1
    decimals = np.zeros(ends.shape, np.uint8)
    for count in (1, 2, 3):
        at -= 1
        dotted = u8.take(at, mode="clip") == ord(".")
        dotted &= lengths > count + 1  # else it is the dot of the number before
        decimals += dotted * np.uint8(count)
    decimals[:, _PERCENT] = 0
    return decimals


def _dots_agree(u8: NDArray[np.uint8], starts: Ints, decimals: NDArray[np.uint8]) -> Flags:
    """Whether each dot of each line is the one that was found for a time."""
    dots = u8 == ord(".")
    if np.count_nonzero(dots) == np.count_nonzero(decimals):
        return np.ones(len(starts), np.bool_)
    line = np.searchsorted(starts[:, 0], np.flatnonzero(dots), "right") - 1
    agree: Flags = np.bincount(line, minlength=len(starts)) == np.count_nonzero(decimals, axis=1)
    return agree


def _fill(
    body: bytes, digits: Ints, decimals: NDArray[np.uint8], rows: Ints, out: BodyColumns
) -> None:
    """Write the values of lines that are known to be well-formed."""
    if not len(rows):
        return
    values = _integers(body, digits)
    where = slice(None) if len(rows) == len(out.ok) else rows
    scaled = values[:, _DOTTED] / _POW10_FLOAT.take(decimals + _MS_DECIMALS)
    out.times[where] = np.delete(scaled, _PERCENT, axis=1)
    out.counts[where, :2] = values[:, 0:3:2]
    if values.shape[1] == _WIDE:
        out.counts[where, 2:] = values[:, 11:]
    else:
        out.counts[where, 2:6] = values[:, 11:15]
        out.counts[where, 8] = values[:, 15]
    out.ok[where] = True


def _integers(body: bytes, digits: Ints) -> Ints:
    """The numbers with their dots left out: windows of four digits, looked up by their end."""
    d = np.frombuffer(b"0000" + body.translate(None, _NOT_DIGIT), np.uint8) - np.uint8(0x30)
    two = d[:-1] * np.uint8(10)
    two += d[1:]
    four = two[:-2] * np.uint16(100)
    four += two[2:]
    flat = digits.ravel()
    ends = flat.cumsum()
    part = four.take(ends, mode="clip")
    part %= _POW10_SMALL.take(flat, mode="clip")
    values = part.astype(np.int64)
    done = 4
    while len(more := np.flatnonzero(flat > done)):
        part = four[ends[more] - done] % _POW10_SMALL.take(flat[more] - done, mode="clip")
        values[more] += part * _POW10[done]
        done += 4
    return values.reshape(digits.shape)
