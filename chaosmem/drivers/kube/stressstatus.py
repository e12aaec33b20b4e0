"""What the status of a StressChaos means. Pure; the controller's own words stay with it.

The conditions are not enough: `AllRecovered` is true of a stress that was never injected, and
`AllInjected` of one whose process was never started. So the records decide.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final, Literal

from pydantic import Field, ValidationError

from chaosmem.drivers.kube.kinds import JsonObject
from chaosmem.drivers.kube.wire import MetaWire, Wire, without_nulls
from chaosmem.errors import ClusterError

NOT_INJECTED: Final = "Not Injected"
INJECTED: Final = "Injected"


class RecordEvent(Wire):
    """What the controller did to one container, and when by its own clock, in whole seconds."""

    type: str
    operation: str
    message: str = ""
    timestamp: datetime


class Record(Wire):
    """One container of a StressChaos; `id` is NAMESPACE/POD/CONTAINER."""

    id: str
    phase: str
    injected_count: int = 0
    recovered_count: int = 0
    events: tuple[RecordEvent, ...] = ()


class Instance(Wire):
    """The stressor of one container; `memory_uid` is a process id on the node, empty for none."""

    memory_uid: str = ""


class _Experiment(Wire):
    desired_phase: Literal["", "Run", "Stop"] = ""
    container_records: tuple[Record, ...] = ()


class _Status(Wire):
    experiment: _Experiment = _Experiment()
    instances: dict[str, Instance] = Field(default_factory=dict)


class _Meta(MetaWire):
    finalizers: tuple[str, ...] = ()


class _Selector(Wire):
    pods: dict[str, tuple[str, ...]] = Field(default_factory=dict)


class _Spec(Wire):
    selector: _Selector = _Selector()


class _Object(Wire):
    metadata: _Meta
    spec: _Spec = _Spec()
    status: _Status = _Status()


class Meaning(StrEnum):
    """One row of the truth table each; the last three are what some become by waiting too long."""

    UNSEEN = "unseen"
    """No controller has taken it up yet."""
    SELECTING = "selecting"
    """Its containers are being looked for."""
    FAILING = "injection failing"
    """Selected, and not injected; the condition `AllRecovered` is true here."""
    IN_NAME_ONLY = "injected in name only"
    """`AllInjected`, and no process of a memory stressor."""
    INJECTED = "injected"
    """A process was started once; necessary for stress, and no proof of it."""
    PARTIAL = "partial"
    """Some containers, not all."""
    RECOVERING = "recovering"
    """It is being taken back."""
    RECOVERED = "recovered"
    """Injected, and taken back as often."""
    NEVER_INJECTED = "never injected"
    """Stopped before anything was injected (paused, or the controller was away)."""
    NO_CONTROLLER = "no controller"
    """`unseen` for too long."""
    MATCHED_NOTHING = "matched nothing"
    """`selecting` for too long: the controller does not look again."""
    STUCK = "stuck"
    """`recovering` for too long: the controller swallows that error, and does not try again."""


_OVERDUE: Final = {
    Meaning.UNSEEN: Meaning.NO_CONTROLLER,
    Meaning.SELECTING: Meaning.MATCHED_NOTHING,
    Meaning.RECOVERING: Meaning.STUCK,
}
OVER: Final = frozenset({Meaning.RECOVERED, Meaning.NEVER_INJECTED})
"""Nothing of it acts any more, as far as the controller knows."""


class Chaos(Wire):
    """A StressChaos as the API server last said."""

    namespace: str
    name: str
    uid: str
    run_id: str = ""
    created: datetime | None = None
    deleting: bool = False
    finalizers: tuple[str, ...] = ()
    pods: frozenset[tuple[str, str]] = frozenset()
    """Namespace and name of the pods that its spec names."""
    desired: Literal["", "Run", "Stop"] = ""
    records: tuple[Record, ...] = ()
    pids: dict[str, str] = Field(default_factory=dict)
    """Process id of the memory stressor by record id."""

    @property
    def meaning(self) -> Meaning:
        """The row of the truth table, as of this moment."""
        if not self.desired:
            return Meaning.UNSEEN
        return self._run() if self.desired == "Run" else self._stop()

    def _run(self) -> Meaning:
        if not self.records:
            return Meaning.SELECTING
        injected = [r for r in self.records if r.phase == INJECTED and r.injected_count]
        if len(injected) < len(self.records):
            untouched = all(r.phase == NOT_INJECTED for r in self.records)
            return Meaning.FAILING if untouched else Meaning.PARTIAL
        real = all(self.pids.get(r.id) for r in injected)
        return Meaning.INJECTED if real else Meaning.IN_NAME_ONLY

    def _stop(self) -> Meaning:
        if all(r.phase == NOT_INJECTED and not r.injected_count for r in self.records):
            return Meaning.NEVER_INJECTED
        back = all(
            r.phase == NOT_INJECTED and r.recovered_count == r.injected_count for r in self.records
        )
        return Meaning.RECOVERED if back else Meaning.RECOVERING

    def after_waiting(self) -> Meaning:
        """The meaning once the time for it to change has run out."""
        return _OVERDUE.get(self.meaning, self.meaning)

    def acts_on(self, namespace: str, pod: str) -> bool:
        """Whether it acts on that pod, or will as soon as it is taken up."""
        if self.meaning in OVER:
            return False
        recorded = any(r.id.startswith(f"{namespace}/{pod}/") for r in self.records)
        return recorded or (namespace, pod) in self.pods

    def last_event(self, operation: str, outcome: str) -> RecordEvent | None:
        """The newest of that operation (Apply, Recover) and outcome (Succeeded, Failed)."""
        found = [
            e
            for r in self.records
            for e in r.events
            if (e.operation, e.type) == (operation, outcome)
        ]
        return max(found, key=lambda e: e.timestamp, default=None)


def read_chaos(body: JsonObject, run_label: str) -> Chaos:
    """A StressChaos from its JSON; ClusterError where it is malformed."""
    try:
        said = _Object.model_validate(without_nulls(body))
    except ValidationError as problem:
        first = problem.errors()[0]
        place = ".".join(str(p) for p in first["loc"])
        raise ClusterError(f"a malformed StressChaos: {place}: {first['msg']}") from problem
    meta, experiment = said.metadata, said.status.experiment
    return Chaos(
        namespace=meta.namespace,
        name=meta.name,
        uid=meta.uid,
        run_id=meta.labels.get(run_label, ""),
        created=meta.creation_timestamp,
        deleting=meta.deletion_timestamp is not None,
        finalizers=meta.finalizers,
        pods=frozenset((ns, p) for ns, pods in said.spec.selector.pods.items() for p in pods),
        desired=experiment.desired_phase,
        records=experiment.container_records,
        pids={name: i.memory_uid for name, i in said.status.instances.items() if i.memory_uid},
    )
