"""Run directories as objects: EXPERIMENT/RUN-ID/FILE, and a manifest that is written last.

The manifest has every file's size and SHA-256. A run without one is not whole, and is stored anew;
one whose bytes are not what the manifest says is refused.
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from chaosmem.drivers.objectstore import ArchiveError, Store
from chaosmem.errors import UsageError
from chaosmem.rundir import RunDir
from chaosmem.rundir.layout import LOCK

MANIFEST: Final = "MANIFEST.json"


class File(BaseModel):
    """What was stored under a name; `size` in bytes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: int
    sha256: str


class Manifest(BaseModel):
    """All files of a run by their relative names."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = 1
    run: str
    experiment: str
    files: dict[str, File]


def put(store: Store, run: RunDir) -> int:
    """Store what is not there yet; how many files. ArchiveError where the storage refuses."""
    where = f"{run.experiment}/{run.run_id}"
    manifest = Manifest(run=run.run_id, experiment=run.experiment, files=_files(run.root))
    former = _manifest(store, where)
    known = former.files if former else {}
    fresh = [name for name, file in manifest.files.items() if known.get(name) != file]
    for name in fresh:
        store.put(f"{where}/{name}", run.path(name))
    if fresh or former != manifest:
        store.put(f"{where}/{MANIFEST}", manifest.model_dump_json(indent=1).encode())
    return len(fresh)


def get(store: Store, run: str, base: Path) -> RunDir:
    """Fetch a run by its id, or a part that is unique; nothing is there until all is checked."""
    name = _named(store, run)
    target = base / name
    if target.exists():
        raise UsageError(f"{target} is there already", hint="remove it, or give another --runs-dir")
    part = target.with_name(f".{target.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    manifest = _manifest(store, name)
    if manifest is None:
        raise ArchiveError(f"{store.url}/{name} has lost its manifest")
    for file, about in manifest.files.items():
        _fetch(store, f"{name}/{file}", about, _inside(part, file))
    part.replace(target)
    return RunDir(target)


def stored(store: Store) -> list[str]:
    """The runs that are stored whole, as EXPERIMENT/RUN-ID, oldest first."""
    names = [n.removesuffix(f"/{MANIFEST}") for n in store.names(f"/{MANIFEST}")]
    return sorted(names, key=lambda name: name.rpartition("/")[2])


def _named(store: Store, run: str) -> str:
    every = stored(store)
    found = [n for n in every if run in (n, n.rpartition("/")[2])] or [n for n in every if run in n]
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(f"{run!r} means more than one run: {', '.join(found[-5:])}")
    raise UsageError(f"no run {run!r} in {store.url}", hint="`chaosmem archive list` shows them")


def _manifest(store: Store, where: str) -> Manifest | None:
    data = store.get(f"{where}/{MANIFEST}")
    if data is None:
        return None
    try:
        return Manifest.model_validate_json(data)
    except ValidationError as problem:
        raise ArchiveError(f"{store.url}/{where}/{MANIFEST} is no manifest of ours") from problem


def _files(root: Path) -> dict[str, File]:
    found = sorted(p for p in root.rglob("*") if p.is_file() and not p.is_symlink())
    names = {p.relative_to(root).as_posix(): p for p in found if p.suffix != ".part"}
    names.pop(LOCK, None)
    return {name: _told(path) for name, path in names.items()}


def _told(path: Path) -> File:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
        return File(size=file.tell(), sha256=digest.hexdigest())


def _fetch(store: Store, name: str, about: File, place: Path) -> None:
    data = store.get(name)
    if data is None:
        raise ArchiveError(f"{store.url}/{name} is not there, but the manifest has it")
    found = File(size=len(data), sha256=hashlib.sha256(data).hexdigest())
    if found != about:
        raise ArchiveError(f"{store.url}/{name} is not what was stored: SHA-256 {found.sha256}")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(data)


def _inside(base: Path, name: str) -> Path:
    place = (base / name).resolve()
    if not place.is_relative_to(base.resolve()):
        raise ArchiveError(f"{name!r} in the manifest leads out of the run directory")
    return place
