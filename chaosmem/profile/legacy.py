"""The legacy text of Go profiles (`debug=1`), by its `#` lines, into the same `Profile`.

pprof itself leaves the symbols of these texts aside and asks for the binary; chaosmem reads them,
so that a text capture gives the same functions and values as its protobuf twin. What the text does
not say stays empty: build ID, start lines, and which calls were inlined into which.

Values of heap texts are as sampled; they are scaled here as the runtime scales them in protobuf:
k = 1 / (1 - exp(-(bytes/objects)/rate)), with the rate half of the header's number.
Source: runtime/pprof/pprof.go (writeHeapInternal, printCountProfile), legacy_profile.go.
"""

from __future__ import annotations

import json
import math
import re

from chaosmem.errors import FormatError
from chaosmem.profile.columns import Profile, ValueType
from chaosmem.profile.legacy_tables import TextTables

_HEAP = re.compile(rb"heap profile: *(\d+): *(\d+) *\[ *(\d+): *(\d+) *\] *@ *heap/(\d+)\s*\Z")
_COUNT = re.compile(rb"(\S+) profile: total (\d+)\s*\Z")
_CONTENTION = re.compile(rb"--- (contention|mutex):\s*\Z")

_HEAP_ROW = re.compile(rb"(-?\d+): (-?\d+) \[(-?\d+): (-?\d+)\] @((?: 0x[0-9a-f]+)*)\s*\Z")
_COUNT_ROW = re.compile(rb"(\d+) @((?: 0x[0-9a-f]+)*)\s*\Z")
_CONTENTION_ROW = re.compile(rb"(\d+) +(\d+) @((?: 0x[0-9a-f]+)*)\s*\Z")
_FRAME = re.compile(rb"#\t0x([0-9a-f]+)\t(.*?)(?:\+0x[0-9a-f]+)?\t+(.*):(\d+)\s*\Z")
_LABELS = b"# labels: "
_DIGITS = 19  # of the largest int64
_INT64 = 1 << 63

_HEAP_TYPES = (
    ValueType("alloc_objects", "count"),
    ValueType("alloc_space", "bytes"),
    ValueType("inuse_objects", "count"),
    ValueType("inuse_space", "bytes"),
)
_CONTENTION_TYPES = (ValueType("contentions", "count"), ValueType("delay", "nanoseconds"))

_OTHERS = (
    (re.compile(rb"goroutine \d+ (gp=\S+ m=\S+ (mp=\S+ )?)?\["), "a goroutine dump (debug=2)"),
    (re.compile(rb"\s*<(!doctype|html)", re.IGNORECASE), "an HTML page"),
    (re.compile(rb"go 1\.\d+ trace"), "an execution trace"),
    (re.compile(rb"\s*[{\[]"), "JSON"),
    (re.compile(rb"gc \d+ @"), "a GC trace"),
)


def recognised(data: bytes) -> bool:
    """Whether the first line is that of a legacy text."""
    first = _first_line(data)
    return any(pattern.match(first) for pattern in (_HEAP, _COUNT, _CONTENTION))


def looks_like(data: bytes) -> str:
    """What else these bytes seem to be, "" if nothing known."""
    head = data[:200]
    return next((what for pattern, what in _OTHERS if pattern.match(head)), "")


def _first_line(data: bytes) -> bytes:
    return data[:400].split(b"\n", 1)[0]


def parse(data: bytes) -> Profile:
    """The profile in a legacy text.

    Raises:
        FormatError: a line is neither a sample, nor a frame, nor a comment; with its offset.
    """
    first = _first_line(data)
    heap, count = _HEAP.match(first), _COUNT.match(first)
    if heap:
        rate = _number(heap[5], 0) // 2
        return _Heap(rate).read(data, len(first))
    if count:
        return _Count(count[1].decode("utf-8", "replace")).read(data, len(first))
    if _CONTENTION.match(first):
        return _Contention().read(data, len(first))
    raise FormatError("this is no legacy profile", offset=0)


def _number(digits: bytes, at: int) -> int:
    value = int(digits) if len(digits.lstrip(b"-")) <= _DIGITS else 1 << 63
    if not -(1 << 63) <= value < 1 << 63:
        raise FormatError("number does not fit 64 bits", offset=at)
    return value


class _Reader:
    """Reads the lines of one kind of text."""

    row: re.Pattern[bytes]
    sample_types: tuple[ValueType, ...]
    period_type: ValueType
    period: int = 1

    def __init__(self) -> None:
        self.text = TextTables()

    def values(self, row: re.Match[bytes], at: int) -> list[int]:
        """The sample's values."""
        raise NotImplementedError

    def read(self, data: bytes, at: int) -> Profile:
        """Everything after the first line, which ends at `at`."""
        lines = data[at:].split(b"\n")
        for line in lines:
            if line.startswith((b"# runtime.MemStats", b"--- ", b"MAPPED_LIBRARIES:")):
                break
            if line.strip():
                self._line(line, at)
            at += len(line) + 1
        self.text.flush()
        return self.text.profile(self.sample_types, self.period_type, self.period)

    def _line(self, line: bytes, at: int) -> None:
        row = self.row.match(line)
        if row:
            addresses = row[row.lastindex or 0]
            if any(len(word) > 18 for word in addresses.split()):  # noqa: PLR2004 0x and 16 digits
                raise FormatError("address does not fit 64 bits", offset=at)
            values = self.values(row, at)
            if not all(-_INT64 <= value < _INT64 for value in values):
                raise FormatError("value does not fit 64 bits once it is scaled", offset=at)
            self.text.sample(values, addresses)
        elif line.startswith(b"#"):
            self._comment(line, at)
        elif not self.attribute(line, at):
            raise FormatError(f"line {line[:60]!r} is no sample", offset=at)

    def attribute(self, line: bytes, at: int) -> bool:  # noqa: ARG002 readers with a preamble do
        """Whether the line is of the preamble."""
        return False

    def _comment(self, line: bytes, at: int) -> None:
        frame = _FRAME.match(line)
        if frame and self.text.values:
            if len(frame[1]) > 16:  # noqa: PLR2004 digits of an address
                raise FormatError("address does not fit 64 bits", offset=at)
            self._frame(frame, at)
        elif line.startswith(_LABELS) and self.text.values:
            self._labels(line[len(_LABELS) :], at)

    def _frame(self, frame: re.Match[bytes], at: int) -> None:
        text = self.text
        name = text.string(frame[2].decode("utf-8", "surrogateescape"))
        file = text.string(frame[3].decode("utf-8", "surrogateescape"))
        function = text.functions.setdefault((name, file), len(text.functions))
        text.frame(int(frame[1], 16), function, _number(frame[4], at))

    def _labels(self, raw: bytes, at: int) -> None:
        try:
            labels = json.loads(raw)
        except (ValueError, RecursionError):
            labels = _go_quoted(raw)
        if not isinstance(labels, dict):
            raise FormatError("labels are malformed", offset=at)
        for key, value in labels.items():
            self.text.label(str(key), str(value))


class _Heap(_Reader):
    """heap and allocs."""

    row = _HEAP_ROW
    sample_types = _HEAP_TYPES
    period_type = ValueType("space", "bytes")

    def __init__(self, rate: int) -> None:
        super().__init__()
        self.period = rate

    def values(self, row: re.Match[bytes], at: int) -> list[int]:
        live, live_bytes, all_, all_bytes = (_number(row[i], at) for i in (1, 2, 3, 4))
        size = all_bytes // all_ if all_ else (live_bytes // live if live else 0)
        if size:
            key = self.text.string("bytes")
            self.text.labels.append((len(self.text.values), key, -1, size, key))
        return [
            *_unsampled(all_, all_bytes, self.period),
            *_unsampled(live, live_bytes, self.period),
        ]


def _unsampled(count: int, size: int, rate: int) -> tuple[int, int]:
    """The estimate of all from the sampled (runtime/pprof, scaleHeapSample)."""
    if not count or not size:
        return 0, 0
    if rate <= 1:
        return count, size
    missed = math.exp(-(size / count) / rate)
    if missed >= 1.0:  # bytes beyond what a float can tell from none
        return count, size
    scale = 1 / (1 - missed)
    return int(count * scale), int(size * scale)


class _Count(_Reader):
    """goroutine, goroutineleak, threadcreate: exact counts."""

    row = _COUNT_ROW

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.sample_types = (ValueType(kind, "count"),)
        self.period_type = ValueType(kind, "count")

    def values(self, row: re.Match[bytes], at: int) -> list[int]:
        return [_number(row[1], at)]


class _Contention(_Reader):
    """block and mutex: cycles and counts, scaled by the period in the preamble."""

    row = _CONTENTION_ROW
    sample_types = _CONTENTION_TYPES
    period_type = ValueType("contentions", "count")

    def __init__(self) -> None:
        super().__init__()
        self._hertz = 0

    def attribute(self, line: bytes, at: int) -> bool:
        key, equals, value = line.partition(b"=")
        if not equals or not value.strip().isdigit():
            return False
        if key.strip() == b"cycles/second":
            self._hertz = _number(value.strip(), at)
        elif key.strip() == b"sampling period":
            self.period = _number(value.strip(), at)
        return True

    def values(self, row: re.Match[bytes], at: int) -> list[int]:
        delay, count = _number(row[1], at), _number(row[2], at)
        if self.period > 0:
            if self._hertz > 0:
                delay = int(float(delay) * float(self.period) / (self._hertz / 1e9))
            count *= self.period
        return [count, delay]


_GO_PAIR = re.compile(rb'"((?:[^"\\]|\\.)*)":"((?:[^"\\]|\\.)*)"(?:, |\})')


def _go_quoted(raw: bytes) -> dict[str, str] | None:
    r"""Labels with escapes that Go's %q has and JSON has not (`\x00`, `\a`)."""
    found = {_unquoted(pair[1]): _unquoted(pair[2]) for pair in _GO_PAIR.finditer(raw)}
    return found or None


def _unquoted(quoted: bytes) -> str:
    text = quoted.decode("utf-8", "surrogateescape")
    return re.sub(
        r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)", _escape, text, flags=re.DOTALL
    )


_SIMPLE = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def _escape(match: re.Match[str]) -> str:
    body = match[1]
    if len(body) > 1:
        return chr(min(int(body[1:], 16), 0x10FFFF))
    return _SIMPLE.get(body, body)
