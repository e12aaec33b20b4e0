"""YAML text into plain values and the place of each, or problems; safe against hostile text.

Scalars follow YAML 1.2 (as Kubernetes, Go and JSON do), not YAML 1.1: `off`, `yes` and `010` are
text, so that `gogc: off` means what it says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import yaml

from chaosmem.spec.errors import Path, Problem, Severity, dotted

try:
    from yaml import CSafeLoader as _Loader  # libyaml: ten times faster
except ImportError:  # pragma: no cover - PyYAML built without libyaml
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]

Value = None | bool | int | float | str | list["Value"] | dict[str, "Value"]

MAX_CHARACTERS: Final = 256 * 1024  # the largest real spec here is 4 KiB
MAX_DEPTH: Final = 24  # the language itself nests 7 deep
_TOO_DEEP: Final = f"nested more than {MAX_DEPTH} deep"
MAX_NODES: Final = 20_000  # after expansion of aliases, which is what makes "billion laughs" grow

VERBATIM: Final = frozenset(
    {"env", "godebug", "headers", "labels", "selector", "args", "command", "flags", "tags"}
)
"""Below these keys scalars keep their text: `env: {PORT: 0080}` is the text `0080`."""

_INT: Final = re.compile(r"[-+]?\d{1,18}")
_FLOAT: Final = re.compile(r"[-+]?((0|[1-9]\d*)?\.\d+|[1-9]\d*(?=[eE]))([eE][-+]?\d{1,3})?")
_OCTAL: Final = re.compile(r"[-+]?0\d")
_CONSTANTS: Final[dict[str, Value]] = {
    **dict.fromkeys(["", "~", "null", "Null", "NULL"]),
    **dict.fromkeys(["true", "True", "TRUE"], True),
    **dict.fromkeys(["false", "False", "FALSE"], False),
}
_RESOLVER: Final = yaml.resolver.Resolver()


@dataclass(frozen=True, slots=True)
class Place:
    """A line and a column, both from 1."""

    line: int
    column: int


START: Final = Place(1, 1)


@dataclass(slots=True)
class Document:
    """A document as written.

    Attributes:
        file: its name, for messages.
        value: the plain values; an empty mapping where the text could not be read.
        values: place of the value at each path.
        keys: place of the key at each path that ends in one.
        problems: what the text itself has wrong.
    """

    file: str
    value: dict[str, Value] = field(default_factory=dict)
    values: dict[Path, Place] = field(default_factory=dict)
    keys: dict[Path, Place] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def place(self, path: Path, *, of_key: bool = False) -> Place:
        """Where `path` is written, or else the nearest thing around it that is."""
        if of_key and path in self.keys:
            return self.keys[path]
        while path:
            if path in self.values:
                return self.values[path]
            path = path[:-1]
        return self.values.get((), START)

    def problem(
        self,
        path: Path,
        message: str,
        *,
        of_key: bool = False,
        severity: Severity = Severity.ERROR,
    ) -> Problem:
        """Return a problem at the place of `path`."""
        at = self.place(path, of_key=of_key)
        return Problem(self.file, at.line, at.column, dotted(path), message, severity)


def read(text: str, *, file: str) -> Document:
    """Read one YAML document; what is wrong with the text is in `problems`."""
    document = Document(file)
    try:
        node = _compose(text, file)
        document.values[()] = _place(node)
        value = _Walk(document).value(node, ())
    except _Refused as refused:
        document.problems.append(refused.problem)
        return document
    if isinstance(value, dict):
        document.value = value
    elif not document.problems:
        document.problems.append(document.problem((), _not_a_mapping(value)))
    return document


def _not_a_mapping(value: Value) -> str:
    what = "a list" if isinstance(value, list) else "a single value"
    return f"this is {what}; a spec is a mapping that begins with `apiVersion: chaosmem/v1`"


class _Refused(Exception):
    def __init__(self, file: str, place: Place, message: str) -> None:
        super().__init__(message)
        self.problem = Problem(file, place.line, place.column, "", message)


def _place(marked: yaml.Node | yaml.Event) -> Place:
    mark = marked.start_mark
    return Place(mark.line + 1, mark.column + 1) if mark else START


def _compose(text: str, file: str) -> yaml.Node:
    if len(text) > MAX_CHARACTERS:
        raise _Refused(
            file, START, f"more than {MAX_CHARACTERS // 1024} Ki characters; this is no spec"
        )
    try:
        _bound(text, file)
        node = yaml.compose(text, Loader=_Loader)
    except yaml.YAMLError as error:
        raise _malformed(error, file) from error
    if node is None:
        raise _Refused(file, START, "nothing is written here; `chaosmem init` writes a first spec")
    return node


def _bound(text: str, file: str) -> None:
    """Refuse deep nesting and several documents before anything recursive sees the text."""
    depth = documents = 0
    for event in yaml.parse(text, Loader=_Loader):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        documents += isinstance(event, yaml.DocumentStartEvent)
        if depth > MAX_DEPTH:
            raise _Refused(file, _place(event), _TOO_DEEP)
        if documents > 1:
            message = "a second document begins here; keep each experiment in a file of its own"
            raise _Refused(file, _place(event), message)


def _malformed(error: yaml.YAMLError, file: str) -> _Refused:
    if isinstance(error, yaml.MarkedYAMLError):
        unclosed = _UNCLOSED.search(str(error.problem)) and error.context_mark
        mark = unclosed or error.problem_mark or error.context_mark
        place = Place(mark.line + 1, mark.column + 1) if mark else START
        said = ", ".join(str(part) for part in (error.context, error.problem) if part)
        if "maximum nesting depth" in said:  # libyaml's own bound, met while it looks ahead
            return _Refused(file, place, _TOO_DEEP)
        return _Refused(file, place, f"not YAML: {said}{_yaml_hint(said)}")
    return _Refused(file, START, f"not YAML: {' '.join(str(error).split())}")


_UNCLOSED: Final = re.compile("end of stream|expected ',' or")  # the opening is what helps
_YAML_HINTS: Final = {
    "that cannot start any token": "indent with spaces, and put text that begins with @, ` or % in"
    " quotes",
    "mapping values are not allowed": 'put text that contains ": " in quotes',
    "did not find expected ',' or": 'close the bracket, and put text with { } [ ] , in "quotes"',
    "did not find expected key": "indent this line like its neighbours",
    "found unexpected end of stream": "close the quote",
    "found unexpected ':'": 'put text with { } [ ] , : in "quotes"',
    "found unknown escape": "use 'single quotes' for regular expressions",
    "could not find expected ':'": "write `key: value`",
}


def _yaml_hint(said: str) -> str:
    return next((f"; {hint}" for words, hint in _YAML_HINTS.items() if words in said), "")


class _Walk:
    """Turns nodes into values, and notes the place of each."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._nodes = 0

    def value(self, node: yaml.Node, path: Path, *, verbatim: bool = False) -> Value:
        self._bound(node, path)
        self._document.values[path] = _place(node)
        if isinstance(node, yaml.MappingNode):
            self._only_core(node, path, "tag:yaml.org,2002:map")
            return dict(self._items(node, path, verbatim=verbatim))
        if isinstance(node, yaml.SequenceNode):
            self._only_core(node, path, "tag:yaml.org,2002:seq")
            return [self.value(n, (*path, i), verbatim=verbatim) for i, n in enumerate(node.value)]
        assert isinstance(node, yaml.ScalarNode)  # noqa: S101 - YAML has no fourth kind
        return self._scalar(node, path, verbatim=verbatim)

    def _bound(self, node: yaml.Node, path: Path) -> None:
        self._nodes += 1
        if self._nodes > MAX_NODES or len(path) > MAX_DEPTH:
            message = "aliases expand without bound here; write the values out"
            raise _Refused(self._document.file, _place(node), message)

    def _items(
        self, node: yaml.MappingNode, path: Path, *, verbatim: bool
    ) -> Iterator[tuple[str, Value]]:
        first: dict[str, Place] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node, path)
            if key is None:
                continue
            here = (*path, key)
            if key in first:
                self._complain(here, _place(key_node), _twice(key, first[key]))
                continue
            first[key] = self._document.keys[here] = _place(key_node)
            yield key, self.value(value_node, here, verbatim=verbatim or key in VERBATIM)

    def _key(self, node: yaml.Node, path: Path) -> str | None:
        if isinstance(node, yaml.ScalarNode):
            if node.value != "<<" or node.style:
                return str(node.value)
            self._complain(path, _place(node), "merge keys (<<) are not read; write the fields out")
            return None
        self._complain(path, _place(node), "a key must be plain text")
        return None

    def _scalar(self, node: yaml.ScalarNode, path: Path, *, verbatim: bool) -> Value:
        text = str(node.value)
        if self._tagged(node):
            self._complain(path, _place(node), f"tags ({node.tag}) are not read; leave it out")
        if node.style or verbatim:
            return text
        if text in _CONSTANTS:
            return _CONSTANTS[text]
        if _INT.fullmatch(text) and not _OCTAL.match(text):
            return int(text)
        return float(text) if _FLOAT.fullmatch(text) else text

    def _only_core(self, node: yaml.Node, path: Path, core: str) -> None:
        if node.tag != core:
            self._complain(path, _place(node), f"tags ({node.tag}) are not read; leave it out")

    def _tagged(self, node: yaml.ScalarNode) -> bool:
        """Whether the scalar has a tag of its own: one that the text alone would not get."""
        plain = not node.style
        kinds = (plain, not plain)
        implicit = _RESOLVER.resolve(yaml.ScalarNode, node.value, kinds)  # type: ignore[no-untyped-call]
        return bool(node.tag != implicit)

    def _complain(self, path: Path, place: Place, message: str) -> None:
        self._document.problems.append(
            Problem(self._document.file, place.line, place.column, dotted(path), message)
        )


def _twice(key: str, first: Place) -> str:
    return (
        f"duplicate key {key!r}, first at {first.line}:{first.column};"
        " YAML would silently keep only one, so delete one"
    )
