"""What the Chaos Mesh fault acts through on one pod: its object's name, life and promise."""

from __future__ import annotations

from collections.abc import Callable

from chaosmem.faults.mesh_access import MeshAccess
from chaosmem.run.podplace import Place
from chaosmem.run.undo import Promise
from chaosmem.rundir.events import DeleteObject

_LONGEST_NAME = 57


def mesh_access(place: Place, working_set: Callable[[], int | None]) -> MeshAccess | None:
    """None where no fault acts through it."""
    meshed = [f for f in place.memory_faults if f.via == "chaos-mesh"]
    if not meshed:
        return None
    run, spec = place.run_id, place.spec
    stem = f"chaosmem-{run.lower()}-{place.key.replace('.', '-')}"
    name = stem[:_LONGEST_NAME].strip("-")
    undo = DeleteObject(
        run_id=run,
        context=spec.context or "",
        kind="StressChaos",
        namespace=spec.control_namespace,
        name=name,
    )
    promise = Promise(f"{place.key}.stresschaos", place.key, f"delete StressChaos {name}", undo)
    inject = place.stage.experiment.phases.inject
    return MeshAccess(
        cluster=place.cluster,
        run_id=run,
        name=name,
        namespace=spec.control_namespace,
        target=place.pod,
        seconds=place.seconds,
        ramp=inject if meshed[0].ramp is None else meshed[0].ramp,
        promise=lambda: place.stage.ledger.promise(promise),
        working_set=working_set,
    )
