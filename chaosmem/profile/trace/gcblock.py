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
_MAX_DIGITS: Final = 15
"""Longer numbers are left to the regular expression: 10**15 is exact in a float64."""
_WIDE: Final = 18
"""Numbers in a line since Go 1.18; 16 before."""
_DOTTED: Final = slice(1, 11)
"""The start, the percentage, and the eight phases: all but the percentage may have a dot."""
_PERCENT: Final = 1
_MS_DECIMALS: Final = np.array([0, 0] + [3] * 8, np.uint8)
"""The start is printed in seconds, the phases in milliseconds."""
_WINDOW: Final = 4
"""Digits of a number that are looked up at once: 9999 fits 16 bits."""
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


_HEAD_GAP: Final = len(b"gc ")


def _gaps(template: bytes) -> Ints:
    """Bytes after each number of a template; after the last, up to the next line's first number."""
    at = np.flatnonzero(np.frombuffer(template + b"\ngc 0", np.uint8) == ord("0"))
    return np.diff(at) - 1


_GAPS_WIDE: Final = np.stack([_gaps(_template(code & ~_NO_STACKS)) for code in range(16)])
_GAPS_NARROW: Final = np.stack([_gaps(_template(code | _NO_STACKS)) for code in range(16)])


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
    codes = bytes([get(text, _UNKNOWN) for text in skeleton.split(b"\n")[:-1]])
    return np.frombuffer(codes, np.uint8)


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
    values = u8 - np.uint8(0x30)
    digit = values < 10  # noqa: PLR2004 - wraps below "0"
    values *= digit
    dots = u8 == ord(".")
    edges = _edges(digit | dots)
    if len(edges) != 2 * n * width:
        return  # a number is missing or there is one too many: the regular expression says where
    steps = edges[1:] - edges[:-1]
    ends = edges[1::2].copy().reshape(n, width)
    digits = steps[0::2].copy().reshape(n, width)
    decimals = _decimals(dots.view(np.uint8), ends[:, _DOTTED], digits[:, _DOTTED])
    ok = _gaps_agree(int(edges[0]), steps[1::2], gaps, codes)
    ok &= _dots_agree(dots, edges[0 :: 2 * width], decimals)
    if digits.max() > _MAX_DIGITS:
        ok &= (digits <= _MAX_DIGITS).all(axis=1)
    if ok.all():
        _fill(_windows(values), _Places(ends, digits, decimals), rows, out)
    elif ok.any():
        _read_group(_select(body, np.flatnonzero(ok), n), codes[ok], rows[ok], out, narrow=narrow)


def _edges(numeric: Flags) -> Ints:
    """Start, end, start, ... of the runs of digits and dots; the body is others at both ends."""
    edges = np.flatnonzero(numeric[1:] != numeric[:-1])
    edges += 1
    return edges


def _gaps_agree(first: int, found: Ints, gaps: Ints, codes: NDArray[np.uint8]) -> Flags:
    """Whether the numbers of each line stand in the gaps that its skeleton has.

    Args:
        first: bytes before the first number of the body.
        found: bytes between its numbers, in a row over all lines.
        gaps: for each kind of line, bytes after each number, up to the next line's first.
        codes: the kind of each line.
    """
    n, width = len(codes), gaps.shape[1]
    same = bool((codes == codes[0]).all())
    want = gaps[codes[0]] if same else gaps[codes]
    padded = np.empty(n * width, np.int64)
    padded[:-1] = found
    padded[-1] = gaps[codes[-1], -1]
    differ = padded.reshape(n, width) != want
    agree = ~differ.any(axis=1) if differ.any() else np.ones(n, np.bool_)
    agree[1:] &= agree[:-1]  # the gap before a line's first number is counted with the line before
    agree[0] &= first == _HEAD_GAP
    return agree


def _decimals(dots: NDArray[np.uint8], ends: Ints, lengths: Ints) -> NDArray[np.uint8]:
    """Digits behind the dot of the ten numbers, 1 to 3; 0 if there is no dot or elsewhere."""
    place = dots.copy()
    place[1:] += dots[:-1] * np.uint8(2)
    place[2:] += dots[:-2] * np.uint8(3)
    decimals = place.take(ends - 2, mode="clip")
    decimals *= lengths > decimals + np.uint8(1)  # else it is the dot of the number before
    decimals[:, _PERCENT] = 0
    return decimals


def _dots_agree(dots: Flags, firsts: Ints, decimals: NDArray[np.uint8]) -> Flags:
    """Whether each dot of each line is the one that was found; `firsts`: its first number."""
    if np.count_nonzero(dots) == np.count_nonzero(decimals):
        return np.ones(len(firsts), np.bool_)
    line = np.searchsorted(firsts, np.flatnonzero(dots), "right") - 1
    agree: Flags = np.bincount(line, minlength=len(firsts)) == np.count_nonzero(decimals, axis=1)
    return agree


@dataclass(frozen=True, slots=True, eq=False)
class _Places:
    """Where the numbers of n lines end, their lengths with the dot, and digits behind the dots."""

    ends: Ints
    lengths: Ints
    decimals: NDArray[np.uint8]


def _fill(four: NDArray[np.uint16], at: _Places, rows: Ints, out: BodyColumns) -> None:
    """Write the values of lines that are known to be well-formed."""
    where = slice(None) if len(rows) == len(out.ok) else rows
    parts = four.take(at.ends[:, _DOTTED] - _WINDOW, mode="clip")
    parts %= _POW10_SMALL.take(at.decimals, mode="clip")
    behind = at.decimals + (at.decimals != 0)
    at.ends[:, _DOTTED] -= behind
    at.lengths[:, _DOTTED] -= behind
    whole = _integers(four, at.ends, at.lengths)
    scaled = whole[:, _DOTTED] * _POW10.take(at.decimals, mode="clip")
    scaled += parts
    times = scaled / _POW10_FLOAT.take(at.decimals + _MS_DECIMALS)
    out.times[where, 0] = times[:, 0]
    out.times[where, 1:] = times[:, _PERCENT + 1 :]
    out.counts[where, :2] = whole[:, 0:3:2]
    if whole.shape[1] == _WIDE:
        out.counts[where, 2:] = whole[:, 11:]
    else:
        out.counts[where, 2:6] = whole[:, 11:15]
        out.counts[where, 8] = whole[:, 15]
    out.ok[where] = True


def _windows(values: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """The number that each four bytes are, from the values of their digits (0 for others)."""
    two = values[:-1] * np.uint8(10)
    two += values[1:]
    four = two[:-2] * np.uint16(100)
    four += two[2:]
    return four


def _integers(four: NDArray[np.uint16], ends: Ints, lengths: Ints) -> Ints:
    """The whole numbers of these ends and lengths: four digits are looked up at once."""
    part = four.take(ends - _WINDOW, mode="clip")
    part %= _POW10_SMALL.take(lengths, mode="clip")
    whole = part.astype(np.int64)
    for column in np.flatnonzero(lengths.max(axis=0) > _WINDOW).tolist():
        whole[:, column] += _above(four, ends[:, column], lengths[:, column])
    return whole


def _above(four: NDArray[np.uint16], ends: Ints, lengths: Ints) -> Ints:
    """What the digits beyond the last four of each number are worth."""
    total = np.zeros(len(ends), np.int64)
    for done in range(_WINDOW, int(lengths.max()), _WINDOW):
        part = four.take(ends - (done + _WINDOW), mode="clip")
        part = part % _POW10_SMALL.take(np.maximum(lengths - done, 0), mode="clip")
        total += part * _POW10[done]
    return total
