"""What pydantic says about a value, in words that say how to mend it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Final, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from chaosmem.spec.errors import did_you_mean, unknown

_EXAMPLES: Final = {
    "container": "cart",
    "count": "2000",
    "level": "80%",
    "max": "500MiB",
    "mix": "[{path: /healthz}]",
    "name": "cart-memory",
    "namespace": "shop",
    "path": "/healthz",
    "profile": "heap",
    "rate": "50/s",
    "selector": "{app: cart}",
    "url": "http://127.0.0.1:8080",
    "via": "helper",
}
_EXAMPLES_OF: Final = {
    ("goroutines", "max"): "20000",
    ("error-rate", "max"): "5%",
    ("slack", "url"): "{env: SLACK_URL}",
    ("webhook", "url"): "{env: WEBHOOK_URL}",
    ("apprise", "url"): "{env: APPRISE_URL}",
    ("jira", "url"): "https://jira.example.com",
    ("jira", "token"): "{env: JIRA_TOKEN}",
    ("jira", "project"): "SRE",
    ("email", "server"): "mail.example.com",
    ("email", "from"): "chaosmem@example.com",
    ("email", "to"): "team@example.com",
}


def message(detail: ErrorDetails, root: object, path: tuple[str | int, ...]) -> str:
    """Say what `detail` means; `root` is the type that was validated, `path` the place."""
    known = _MESSAGES.get(detail["type"])
    if known is not None:
        return known(detail)
    if detail["type"] == "extra_forbidden":
        return _unknown_field(detail, root)
    if detail["type"] == "missing":
        return _missing(path)
    return f"{detail['input']!r}: {detail['msg']}"


def _unknown_field(detail: ErrorDetails, root: object) -> str:
    name = str(detail["loc"][-1])
    owner = _model_at(root, detail["loc"][:-1])
    return unknown("field", name, _fields(owner) if owner else ())


def _fields(owner: type[BaseModel]) -> list[str]:
    return [info.alias or name for name, info in owner.model_fields.items() if name != "kind"]


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    """Every model that an annotation speaks of, outermost first."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        return
    for part in get_args(annotation):
        yield from _models(part)


def _model_at(root: object, loc: tuple[str | int, ...]) -> type[BaseModel] | None:
    """The model that `loc` leads to from the type `root`, if there is one."""
    current = next(_models(root), None)
    for step in loc:
        if isinstance(step, int) or current is None:
            continue
        by_alias = {info.alias or n: info for n, info in current.model_fields.items()}
        info = by_alias.get(step)
        current = next(_models(info.annotation), None) if info else None
    return current


def _missing(path: tuple[str | int, ...]) -> str:
    name = str(path[-1])
    kind = next((str(step) for step in path[-2::-1] if isinstance(step, str)), "")
    example = _EXAMPLES_OF.get((kind, name)) or _EXAMPLES.get(name)
    return f"`{name}` is missing; add " + (f"for example {name}: {example}" if example else "it")


def _own_words(detail: ErrorDetails) -> str:
    return str(detail["ctx"]["error"])


def _one_of(detail: ErrorDetails) -> str:
    choices = re.findall("'([^']*)'", str(detail["ctx"]["expected"]))
    value = detail["input"]
    guess = did_you_mean(value, choices) if isinstance(value, str) else None
    if guess:
        return f"{value!r} is not known here; did you mean {guess}?"
    return f"{shown(value)} is not known here; write {' or '.join(choices)}"


def _no_text(detail: ErrorDetails) -> str:
    value = detail["input"]
    if isinstance(value, dict | list) or value is None:
        return f"must be text, not {shown(value)}"
    return f'must be text; put it in quotes: "{shown(value)}"'


def _no_pattern(detail: ErrorDetails) -> str:
    if "A-Z" in str(detail["ctx"]["pattern"]):  # not shown: it may be the secret itself
        return "must be the name of an environment variable, for example CHAOSMEM_AGENT_TOKEN"
    value = str(detail["input"])
    mended = re.sub("[^a-z0-9]+", "-", value.lower()).strip("-")[:40].strip("-")
    words = "a name is lower-case letters, digits and hyphens"
    return f"{value!r}: {words}" + (f"; write for example {mended}" if mended else "")


def _bound(words: str, key: str) -> Callable[[ErrorDetails], str]:
    return lambda detail: f"{shown(detail['input'])} must be {words} {detail['ctx'][key]}"


def _must_be(words: str) -> Callable[[ErrorDetails], str]:
    return lambda detail: f"must be {words}, not {shown(detail['input'])}"


_WHOLE: Final = _must_be("a whole number")
_LIST: Final = _must_be("a list, written [a, b] or one `- ` a line")
_FIELDS: Final = _must_be("a mapping of fields, written {key: value}")
_MESSAGES: Final[dict[str, Callable[[ErrorDetails], str]]] = {
    "value_error": _own_words,
    "literal_error": _one_of,
    "enum": _one_of,
    "string_type": _no_text,
    "string_pattern_mismatch": _no_pattern,
    "string_too_short": lambda _: "must not be empty",
    "int_type": _WHOLE,
    "int_from_float": _WHOLE,
    "float_type": _must_be("a number"),
    "bool_type": _must_be("true or false"),
    "bool_parsing": _must_be("true or false"),
    "tuple_type": _LIST,
    "list_type": _LIST,
    "dict_type": _FIELDS,
    "model_type": _FIELDS,
    "greater_than_equal": _bound("at least", "ge"),
    "greater_than": _bound("more than", "gt"),
    "less_than_equal": _bound("at most", "le"),
    "less_than": _bound("less than", "lt"),
}


def shown(value: Any) -> str:
    """A value as its YAML would read, cut short."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}…"  # noqa: PLR2004 - fits a terminal's line
