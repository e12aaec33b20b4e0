"""An experiment with parts of a campaign laid over it, each value still knowing its place.

So a mistake in a cell is reported where it is written: in the campaign's line, or the experiment's.
"""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass, field

from chaosmem.spec.errors import Path, Problem, dotted
from chaosmem.spec.nodes import START, Document, Place, Value

KINDS = ("process", "endpoint", "kubernetes")
"""The kinds of targets, of which an experiment has one."""


class NotThere(Exception):
    """A path leads nowhere in this experiment; the message says where it ends."""


@dataclass(slots=True)
class Overlay:
    """The experiment as it will be, and the file and place of each of its values."""

    value: dict[str, Value]
    places: dict[Path, tuple[str, Place]] = field(default_factory=dict)

    @classmethod
    def of(cls, document: Document) -> Overlay:
        """The experiment as it is written."""
        places = {path: (document.file, at) for path, at in document.values.items()}
        return cls(copy.deepcopy(document.value), places)

    def put(self, path: Path, value: Value, source: Document, at: Path) -> None:
        """Set the value at `path`; it is written at `at` of `source`."""
        holder: Value = self.value
        for step in path[:-1]:
            holder = holder[step]  # type: ignore[index]
        holder[path[-1]] = copy.deepcopy(value)  # type: ignore[index]
        self._forget(path)
        for where, place in source.values.items():
            if where[: len(at)] == at:
                self.places[(*path, *where[len(at) :])] = (source.file, place)

    def merge(self, path: Path, value: Value, source: Document, at: Path) -> None:
        """Lay a mapping over the one at `path` (RFC 7386: null removes)."""
        there = self._at(path)
        if not isinstance(value, dict) or not isinstance(there, dict):
            self.put(path, value, source, at)
            return
        for key, part in value.items():
            here = (*path, key)
            if part is None and key in KINDS:
                there.pop(key, None)
            elif isinstance(part, dict) and isinstance(there.get(key), dict):
                self.merge(here, part, source, (*at, key))
            else:
                self.put(here, part, source, (*at, key))

    def drop(self, path: Path) -> None:
        """Remove what is at `path`, where it is there."""
        holder = self._at(path[:-1])
        if isinstance(holder, dict):
            holder.pop(str(path[-1]), None)
            self._forget(path)

    def _forget(self, path: Path) -> None:
        for where in [w for w in self.places if w[: len(path)] == path]:
            del self.places[where]

    def _at(self, path: Path) -> Value:
        here: Value = self.value
        for step in path:
            here = here.get(str(step)) if isinstance(here, dict) else None
        return here

    def find(self, steps: Path) -> Path:
        """`faults.heap.retain` as the path that it has here; NotThere says why there is none."""
        here: Value = self.value
        found: Path = ()
        for step in steps[:-1]:
            found, here = self._step(found, here, step)
        last = steps[-1]
        if isinstance(here, list):
            return self._step(found, here, last)[0]
        if not isinstance(here, dict):
            raise NotThere(f"{dotted(found)} is no mapping")
        return (*found, last)

    def _step(self, found: Path, here: Value, step: str | int) -> tuple[Path, Value]:
        if isinstance(here, list):
            index = step if isinstance(step, int) else _entry(here, step, dotted(found))
            if index >= len(here):
                raise NotThere(f"{dotted(found)} has {len(here)} entries, and no [{index}]")
            if isinstance(step, int):
                return (*found, index), here[index]
            return self._body(here, (*found, index), index, step)
        if not isinstance(here, dict) or isinstance(step, int):
            raise NotThere(f"{dotted(found) or 'the experiment'} has no {step}")
        if here.get(step) is None:
            here[step] = {}
        return (*found, step), here[step]

    def _body(self, entries: list[Value], found: Path, index: int, kind: str) -> tuple[Path, Value]:
        """The body of a single-key entry, `- no-restart` too."""
        entry = entries[index]
        body = entry.get(kind) if isinstance(entry, dict) else None
        if body is None:
            body = {}
            entries[index] = {kind: body}
        return (*found, kind), body

    def text(self, *comments: str) -> str:
        """The experiment as text (JSON, which is YAML), below comment lines."""
        lines = [f"# {' '.join(c.split())}" for c in comments]
        return "\n".join([*lines, json.dumps(self.value, indent=1, ensure_ascii=False), ""])

    def place(self, problem: Problem) -> tuple[str, Place]:
        """Where the value of that problem is written, or else the nearest thing around it."""
        by_name = {dotted(path): path for path in self.places}
        path: Path = by_name.get(_nearest(problem.path, by_name), ())
        return self.places.get(path, self.places.get((), ("", START)))


def _entry(entries: list[Value], kind: str, where: str) -> int:
    """The index of the only entry of that kind."""
    found = [
        n for n, e in enumerate(entries) if e == kind or (isinstance(e, dict) and [*e] == [kind])
    ]
    if len(found) == 1:
        return found[0]
    if not found:
        raise NotThere(f"{where} has no {kind}")
    raise NotThere(f"{where} has {len(found)} of {kind}; write {where}[{found[0]}].{kind}")


def _nearest(name: str, known: dict[str, Path]) -> str:
    """The longest beginning of a dotted path that is known."""
    while name and name not in known:
        cut = max(name.rfind("."), name.rfind("["))
        name = name[:cut] if cut > 0 else ""
    return name
