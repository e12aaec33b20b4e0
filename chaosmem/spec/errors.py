"""What is wrong with a spec: every problem at once, each with its place and how to mend it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from chaosmem.errors import SpecError

Path = tuple[str | int, ...]
"""Keys and indices from the root of the document, as written: `("faults", 0, "heap", "retain")`."""


class Severity(StrEnum):
    """Errors refuse the spec; warnings are shown, and the spec is run."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem of a spec.

    Attributes:
        file: name of the document, as given to the reader.
        line: line of the place, from 1.
        column: column of the place in characters, from 1.
        path: where in the document, for example `faults[0].heap.retain`; empty for the whole.
        message: what is wrong, and how to mend it.
        severity: whether the spec is refused.
    """

    file: str
    line: int
    column: int
    path: str
    message: str
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}:{self.column}: "
        kind = "warning: " if self.severity is Severity.WARNING else ""
        return where + kind + (f"{self.path}: " if self.path else "") + self.message


class SpecInvalid(SpecError):
    """The spec is refused; `problems` are all of them, sorted by place."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = in_order(problems)
        super().__init__("\n".join(str(p) for p in self.problems))


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Sort `problems` by place, and say each once."""
    unique = dict.fromkeys(problems)
    return tuple(sorted(unique, key=lambda p: (p.line, p.column, p.path, p.message)))


def dotted(path: Path) -> str:
    """`path` for people: `faults[0].heap.retain`."""
    out = ""
    for step in path:
        if isinstance(step, int):
            out += f"[{step}]"
        elif "." in step or not step:
            out += f'["{step}"]'
        else:
            out += f".{step}" if out else step
    return out


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """The one of `known` that `name` was probably meant to be."""
    plain = {_folded(k): k for k in known}
    close = difflib.get_close_matches(_folded(name), plain, n=1, cutoff=0.6)
    return plain[close[0]] if close else None


def unknown(what: str, name: str, known: Iterable[str]) -> str:
    """Message for a `name` that is none of `known`."""
    names = list(known)
    guess = did_you_mean(name, names)
    mend = f"did you mean {guess}?" if guess else f"known: {', '.join(names)}"
    return f"unknown {what} {name!r}; {mend}"


def _folded(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")
