"""Where things are in a run directory: `runs/NAME/RUN-ID/`; docs/run-directory.md has the whole."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from chaosmem.errors import RunDirError, UsageError
from chaosmem.rundir.failing import unwritable

FORMAT = 1
JOURNAL = "journal.jsonl"
PLAN = "plan.json"
EXPERIMENT_TEXT = "experiment.yaml"
EXPERIMENT = "experiment.json"
VERDICT = "verdict.json"
REPORT = "report.html"
LOCK = "lock"


@dataclass(frozen=True, slots=True)
class RunDir:
    """One run directory."""

    root: Path

    @property
    def run_id(self) -> str:
        """The run's id: the directory's name."""
        return self.root.name

    @property
    def experiment(self) -> str:
        """The experiment's name: the parent directory's name."""
        return self.root.parent.name

    def path(self, name: str) -> Path:
        """Absolute path of a file in the directory, by its relative name."""
        return self.root / name

    def read(self, name: str) -> bytes:
        """The bytes of a file; RunDirError where it cannot be read or lies outside."""
        path = (self.root / name).resolve()
        if not path.is_relative_to(self.root.resolve()):
            raise RunDirError(f"{name} is outside the run directory")
        try:
            return path.read_bytes()
        except OSError as problem:
            raise RunDirError(f"cannot read {name}: {problem.strerror}") from problem

    def write(self, name: str, data: bytes) -> None:
        """Write a whole file so that it is either there whole or not at all."""
        path = self.root / name
        write_whole(path, path.with_name(path.name + ".part"), data, name)

    def has(self, name: str) -> bool:
        """Whether that file is there."""
        return (self.root / name).is_file()


def write_whole(path: Path, part: Path, data: bytes, name: str) -> None:
    """Write a file by way of `part` beside it, so that it is there whole or not at all.

    Raises:
        RunDirError: it cannot be written; `name` is what it is called there.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as out:
            out.write(data)
            out.flush()
            os.fdatasync(out.fileno())
        part.replace(path)
    except OSError as problem:
        part.unlink(missing_ok=True)
        raise unwritable(name, problem) from problem


def create(base: Path, experiment: str, run_id: str) -> RunDir:
    """Make a fresh run directory and point `latest` beside it at it."""
    root = base / experiment / run_id
    try:
        root.mkdir(parents=True)
        _point_latest(root)
    except OSError as problem:
        raise RunDirError(
            f"cannot make {root}: {problem.strerror}", hint="give another place with --runs-dir"
        ) from problem
    return RunDir(root)


def _point_latest(root: Path) -> None:
    link = root.parent / "latest"
    fresh = root.parent / f".latest-{root.name}"
    fresh.symlink_to(root.name)
    fresh.replace(link)


def runs(base: Path) -> Iterator[RunDir]:
    """Every run directory below `base`, oldest first."""
    found = [p for p in base.glob("*/*") if p.is_dir() and not p.is_symlink()]
    for path in sorted(found, key=lambda p: p.name):
        if (path / JOURNAL).is_file() or (path / PLAN).is_file():
            yield RunDir(path)


def find(base: Path, name: str) -> RunDir:
    """The run that `name` means.

    A path, a run id, a unique part of one, `latest`, or an experiment's name (its latest run).
    """
    as_path = Path(name)
    if (as_path / JOURNAL).is_file() or (as_path / PLAN).is_file():
        return RunDir(as_path.resolve())
    everything = list(runs(base))
    if name == "latest" and everything:
        return everything[-1]
    exact = [r for r in everything if name in (r.run_id, f"{r.experiment}/{r.run_id}")]
    of_experiment = [r for r in everything if r.experiment == name][-1:]
    matches = exact or of_experiment or [r for r in everything if name in r.run_id]
    if len(matches) == 1:
        return matches[0]
    if matches:
        listed = ", ".join(r.run_id for r in matches[-5:])
        raise UsageError(f"{name!r} means more than one run: {listed}", hint="give the whole id")
    raise UsageError(f"no run {name!r} under {base}", hint="`chaosmem list` shows the runs")
