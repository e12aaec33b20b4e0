"""The campaign directory, `runs/campaigns/NAME/TIME-ID/`; docs/campaigns.md has the whole.

Beside it, in `runs/EXPERIMENT/RUN-ID/`, are the run directories of its cells.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from chaosmem.campaign.events import CAMPAIGN, CELL, CampaignEntry, CellEntry
from chaosmem.campaign.model import FORMAT, Cell, Prepared
from chaosmem.errors import RunDirError, UsageError
from chaosmem.rundir import RunDir
from chaosmem.rundir.events import Entry
from chaosmem.rundir.journal import JournalWriter, bodies
from chaosmem.rundir.layout import write_whole

HOME = "campaigns"
TEXT = "campaign.yaml"
PREPARED = "campaign.json"
JOURNAL = "journal.jsonl"
LOCK = "lock"
EXPERIMENT = "experiment.yaml"
LOG = "output.log"

E = TypeVar("E")


@dataclass(frozen=True, slots=True)
class CampaignDir:
    """One campaign directory."""

    root: Path

    @property
    def base(self) -> Path:
        """Where the run directories are: `--runs-dir`."""
        return self.root.parents[2]

    @property
    def lock(self) -> Path:
        """Locked by whoever runs the campaign, as long as that process lives."""
        return self.root / LOCK

    def cell(self, cell: Cell) -> Path:
        """The directory of a cell."""
        return self.root / "cells" / cell.key

    def cell_lock(self, cell: Cell) -> Path:
        """Locked by the process that works on the cell, as long as it lives."""
        return self.cell(cell) / LOCK

    def run(self, experiment: str, run_id: str) -> RunDir:
        """The directory of a run, whether it is there or not."""
        return RunDir(self.base / experiment / run_id)

    def prepared(self) -> Prepared:
        """The campaign; RunDirError where it cannot be read."""
        place = self.root / PREPARED
        try:
            found = Prepared.model_validate_json(place.read_bytes())
        except OSError as problem:
            raise RunDirError(f"cannot read {place}: {problem.strerror}") from problem
        except ValidationError as problem:
            first = problem.errors()[0]["msg"]
            raise RunDirError(f"{place} is damaged: {first}") from problem
        if found.format != FORMAT:
            raise RunDirError(f"campaign format {found.format}; this chaosmem reads {FORMAT}")
        return found

    def entries(self) -> list[CampaignEntry]:
        """What happened to the campaign as a whole."""
        return _entries(self.root / JOURNAL, CAMPAIGN)

    def cell_entries(self, cell: Cell) -> list[CellEntry]:
        """What happened to a cell."""
        return _entries(self.cell(cell) / JOURNAL, CELL)

    def write(self, name: str, data: bytes) -> None:
        """Write a whole file: it is there whole or not at all, whoever else writes it too."""
        path = self.root / name
        part = path.with_name(f".{path.name}.{platform.node()}-{os.getpid()}.part")
        write_whole(path, part, data, name)


def _entries(path: Path, adapter: TypeAdapter[E]) -> list[E]:
    """Entries in their order; a torn or damaged line is left out, as if it was never written."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return []
    except OSError as problem:
        raise RunDirError(f"cannot read {path}: {problem.strerror}") from problem
    found = []
    for _, body in bodies(data):
        if isinstance(body, bytes):
            with contextlib.suppress(ValidationError):
                found.append(adapter.validate_json(body))
    return found


def append(path: Path, entry: Entry) -> None:
    """Append to a journal; on disk when this returns. RunDirError where it is not."""
    writer = JournalWriter(path / JOURNAL)
    try:
        writer.write(entry)
    finally:
        writer.close()


def create(base: Path, prepared: Prepared, text: str, experiments: list[str]) -> CampaignDir:
    """Write everything that the campaign is; `campaign.json` last: with it, it is whole.

    Idempotent: the pods of a Job each do it, at one time, with the same content.
    """
    home = CampaignDir(base.resolve() / HOME / prepared.name / prepared.id)
    if (home.root / PREPARED).is_file():
        return home
    for cell, experiment in zip(prepared.cells, experiments, strict=True):
        home.write(f"cells/{cell.key}/{EXPERIMENT}", experiment.encode())
    home.write(TEXT, text.encode())
    home.write(PREPARED, prepared.model_dump_json(indent=1, by_alias=True).encode())
    return home


def find(base: Path, name: str) -> CampaignDir:
    """The campaign that `name` means: a directory, an id or part of one, a name, or `latest`."""
    if (Path(name) / PREPARED).is_file():
        return CampaignDir(Path(name).resolve())
    known = sorted(campaigns(base), key=lambda c: c.root.name)
    if name == "latest" and known:
        return known[-1]
    named = [c for c in known if c.root.parent.name == name][-1:]
    matches = named or [c for c in known if name in c.root.name]
    if len(matches) == 1:
        return matches[0]
    if matches:
        listed = ", ".join(c.root.name for c in matches[-5:])
        raise UsageError(f"{name!r} means more than one campaign: {listed}")
    raise UsageError(
        f"no campaign {name!r} under {base / HOME}",
        hint="`chaosmem campaign run FILE` makes one; --runs-dir says where they are",
    )


def campaigns(base: Path) -> Iterator[CampaignDir]:
    """Every campaign directory below `base`."""
    for path in base.resolve().glob(f"{HOME}/*/*/{PREPARED}"):
        yield CampaignDir(path.parent)


def take(path: Path) -> int | None:
    """Lock a file for as long as the returned descriptor, or a child's copy of it, is open.

    None where another process has it. The kernel ends the lock with the last holder, however it
    ends.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        held = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as problem:
        raise RunDirError(f"cannot lock {path}: {problem.strerror}") from problem
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(held)
        return None
    return held
