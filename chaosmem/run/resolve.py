"""From a loaded spec to a job: inventory, plan, and the program to run, built if need be."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

from chaosmem import __version__, plugins
from chaosmem.drivers import gotool
from chaosmem.errors import ChaosmemError, TargetError
from chaosmem.plan import Inventory, Plan, PlannedTarget, make_plan
from chaosmem.plugins import Found
from chaosmem.run.job import Job
from chaosmem.spec.model import Experiment
from chaosmem.spec.reader import Loaded
from chaosmem.spec.target import EndpointTarget, GoBuild, ProcessTarget

Say = Callable[[str], None]


def inventory(experiment: Experiment) -> Inventory:
    """What there is to act on, without touching it."""
    target = experiment.target
    if target.process is not None:
        detail = _process_detail(target.process)
        return Inventory((PlannedTarget(name="process", kind="process", detail=detail),))
    if target.endpoint is not None:
        url = target.endpoint.url or ""
        return Inventory((PlannedTarget(name=url, kind="endpoint", detail=f"attach to {url}"),))
    from chaosmem.run import podplan  # noqa: PLC0415 - 0.4 s that a local run saves

    return podplan.inventory(experiment)


def _process_detail(target: ProcessTarget) -> str:
    if target.go is not None:
        package, module = target.go.package, target.go.module
        what = module if package == "." else f"{package} of {module}"
        return f"build and start {what}"
    return "start " + " ".join(target.command)


def located(experiment: Experiment) -> Experiment:
    """The experiment with its endpoint's address, where a driver plugin finds it; else itself.

    Raises:
        TargetError: the plugin did not find it, or failed.
    """
    endpoint = experiment.target.endpoint
    finder = endpoint.finder() if endpoint is not None else None
    if endpoint is None or finder is None:
        return experiment
    plugin, told = finder
    try:
        found: Found = plugins.call(plugin.find)(told)
        addressed = EndpointTarget(url=found.url, pid=endpoint.pid or found.pid)
    except ChaosmemError:
        raise
    except Exception as error:
        raise TargetError(
            f"target.endpoint.find failed: {type(error).__name__}: {error}"
        ) from error
    target = experiment.target.model_copy(update={"endpoint": addressed})
    return experiment.model_copy(update={"target": target})


def plan(loaded: Loaded) -> Plan:
    """The plan of a loaded spec; PlanRefused says why not."""
    return _plan(loaded, located(loaded.experiment))


def _plan(loaded: Loaded, experiment: Experiment) -> Plan:
    return make_plan(experiment, loaded.sha256, inventory(experiment))


def job(loaded: Loaded, base: Path, say: Say, meanwhile: Callable[[], None] | None = None) -> Job:
    """Everything that a run needs. `base` is the spec's directory; `say` hears of long work.

    `meanwhile` is done while a Go program is built, if one is.
    """
    experiment = located(loaded.experiment)
    planned = _plan(loaded, experiment)
    target = experiment.target
    facts = {
        "chaosmem": __version__,
        "host": platform.node(),
        "kernel": platform.release(),
        "cpus": str(os.cpu_count()),
        "python": platform.python_version(),
    }
    program: tuple[str, ...] = ()
    cwd = base
    if target.process is not None:
        cwd = (base / target.process.cwd).resolve()
        program = _program(target.process, base, cwd, facts, partial(_built, say, meanwhile))
    return Job(experiment, loaded.text, planned, program, cwd, facts)


def _program(
    target: ProcessTarget,
    base: Path,
    cwd: Path,
    facts: dict[str, str],
    built: Callable[[GoBuild, Path, dict[str, str]], Path],
) -> tuple[str, ...]:
    if target.go is not None:
        return (str(built(target.go, base, facts)),)
    first, *rest = target.command
    named = cwd / first
    found = str(named) if named.is_file() else shutil.which(first)
    if found is None:
        raise TargetError(
            f"target.process.command: there is no program {first!r}",
            hint="give a path relative to the spec, or a program on PATH",
        )
    return (found, *rest)


def _built(
    say: Say,
    meanwhile: Callable[[], None] | None,
    build: GoBuild,
    base: Path,
    facts: dict[str, str],
) -> Path:
    go = gotool.find()
    facts["go.toolchain"] = go.version
    package, module = build.package, base / build.module
    if build.module.startswith(gotool.BUILTIN):
        module = gotool.builtin_module()
        package = "./" + build.module.removeprefix(gotool.BUILTIN)
    say(f"building {package} with {go.version}")
    return gotool.build(
        go, module, package, tags=build.tags, flags=build.flags, meanwhile=meanwhile
    )
