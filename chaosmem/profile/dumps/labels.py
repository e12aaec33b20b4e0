r"""pprof labels as the runtime prints them in goroutine text.

debug=1: `{"key":"value", ...}`, each in Go's %q. debug=2: `key: value, ...`, quoted only where it
is needed (runtime/traceback.go), with \n \r \t \\ \" \xNN \uNNNN \UNNNNNNNN.
"""

from __future__ import annotations

import re
from typing import Final

from chaosmem.profile.dumps.records import Labels

_QUOTED: Final = rb'"(?:[^"\\\n]|\\.)*+"'
_BARE: Final = rb"[A-Za-z0-9./_]*+"
_PAIR: Final = re.compile(
    rb"(" + _QUOTED + rb"|" + _BARE + rb"): ?(" + _QUOTED + rb"|" + _BARE + rb")(, |$)"
)
_ESCAPE: Final = re.compile(r"\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8})|(.))")
_SIMPLE: Final = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_LAST_RUNE: Final = 0x10FFFF


def parse_labels(text: bytes) -> Labels | None:
    """The labels within the braces, by key; None if it is not a list of labels."""
    out: list[tuple[str, str]] = []
    at = 0
    while at < len(text):
        found = _PAIR.match(text, at)
        if found is None or (not found[3] and found.end() != len(text)):
            return None
        out.append((unquote(found[1]), unquote(found[2])))
        at = found.end()
        if found[3] and at == len(text):
            return None
    return tuple(sorted(out))


def unquote(text: bytes) -> str:
    """A Go string as printed, quoted or bare; bytes that are not UTF-8 become U+FFFD."""
    plain = text.decode("utf-8", "replace")
    if not plain.startswith('"'):
        return plain
    return _ESCAPE.sub(_unescape, plain[1:-1])


def _unescape(found: re.Match[str]) -> str:
    """One escape sequence."""
    byte, short, long, simple = found.groups()
    if byte is not None:
        code = int(byte, 16)
        return chr(code) if code < 0x80 else "\ufffd"  # noqa: PLR2004 - a byte that is not UTF-8
    if simple is not None:
        return _SIMPLE.get(simple, simple)
    code = int(short or long, 16)
    return chr(code) if code <= _LAST_RUNE and not 0xD800 <= code < 0xE000 else "\ufffd"  # noqa: PLR2004 - surrogates
