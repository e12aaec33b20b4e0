"""`doctor`: is everything there that a run needs, and how to mend what is not."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import typer

from chaosmem import spec, units
from chaosmem.clock import RunClock
from chaosmem.drivers import gotool
from chaosmem.errors import ChaosmemError, Exit
from chaosmem.run import resolve
from chaosmem.run.diagnose import Ailment, diagnose

_LEAST_FREE = 200 * 2**20
"""Free bytes below which a run directory may not fit: a 10-minute run with captures has 20 MB."""


def examine(path: Path | None, base: Path) -> int:
    """Print one line for each thing examined; exit 0 when all of them are well."""
    wrong = 0
    for ailment in _all(path, base):
        wrong += not ailment.well
        mark = "ok     " if ailment.well else "PROBLEM"
        typer.echo(f"{mark}  {ailment.what}: {ailment.found}")
        if ailment.mend and not ailment.well:
            typer.echo(f"         mend: {ailment.mend}")
    return Exit.INCONCLUSIVE if wrong else Exit.PASS


def _all(path: Path | None, base: Path) -> Iterator[Ailment]:
    yield _try("go toolchain", lambda: gotool.find().version)
    yield _disk(base)
    if path is None:
        return
    loaded = spec.load(path)
    yield Ailment("spec", well=True, found=f"{path} is valid")
    for warning in loaded.warnings:
        yield Ailment("spec", well=False, found=str(warning))
    yield from _target(loaded, path)


def _target(loaded: spec.Loaded, path: Path) -> Iterator[Ailment]:
    try:
        job = resolve.job(loaded, path.resolve().parent, lambda _: None)
    except ChaosmemError as problem:
        yield Ailment("target", well=False, found=str(problem), mend=problem.hint)
        return
    with tempfile.TemporaryDirectory(prefix="chaosmem-doctor-") as scratch:

        async def look() -> list[Ailment]:
            return await diagnose(job, Path(scratch), RunClock.start())

        yield from asyncio.run(look())


def _try(what: str, look: Callable[[], str]) -> Ailment:
    try:
        return Ailment(what, well=True, found=look())
    except ChaosmemError as problem:
        return Ailment(what, well=False, found=str(problem), mend=problem.hint)


def _disk(base: Path) -> Ailment:
    there = base if base.exists() else Path()
    free = shutil.disk_usage(there).free
    return Ailment(
        "disk",
        well=free >= _LEAST_FREE,
        found=f"{units.human_bytes(free)} free under {base}",
        mend="free disk space or give another place with --runs-dir",
    )
