"""`doctor`: is everything there that a run needs, and how to mend what is not."""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import typer

from chaosmem import spec, units
from chaosmem.clock import RunClock
from chaosmem.drivers import gotool
from chaosmem.errors import ChaosmemError, Exit
from chaosmem.run import resolve
from chaosmem.run.diagnose import Ailment, Section, diagnose

_LEAST_FREE = 200 * 2**20
"""Free bytes below which a run directory may not fit: a 10-minute run with captures has 20 MB."""

Output = Literal["text", "json"]


def examine(path: Path | None, base: Path, output: Output = "text") -> int:
    """Say what was found of each thing examined; exit 0 when all that is needed is well."""
    loaded = spec.load(path) if path else None
    said = asyncio.run(_said(_sections(loaded, path, base), output))
    wrong = [a for a in said if a.needed and not a.well]
    return Exit.INCONCLUSIVE if wrong else Exit.PASS


async def _said(sections: AsyncIterator[Section], output: Output) -> list[Ailment]:
    """As text each section is said as soon as it is known; as JSON all at the end."""
    kept: list[tuple[str, list[Ailment]]] = []
    async for section in sections:
        if output == "text" and section.heading:
            typer.echo(f"\n{section.heading}")
        found = list(await section.findings)
        kept.append((section.heading, found))
        if output == "text":
            tell(found)
    if output == "json":
        typer.echo(json.dumps(_document(kept), indent=2))
    return [ailment for _, found in kept for ailment in found]


def _document(kept: list[tuple[str, list[Ailment]]]) -> dict[str, Any]:
    every = [{"section": heading, **asdict(a)} for heading, found in kept for a in found]
    return {"well": all(a["well"] or not a["needed"] for a in every), "findings": every}


def tell(found: Sequence[Ailment]) -> None:
    """Lines about each thing, and how to mend what is not well."""
    for ailment in _folded(found):
        mark = "ok     " if ailment.well else "PROBLEM" if ailment.needed else "note   "
        typer.echo(f"{mark}  {ailment.what}: {ailment.found}")
        if ailment.mend and not ailment.well:
            typer.echo(f"         mend: {ailment.mend}")


def _folded(found: Sequence[Ailment]) -> list[Ailment]:
    """What is well of one thing is one line: the verbs of a permission."""
    lines: list[Ailment] = []
    for ailment in found:
        last = lines[-1] if lines else None
        if last and last.what == ailment.what and last.well and ailment.well:
            lines[-1] = Ailment(last.what, well=True, found=f"{last.found}, {ailment.found}")
        else:
            lines.append(ailment)
    return lines


# --- what is examined


async def _sections(
    loaded: spec.Loaded | None, path: Path | None, base: Path
) -> AsyncIterator[Section]:
    yield Section("", _known(_here(loaded, path, base)))
    if loaded is None or path is None:
        return
    if loaded.experiment.target.kubernetes is None:
        yield Section("", _local(loaded, path))
        return
    from chaosmem.run.diagnose_pods import diagnose_pods  # noqa: PLC0415 - 0.4 s

    async for section in diagnose_pods(loaded, RunClock.start()):
        yield section


async def _known(found: list[Ailment]) -> list[Ailment]:
    return found


def _here(loaded: spec.Loaded | None, path: Path | None, base: Path) -> list[Ailment]:
    found = [_try("go toolchain", lambda: gotool.find().version, needed=_builds(loaded))]
    found.append(_disk(base))
    if loaded is not None:
        found.append(Ailment("spec", well=True, found=f"{path} is valid"))
        found += [Ailment("spec", well=False, found=str(w)) for w in loaded.warnings]
    return found


def _builds(loaded: spec.Loaded | None) -> bool:
    """Whether Go is needed here: pods are built elsewhere."""
    return loaded is None or loaded.experiment.target.kubernetes is None


async def _local(loaded: spec.Loaded, path: Path) -> list[Ailment]:
    try:
        job = resolve.job(loaded, path.resolve().parent, lambda _: None)
    except ChaosmemError as problem:
        return [Ailment.of("target", problem)]
    with tempfile.TemporaryDirectory(prefix="chaosmem-doctor-") as scratch:
        return await diagnose(job, Path(scratch), RunClock.start())


def _try(what: str, look: Callable[[], str], *, needed: bool) -> Ailment:
    try:
        return Ailment(what, well=True, found=look())
    except ChaosmemError as problem:
        return Ailment.of(what, problem, needed=needed)


def _disk(base: Path) -> Ailment:
    there = base if base.exists() else Path()
    free = shutil.disk_usage(there).free
    return Ailment(
        "disk",
        well=free >= _LEAST_FREE,
        found=f"{units.human_bytes(free)} free under {base}",
        mend="free disk space or give another place with --runs-dir",
    )
