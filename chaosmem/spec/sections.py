"""Each section of a document into its frozen model, apart from the others, with all its problems.

Faults, checks, guards and channels are lists of single-key entries (`- heap: {retain: 64MiB}`): the
key picks the model, so that a mistake inside gets the message of that one model, not of all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, get_type_hints

from pydantic import TypeAdapter, ValidationError

from chaosmem.spec import kinds, messages, model, notify
from chaosmem.spec.base import WRITTEN
from chaosmem.spec.errors import Path, unknown
from chaosmem.spec.nodes import Document, Value

_LISTS: Final[Mapping[str, Callable[[], kinds.Models]]] = {
    "faults": kinds.faults,
    "checks": kinds.checks,
    "guards": lambda: kinds.by_kind(model.Guard),
    "notify": lambda: kinds.by_kind(notify.AnyChannel),
}


class _Kinds(Mapping[str, kinds.Models]):
    """Asks for the kinds when they are needed: plugins import this package themselves."""

    def __getitem__(self, section: str) -> kinds.Models:
        return _LISTS[section]()

    def __iter__(self) -> Iterator[str]:
        return iter(_LISTS)

    def __len__(self) -> int:
        return len(_LISTS)


KINDS: Final = _Kinds()
"""The sections of single-key entries, with the model of each key, plugins' too."""

ONE: Final = {"faults": "fault", "checks": "check", "guards": "guard", "notify": "channel"}
FIELDS: Final = {info.alias or name: name for name, info in model.Experiment.model_fields.items()}
"""Top-level sections: as written, and as named in `Experiment`."""

_TYPES: Final[dict[str, object]] = get_type_hints(model.Experiment, include_extras=True)
_MISSING: Final = {
    "apiVersion": "`apiVersion` is missing; add apiVersion: chaosmem/v1",
    "kind": "`kind` is missing; add kind: Experiment",
    "metadata": "`metadata` is missing; add for example metadata: {name: cart-memory}",
    "target": "`target` is missing; add for example target: {process: {go: {module: .}}}",
    "faults": "`faults` is missing; add for example faults: [heap: {retain: 64MiB}],"
    " or faults: [] to measure the steady state only",
}


def parse(document: Document) -> tuple[dict[str, Any], frozenset[str]]:
    """The valid sections of `document` by field name, and the names of those with problems.

    Problems go to the document. `faults`, `checks`, `guards` and `notify` are `(index, model)`
    pairs, without the entries that have a problem: rules still speak of their neighbours.
    """
    valid: dict[str, Any] = {}
    broken: set[str] = set()
    for section, value in document.value.items():
        if section not in FIELDS:
            message = unknown("section", section, FIELDS)
            document.problems.append(document.problem((section,), message, of_key=True))
            continue
        before = len(document.problems)
        valid.update((FIELDS[section], v) for v in _section(document, section, value))
        if len(document.problems) > before:
            broken.add(FIELDS[section])
    for section, message in _MISSING.items():
        if section not in document.value:
            document.problems.append(document.problem((), message))
            broken.add(FIELDS[section])
    return valid, frozenset(broken)


def _section(document: Document, section: str, value: Value) -> list[Any]:
    if section in KINDS:
        return entries(document, section, value)
    if value is None and section != "preset":
        message = "nothing is written here; delete the key, or give it a value"
        document.problems.append(document.problem((section,), message, of_key=True))
        return []
    return _validated(document, _TYPES[FIELDS[section]], value, (section,))


def entries(document: Document, section: str, value: Value) -> list[Any]:
    """The valid entries of a section of `KINDS`, one tuple in a list; problems to the document."""
    if not isinstance(value, list):
        message = f"must be a list; write each {ONE[section]} on a line of its own, after `- `"
        document.problems.append(document.problem((section,), message))
        return []
    pairs = ((i, v) for i, e in enumerate(value) for v in _entry(document, (section, i), e))
    return [tuple(pairs)]


def _entry(document: Document, path: Path, entry: Value) -> list[Any]:
    section = str(path[0])
    if isinstance(entry, str):
        entry = {entry: None}
    if not isinstance(entry, dict) or len(entry) != 1:
        document.problems.append(document.problem(path, _no_single_key(section, entry)))
        return []
    kind, body = next(iter(entry.items()))
    known, here = KINDS[section], (*path, kind)
    if kind not in known:
        message = unknown(ONE[section], kind, known)
        document.problems.append(document.problem(here, message, of_key=True))
        return []
    if isinstance(body, dict) and "kind" in body:
        message = f"`kind` is already said by the key {kind}; delete it"
        document.problems.append(document.problem((*here, "kind"), message, of_key=True))
        return []
    return _validated(document, known[kind], {} if body is None else body, here)


def _no_single_key(section: str, entry: Value) -> str:
    one, known = ONE[section], KINDS[section]
    if not isinstance(entry, dict) or not entry:
        return f"a {one} is written - {next(iter(known))}: {{…}}; known: {', '.join(known)}"
    kinds = [key for key in entry if key in known]
    rest = ", ".join(key for key in entry if key not in known)
    if len(kinds) == 1:
        return f"{rest} must be indented below {kinds[0]}: - {kinds[0]}: {{{rest}: …}}"
    return f"one {one} an entry, each after its own `- ` (here: {', '.join(entry)})"


def _validated(document: Document, expected: Any, value: Value, path: Path) -> list[Any]:
    """The valid value alone in a list, or an empty list and problems."""
    adapter = TypeAdapter(expected)
    try:
        return [adapter.validate_python(value, context=WRITTEN, by_alias=True, by_name=False)]
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            here = (*path, *detail["loc"])
            message = messages.message(detail, expected, here)
            of_key = detail["type"] == "extra_forbidden"
            document.problems.append(document.problem(here, message, of_key=of_key))
        return []
