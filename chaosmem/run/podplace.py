"""Where a pod target is, for all that is done to it: the cluster, the run, which pod and trial."""

from __future__ import annotations

from dataclasses import dataclass

from chaosmem.drivers.kube.connect import Cluster
from chaosmem.plan.model import PlannedPod
from chaosmem.run.lease import DEADLINE_SLACK
from chaosmem.run.stage import Stage
from chaosmem.run.target import Use, declared_port
from chaosmem.rundir import events
from chaosmem.spec.faults import MemoryFault
from chaosmem.spec.target import KubernetesTarget, Target


@dataclass(frozen=True, slots=True)
class Place:
    """One pod in one trial."""

    cluster: Cluster
    stage: Stage
    key: str
    pod: PlannedPod

    @property
    def name(self) -> str:
        """The pod as people know it."""
        return f"{self.pod.namespace}/{self.pod.name}"

    @property
    def target(self) -> Target:
        """The target's section of the spec."""
        return self.stage.experiment.target

    @property
    def spec(self) -> KubernetesTarget:
        """What the spec says of the cluster."""
        assert self.target.kubernetes is not None  # noqa: S101 - the supply makes no others
        return self.target.kubernetes

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self.stage.rundir.run_id

    @property
    def memory_faults(self) -> list[MemoryFault]:
        """Faults that press on the container's cgroup."""
        return [f for f in self.stage.experiment.faults if isinstance(f, MemoryFault)]

    @property
    def seconds(self) -> int:
        """How long what acts in the trial may live, in seconds from its first phase on."""
        return round(self.stage.longest_trial + DEADLINE_SLACK)

    def port(self, use: Use) -> int:
        """The port of one side of it."""
        return declared_port(self.target, use) or self.pod.port

    # --- the journal

    def changed(self, state: str, detail: str, *, at: float | None = None) -> None:
        """Something happened to the target, now or `at` that time."""
        now = self.stage.clock.now() if at is None else at
        self.stage.write(events.TargetChanged(t=now, trial=self.key, state=state, detail=detail))

    def tell(self, facts: dict[str, str]) -> None:
        """What the target is."""
        now = self.stage.clock.now()
        self.stage.write(events.TargetFacts(t=now, trial=self.key, facts=facts))

    def trouble(self, t: float, source: str, text: str) -> None:
        """At `t` something could not be seen."""
        self.stage.write(events.ProbeTrouble(t=t, trial=self.key, source=source, text=text))

    def note(self, text: str) -> None:
        """What people may want to know."""
        self.stage.write(events.Noted(t=self.stage.clock.now(), trial=self.key, text=text))
