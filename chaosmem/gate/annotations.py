"""GitHub's workflow commands: `::error file=spec.yaml,line=7::words` marks that line. Pure.

The form and its escapes are those of GitHub's "Workflow commands" reference: `%`, CR and LF in
words; these and `:` and `,` in properties.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from chaosmem.report.words import plain
from chaosmem.spec.errors import Problem, Severity
from chaosmem.verify.model import Outcome

if TYPE_CHECKING:
    from chaosmem.gate.decision import Decision, Item
    from chaosmem.gate.places import Places, Spot

_WORDS = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_PROPERTY = _WORDS | {":": "%3A", ",": "%2C"}


def commands(decision: Decision, places: Places) -> Iterator[str]:
    """One command for each finding that did not pass, then one for each note."""
    from chaosmem.gate.sarif import message  # noqa: PLC0415 - the same sentence

    for item in decision.items:
        if item.finding.outcome is not Outcome.PASS:
            yield command(_level(item), message(item), places.of(item.finding), title=item.name)
    for note in decision.notes:
        yield command("notice", note, title="chaosmem gate")


def of_problems(problems: Iterable[Problem]) -> Iterator[str]:
    """One command for each problem of a spec."""
    from chaosmem.gate.places import Spot  # noqa: PLC0415 - needs nothing of a run

    for p in problems:
        level = "error" if p.severity is Severity.ERROR else "warning"
        words = f"{p.path}: {p.message}" if p.path else p.message
        yield command(level, words, Spot(p.file, p.line, p.column), title="chaosmem spec")


def _level(item: Item) -> str:
    if item.fails:
        return "error"
    return "notice" if item.finding.advisory else "warning"


def command(level: str, words: str, spot: Spot | None = None, *, title: str = "") -> str:
    """One workflow command."""
    at = {"file": spot.file, "line": str(spot.line), "col": str(spot.column)} if spot else {}
    pairs = at | {"title": title}
    said = ",".join(f"{k}={_escaped(v, _PROPERTY)}" for k, v in pairs.items() if v)
    return f"::{level}{' ' if said else ''}{said}::{_escaped(plain(words), _WORDS)}"


def _escaped(text: str, marks: dict[str, str]) -> str:
    return "".join(marks.get(mark, mark) for mark in text)
