r"""Regular expressions in the syntax of Go (RE2), the one that every pprof flag has.

They run on `re`, after a translation: `\d`, `\s`, `\w` and `\b` mean ASCII, `$` is the very end of
the text, `[[:alpha:]]` and `\z` and `\Q...\E` exist. What RE2 does not have (look-around, back
references, atomic groups, possessive repeats) is refused, so that a pattern which works here works
in pprof as well; `\p{...}`, `\C` and `(?U)` are refused too.
Source: https://github.com/google/re2/wiki/Syntax
"""

from __future__ import annotations

import re
from functools import lru_cache

from chaosmem.errors import UsageError

_CLASSES = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "ascii": r"\x00-\x7F",
    "blank": r"\t ",
    "cntrl": r"\x00-\x1F\x7F",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\t\n\v\f\r ",
    "upper": "A-Z",
    "word": "0-9A-Za-z_",
    "xdigit": "0-9A-Fa-f",
}
_TOKEN = re.compile(
    r"""
    (?P<quoted> \\Q(?P<literal>.*?)(?:\\E|\Z) )
  | (?P<class>  \[:(?P<not>\^?)(?P<name>\w+):\] )
  | (?P<hex>    \\x\{(?P<code>[0-9A-Fa-f]+)\} )
  | (?P<escape> \\. )
  | (?P<group>  \(\?(?P<kind>P?<[=!]|P[=>]|[=!>\#(]|P?<|[imsU-]*) )
  | (?P<repeat> (?:[*+?]|\{\d+(?:,\d*)?\})[+] )
  | (?P<other>  . )
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPES = {r"\z": r"\Z", r"\a": r"\x07"}
_REFUSED_ESCAPES = frozenset("pPCZKGX")


@lru_cache(maxsize=512)
def compile_pattern(pattern: str, what: str = "pattern") -> re.Pattern[str]:
    """The pattern, ready for `search`.

    Args:
        pattern: Go syntax.
        what: name of the option, for errors.

    Raises:
        UsageError: it is no regular expression of Go's.
    """
    try:
        return re.compile(_translated(pattern, what), re.ASCII)
    except (re.error, OverflowError, RecursionError) as error:
        raise UsageError(f"{what} {pattern!r} is no regular expression: {error}") from error


def _translated(pattern: str, what: str) -> str:
    out: list[str] = []
    opened = -1  # where in `out` the character class began, -1 outside of one
    multi_line = re.search(r"\(\?[is]*m", pattern) is not None
    for token in _TOKEN.finditer(pattern):
        text = token[0]
        if opened >= 0:
            first = out[opened + 1 :] in ([], ["^"])  # a bracket there is a member
            out.append(_inside_class(token))
            opened = opened if text != "]" or first else -1
        elif text == "[":
            opened = len(out)
            out.append(text)
        else:
            out.append(_outside_class(token, what, multi_line=multi_line))
    return "".join(out)


def _inside_class(token: re.Match[str]) -> str:
    if token["class"]:
        members = _CLASSES.get(token["name"])
        if members is None or token["not"]:
            raise UsageError(f"character class {token[0]} is not supported")
        return members
    # `re` reserves these inside a class, where RE2 has plain characters
    return "\\" + token[0] if token[0] in ("[", "&", "~", "|") else _plain(token)


def _outside_class(token: re.Match[str], what: str, *, multi_line: bool) -> str:
    text = token[0]
    if text == "$":
        return "$" if multi_line else r"\Z"
    if token["repeat"] or (token["group"] and _beyond_re2(token["kind"])):
        raise UsageError(f"{what} has {text!r}, which Go's regular expressions do not have")
    if token["group"] and token["kind"] == "<":
        return "(?P<"
    return _plain(token)


def _plain(token: re.Match[str]) -> str:
    text = token[0]
    if token["quoted"]:
        return re.escape(token["literal"])
    if token["hex"]:
        return re.escape(chr(min(int(token["code"], 16), 0x10FFFF)))
    if token["escape"]:
        if text[1] in _REFUSED_ESCAPES or (text[1].isdigit() and text[1] != "0"):
            raise UsageError(f"{text!r} is not supported in a pattern")
        return _ESCAPES.get(text, text)
    return text


def _beyond_re2(kind: str) -> bool:
    return "U" in kind or (kind not in ("<", "P<") and not re.fullmatch(r"[ims-]*", kind))
