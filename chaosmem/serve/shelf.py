"""The runs below one directory: found, told in a line each, and chosen by what a reader asks.

A name from a request is never part of a path before it is known to be one plain name, and a link
is never followed: what is served lies below the directory that was given.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from chaosmem.errors import RunDirError
from chaosmem.history.times import stamp
from chaosmem.rundir import RunDir, layout
from chaosmem.serve.standing import Standing, State, standing

_FRESH_SECONDS = 1.0
"""A directory changed so lately may change again within one tick of its time stamp."""
_WATCHED = 200
"""Newest runs whose change is noticed by itself."""
_Key = tuple[int, int]
OUTCOMES = ("PASS", "FAIL", "INCONCLUSIVE")
_STAMP = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, slots=True)
class Row:
    """One run in the list.

    `word` is its outcome or how it stands; `started` as the history has it, empty if unknown.
    `here`: its directory is here; else only the history knows it.
    """

    experiment: str
    run_id: str
    word: str
    says: str
    started: str
    here: bool = True
    open: int = 0
    """Promises that are not undone."""

    @property
    def live(self) -> bool:
        """Whether it goes on."""
        return self.word in {State.RUNNING, State.PREPARING}


class Shelf:
    """The run directories below `base`, with what was read of them kept until they change."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self._listed: dict[Path, tuple[int, tuple[Path, ...]]] = {}
        self._runs: set[Path] = set()
        self._told: dict[Path, tuple[_Key, tuple[str, str]]] = {}
        self._stood: dict[Path, tuple[_Key, Standing]] = {}

    def find(self, experiment: str, run_id: str) -> RunDir | None:
        """That run, if it is here."""
        if not (_plain(experiment) and _plain(run_id)):
            return None
        root = self.base / experiment / run_id
        if root.parent.is_symlink() or root.is_symlink() or not root.is_dir():
            return None
        return RunDir(root) if _is_run(root) else None

    def runs(self, experiment: str = "") -> list[RunDir]:
        """Every run (of that experiment), newest first."""
        chosen = [e for e in self._experiments() if experiment in ("", e.name)]
        found = [p for e in chosen for p in self._directories(e) if self._is_run(p)]
        return [RunDir(p) for p in sorted(found, key=lambda p: p.name, reverse=True)]

    def _is_run(self, root: Path) -> bool:
        """A directory that was a run stays one; one that is still empty is looked at again."""
        if root not in self._runs and _is_run(root):
            self._runs.add(root)
        return root in self._runs

    def experiments(self) -> list[str]:
        """Names of the experiments that have a run."""
        return sorted(e.name for e in self._experiments() if any(self._directories(e)))

    def rows(self, experiment: str = "") -> Iterator[Row]:
        """A row a run (of that experiment), newest first; each is read when it is asked for."""
        return (self.row(found) for found in self.runs(experiment))

    def row(self, found: RunDir) -> Row:
        """The run in a line."""
        told = self.told(found)
        if told is not None:
            return Row(found.experiment, found.run_id, *told, started_of(found.run_id))
        now = self.standing(found)
        return Row(
            found.experiment,
            found.run_id,
            _word(now),
            now.says,
            started_of(found.run_id),
            open=0 if now.going_on else len(now.open),
        )

    def told(self, found: RunDir) -> tuple[str, str] | None:
        """Outcome and sentence of verdict.json; None without one."""
        key = _key(found.path(layout.VERDICT))
        if key is None:
            return None
        kept = self._told.get(found.root)
        if kept is None or kept[0] != key:
            kept = self._told[found.root] = key, _brief(found)
        return kept[1]

    def live(self) -> list[RunDir]:
        """The runs that go on, newest first; a run that was judged is over."""
        unjudged = (r for r in self.runs() if not r.has(layout.VERDICT))
        return [r for r in unjudged if self.standing(r).going_on]

    def standing(self, found: RunDir) -> Standing:
        """How the run stands; of one that is over, read again only when its journal changes."""
        key = _key(found.path(layout.JOURNAL))
        kept = self._stood.get(found.root)
        if kept is not None and key is not None and kept[0] == key:
            return kept[1]
        now = standing(found)
        if key is not None and not now.going_on:
            self._stood[found.root] = key, now
        return now

    def signature(self) -> str:
        """Another text whenever the list looks another way, as far as its newest runs tell."""
        newest = self.runs()
        rows = [self.row(found) for found in newest[:_WATCHED]]
        told = repr([len(newest), [(r.run_id, r.word, r.open) for r in rows]])
        return hashlib.sha256(told.encode()).hexdigest()[:16]

    def _experiments(self) -> list[Path]:
        return list(self._directories(self.base))

    def _directories(self, parent: Path) -> tuple[Path, ...]:
        """Directories in `parent`, links left out; looked up again when it has changed."""
        try:
            changed = parent.stat().st_mtime_ns
            kept = self._listed.get(parent)
            if kept and kept[0] == changed and time.time() - changed / 1e9 > _FRESH_SECONDS:
                return kept[1]
            found = tuple(p for p in parent.iterdir() if p.is_dir() and not p.is_symlink())
        except OSError:
            return ()
        self._listed[parent] = changed, found
        return found


def _key(path: Path) -> _Key | None:
    """What changes when the file does; None where there is none."""
    try:
        seen = path.stat()
    except OSError:
        return None
    return seen.st_mtime_ns, seen.st_size


def _plain(name: str) -> bool:
    return name not in {"", ".", ".."} and not any(c in name for c in "/\\\0")


def _is_run(root: Path) -> bool:
    return (root / layout.PLAN).is_file() or (root / layout.JOURNAL).is_file()


def _word(now: Standing) -> str:
    return "not judged" if now.state is State.ENDED else str(now.state)


def _brief(found: RunDir) -> tuple[str, str]:
    """Outcome and sentence, without the findings: the page of the run reads those, with care."""
    try:
        raw = json.loads(found.read(layout.VERDICT))
        outcome, says = str(raw["outcome"]), str(raw["says"])
    except (RunDirError, ValueError, KeyError, TypeError) as problem:
        return "unreadable", f"verdict.json cannot be read: {problem}"
    if outcome not in OUTCOMES:
        return "unreadable", f"verdict.json has the outcome {outcome!r}"
    return outcome, says.removeprefix(f"{outcome}: ")


def started_of(run_id: str) -> str:
    """When a run with that id began, as the history writes it; empty where the id does not say."""
    try:
        at = datetime.strptime(run_id[:16], _STAMP).replace(tzinfo=UTC)
    except ValueError:
        return ""
    return stamp(at)
