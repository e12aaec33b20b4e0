"""A look at the pods of an experiment and at what a run needs of their cluster; changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any, Final

from chaosmem import units
from chaosmem.clock import RunClock
from chaosmem.drivers.kube import pods
from chaosmem.drivers.kube.connect import Cluster
from chaosmem.drivers.kube.podmodel import Pod
from chaosmem.errors import ChaosmemError, PlanRefused
from chaosmem.plan import Inventory, make_plan
from chaosmem.plan.model import PlannedPod
from chaosmem.plan.permissions import changes_environment, uses_chaos_mesh
from chaosmem.plan.pods import Selection, select
from chaosmem.run import diagnose_cluster, diagnose_helper, diagnose_place, diagnose_target
from chaosmem.run.diagnose import Ailment, Section
from chaosmem.run.diagnose_cluster import Look
from chaosmem.run.podplan import candidate
from chaosmem.spec.reader import Loaded

_WITHIN: Final = 20.0
"""Seconds that one section may take before it is given up."""
_AT_ONCE: Final = 8
"""Pods that are looked at side by side."""

Part = Callable[[Look], Coroutine[Any, Any, list[Ailment]]]


async def diagnose_pods(loaded: Loaded, clock: RunClock) -> AsyncIterator[Section]:
    """The sections, in the order in which they are worth reading; they are worked out at once.

    The first one fails where there is no cluster, and is the only one then.
    """
    spec = loaded.experiment.target.kubernetes
    assert spec is not None  # noqa: S101 - the caller has a kubernetes target
    try:
        async with Cluster.open(context=spec.context) as cluster:
            look = Look(cluster, loaded.experiment, spec, clock)
            first = await _caught("API server", diagnose_cluster.server(cluster))
            yield Section("cluster", _known(first))
            if all(ailment.well for ailment in first):
                async for section in _sections(loaded, look):
                    yield section
    except ChaosmemError as problem:
        yield Section("cluster", _known([Ailment.of("cluster", problem)]))


async def rehearse(loaded: Loaded) -> list[Ailment]:
    """What the API server says to all that a run would make, by dry runs: nothing is changed."""
    spec = loaded.experiment.target.kubernetes
    assert spec is not None  # noqa: S101 - the caller has a kubernetes target
    try:
        async with Cluster.open(context=spec.context) as cluster:
            clock = RunClock.start()
            _, look = await _pods(loaded, Look(cluster, loaded.experiment, spec, clock))
            what = f"control namespace {spec.control_namespace}"
            return await _caught(what, diagnose_helper.control(look))
    except ChaosmemError as problem:
        return [Ailment.of("cluster", problem)]


async def _sections(loaded: Loaded, look: Look) -> AsyncIterator[Section]:
    found, look = await _pods(loaded, look)
    parts = [("permissions", _caught("permissions", diagnose_cluster.granted(look)))]
    parts.append(("pods", _known(found)))
    gate = asyncio.Semaphore(_AT_ONCE)
    for planned, pod in look.chosen:
        parts.append((f"pod {pod.name}", _gated(gate, look, planned, pod)))
    parts += [(heading, _caught(heading, part(look))) for heading, part in _rest(look)]
    tasks = [(heading, asyncio.ensure_future(work)) for heading, work in parts]
    try:
        for heading, task in tasks:
            yield Section(heading, task)
    finally:
        for _, task in tasks:
            task.cancel()


def _rest(look: Look) -> list[tuple[str, Part]]:
    parts: list[tuple[str, Part]] = [
        ("control namespace", diagnose_helper.control),
        ("nodes", diagnose_place.nodes),
    ]
    if uses_chaos_mesh(look.experiment):
        parts.append(("Chaos Mesh", diagnose_place.chaos_mesh))
    if changes_environment(look.experiment):
        parts.append(("workloads", diagnose_place.workloads_of))
    return [*parts, ("other runs", diagnose_cluster.others)]


async def _gated(
    gate: asyncio.Semaphore, look: Look, planned: PlannedPod, pod: Pod
) -> list[Ailment]:
    async with gate:
        return await _caught(pod.name, diagnose_target.target(look, planned, pod))


async def _known(found: Sequence[Ailment]) -> list[Ailment]:
    return list(found)


async def _caught(what: str, work: Awaitable[list[Ailment]]) -> list[Ailment]:
    try:
        return await asyncio.wait_for(work, _WITHIN)
    except ChaosmemError as problem:
        return [Ailment.of(what, problem)]
    except TimeoutError:
        return [Ailment(what, well=False, found=f"no answer within {_WITHIN:g} s")]


# --- which pods


async def _pods(loaded: Loaded, look: Look) -> tuple[list[Ailment], Look]:
    spec, experiment = look.spec, look.experiment
    try:
        seen = await pods.find_pods(look.cluster, spec.namespace, spec.selector)
    except ChaosmemError as problem:
        return [Ailment.of("pods", problem)], look
    chosen = select(experiment, [candidate(pod, spec) for pod in seen])
    look = replace(look, pods=seen, targets=chosen.targets)
    found = [_selected(look), *_plan(loaded, chosen)]
    found += [Ailment("pod", well=False, found=note, needed=False) for note in chosen.notes]
    return found + [a for planned, pod in look.chosen for a in _state(planned, pod)], look


def _selected(look: Look) -> Ailment:
    labels = ",".join(f"{k}={v}" for k, v in look.spec.selector.items())
    return Ailment(
        "selector",
        well=bool(look.pods),
        found=f"{len(look.pods)} pods in {look.spec.namespace} have {labels}; "
        f"mode: {look.spec.mode} chooses {len(look.targets)}",
        mend=f"kubectl -n {look.spec.namespace} get pods --show-labels",
    )


def _plan(loaded: Loaded, chosen: Selection) -> list[Ailment]:
    inventory = Inventory(chosen.targets, chosen.refusals, chosen.notes)
    try:
        plan = make_plan(loaded.experiment, loaded.sha256, inventory)
    except PlanRefused as problem:
        return [Ailment("plan", well=False, found=line) for line in str(problem).splitlines()]
    seconds = units.human_seconds(plan.seconds)
    return [Ailment("plan", well=True, found=f"{len(plan.trials)} trials, {seconds}")]


def _state(planned: PlannedPod, pod: Pod) -> list[Ailment]:
    container = pod.container(planned.container)
    limit = "no limit" if planned.limit is None else f"limit {units.human_bytes(planned.limit)}"
    found = [
        Ailment(
            pod.name,
            well=True,
            found=f"container {planned.container} on {pod.node}, {limit}, {pod.qos}, "
            f"port {planned.port}" + (f", of {planned.workload}" if planned.workload else ""),
        )
    ]
    if container.restart_count:
        found.append(_restarts(pod, planned.container))
    if planned.limit is None:
        found.append(_unlimited(pod))
    return found


def _restarts(pod: Pod, name: str) -> Ailment:
    container = pod.container(name)
    last = container.last_terminated
    why = f", last by {last.reason} (exit code {last.exit_code})" if last else ""
    return Ailment(
        f"{pod.name} restarts",
        well=False,
        found=f"{container.restart_count}{why}",
        mend=f"kubectl -n {pod.namespace} logs {pod.name} -c {name} --previous",
        needed=False,
    )


def _unlimited(pod: Pod) -> Ailment:
    return Ailment(
        f"{pod.name} limit",
        well=False,
        found=f"no memory limit ({pod.qos}): a leak is the node's, and no level can be given",
        mend="set resources.limits.memory",
        needed=False,
    )
