"""Specs looked at without their targets: parsed, and planned as far as that needs nobody."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from chaosmem import spec
from chaosmem.drivers import gotool
from chaosmem.errors import PlanRefused, SpecError
from chaosmem.plan import Inventory, PlannedTarget, make_plan
from chaosmem.spec import nodes
from chaosmem.spec.errors import Problem, SpecInvalid
from chaosmem.spec.reader import Loaded


def problems(path: Path) -> tuple[Problem, ...]:
    """Everything that is wrong with a spec, warnings too; empty where nothing is."""
    try:
        loaded = spec.load(path)
    except SpecInvalid as invalid:
        return invalid.problems
    except SpecError as unreadable:
        hint = f"; {unreadable.hint}" if unreadable.hint else ""
        words = str(unreadable).removeprefix(f"{path}:").lstrip()
        return (Problem(str(path), 1, 1, "", f"{words}{hint}"),)
    return (*loaded.warnings, *offline(loaded, path))


def offline(loaded: Loaded, path: Path) -> Iterator[Problem]:
    """What the files beside the spec, and the plan, have to say."""
    document = nodes.read(loaded.text, file=str(path))
    yield from _of_plan(loaded, document)
    process = loaded.experiment.target.process
    if process is None:
        return
    base, here = path.resolve().parent, ("target", "process")
    if not (base / process.cwd).is_dir():
        yield document.problem((*here, "cwd"), f"there is no directory {process.cwd}")
    build = process.go
    if build is not None and not build.module.startswith(gotool.BUILTIN):
        at = base / build.module
        if not (at / "go.mod").is_file():
            message = f"{build.module} holds no go.mod; name the module's directory"
            yield document.problem((*here, "go", "module"), message)
        elif not (at / build.package).is_dir():
            message = f"the module has no directory {build.package}"
            yield document.problem((*here, "go", "package"), message)


def _of_plan(loaded: Loaded, document: nodes.Document) -> Iterator[Problem]:
    """What the plan refuses whatever the target is: one stand-in is put in its place."""
    kind = loaded.experiment.target.kind
    stand_in = PlannedTarget(name=kind, kind=kind, detail="not looked at")
    try:
        make_plan(loaded.experiment, loaded.sha256, Inventory((stand_in,)))
    except PlanRefused as refused:
        for reason in str(refused).splitlines():
            yield document.problem(("faults",), reason, of_key=True)
