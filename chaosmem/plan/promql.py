"""PromQL text: variables filled in, and the selectors whose raw samples a query rests on."""

from __future__ import annotations

import re
from collections.abc import Mapping

from chaosmem.errors import SpecError

_VARIABLE = re.compile(r"\$([a-z_]+)")
_TOKEN = re.compile(
    r"""(?P<text>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`)
      | (?P<comment>\#[^\n]*)
      | (?P<range>\[[^\]]*\])
      | (?P<number>\d[\w.]*)
      | (?P<name>[A-Za-z_:][\w:]*)
      | (?P<other>\S)""",
    re.VERBOSE,
)
_LABEL_LISTS = frozenset(("by", "without", "on", "ignoring", "group_left", "group_right"))
_WORDS = _LABEL_LISTS | {"and", "or", "unless", "bool", "offset", "inf", "nan", "start", "end"}


def filled(query: str, values: Mapping[str, str]) -> str:
    """`query` with its variables; SpecError for one without a value."""

    def one(match: re.Match[str]) -> str:
        if match[1] not in values:
            raise SpecError(f"${match[1]} has no value here", hint="add it to prometheus.variables")
        return values[match[1]]

    return _VARIABLE.sub(one, query)


def selectors(query: str) -> tuple[str, ...]:
    """The series selectors in `query`, each once: `up{job="a"}`; no functions, no label names."""
    tokens = [m for m in _TOKEN.finditer(query) if m.lastgroup != "comment"]
    found: dict[str, None] = {}
    i = 0
    while i < len(tokens):
        word = tokens[i][0]
        follows = tokens[i + 1][0] if i + 1 < len(tokens) else ""
        if word.lower() in _LABEL_LISTS and follows == "(":
            i = _closing(tokens, i + 1, ")")
        elif word == "{" or (_is_series(tokens[i]) and follows == "{"):
            end = _closing(tokens, i + (word != "{"), "}")
            last = tokens[min(end, len(tokens) - 1)]
            found[query[tokens[i].start() : last.end()]] = None
            i = end
        elif _is_series(tokens[i]) and _stands_alone(follows):
            found[word] = None
        i += 1
    return tuple(found)


def _stands_alone(follows: str) -> bool:
    """No function, no aggregation before its labels (`sum by (x) (...)`)."""
    return follows.lower() not in ("(", "by", "without")


def _is_series(token: re.Match[str]) -> bool:
    return token.lastgroup == "name" and token[0].lower() not in _WORDS


def _closing(tokens: list[re.Match[str]], start: int, sign: str) -> int:
    i = start
    while i < len(tokens) and tokens[i][0] != sign:
        i += 1
    return i
