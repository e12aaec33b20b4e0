"""Undo by kubectl alone: the exact commands, from what a run may leave in a cluster. Pure.

For whoever has neither chaosmem nor the run directory. Everything that a run makes carries the
label `chaosmem.io/run-id`, so that nothing of another run is touched; each command may be repeated.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from shlex import quote
from typing import Any, Final

from chaosmem.drivers.kube.envpatch import EnvUndo, Variable
from chaosmem.drivers.kube.kinds import OWNER_LABELS, RUN_LABEL
from chaosmem.plan.model import PlannedPod
from chaosmem.plan.permissions import needs_helper, needs_load_pod, uses_chaos_mesh
from chaosmem.spec.model import Experiment

RUN: Final = "$RUN"
"""The shell's variable that holds the run's id."""
_AGENTS_OWN: Final = r"chaosmem/agent\..*Goroutine"
"""Functions of the goroutines that the agent itself starts, as a dump names them."""
_ROLLOUT: Final = "300s"
_GONE: Final = "60s"


@dataclass(frozen=True, slots=True)
class Left:
    """What a run may leave in a cluster.

    Attributes:
        context: context of the kubeconfig; empty: the current one.
        control: namespace of chaosmem's own objects.
        namespace, selector, port: the pods that are acted on, and their HTTP port.
        formers: each workload's environment as it was.
        own_pods, stress: whether there may be pods of chaosmem's own, a StressChaos.
        pprof: path of pprof in the pods; empty: there is none.
        agents: whether an agent in the pods may hold something.
    """

    context: str
    control: str
    namespace: str
    selector: Mapping[str, str]
    port: int
    formers: tuple[EnvUndo, ...] = field(default=())
    own_pods: bool = True
    stress: bool = False
    pprof: str = ""
    agents: bool = True


def of_experiment(
    experiment: Experiment, pods: Iterable[PlannedPod], formers: Iterable[EnvUndo]
) -> Left:
    """What runs of that experiment may leave."""
    spec = experiment.target.kubernetes
    assert spec is not None  # noqa: S101 - callers have pods
    access = experiment.target.pprof
    return Left(
        context=spec.context or "",
        control=spec.control_namespace,
        namespace=spec.namespace,
        selector=spec.selector,
        port=next((pod.port for pod in pods), 0),
        formers=tuple(formers),
        own_pods=needs_helper(experiment) or needs_load_pod(experiment),
        stress=uses_chaos_mesh(experiment),
        pprof=access.path if access is not None and access.port is None else "",
        agents=experiment.target.agent is not None,
    )


@dataclass(frozen=True, slots=True)
class Commands:
    """The commands, by what they are for."""

    left: Left

    def _k(self, words: str, namespace: str = "") -> str:
        context = f" --context {quote(self.left.context)}" if self.left.context else ""
        where = f" -n {quote(namespace)}" if namespace else ""
        return f"kubectl{context}{where} {words}"

    def _own(self, words: str) -> str:
        return self._k(words, self.left.control)

    def find(self) -> Iterator[str]:
        """Which runs have left something, and since when they are dead."""
        owner = ",".join(f"{k}={v}" for k, v in OWNER_LABELS.items())
        column = RUN_LABEL.replace(".", r"\.")
        run = f"RUN:.metadata.labels.{column}"
        columns = f"{run},LAST-HEARTBEAT:.spec.renewTime,HOLDER:.spec.holderIdentity"
        yield self._own(f"get leases -l {owner} -o custom-columns='{columns}'")

    def undo(self) -> Iterator[str]:
        """Everything, in the order in which it is to be done."""
        mine = f'-l "{RUN_LABEL}={RUN}"'
        if self.left.own_pods:
            yield self._own(f"delete pods {mine} --grace-period=1 --wait --timeout={_GONE}")
        if self.left.stress:
            yield self._own(f"delete stresschaos {mine} --wait --timeout={_GONE}")
        for former in self.left.formers:
            yield from self._revert(former)
        if self.left.own_pods:
            yield self._own(f"delete secrets {mine}")
        yield self._own(f"delete leases {mine}")
        yield self._own(f"delete configmaps {mine}")

    def _revert(self, former: EnvUndo) -> Iterator[str]:
        ref = former.ref
        workload = f"{ref.kind.resource}/{quote(ref.name)}"
        patch = quote(json.dumps(former_environment(former), separators=(",", ":")))
        yield self._k(f"patch {workload} --type=strategic -p {patch}", ref.namespace)
        yield self._k(f"rollout status {workload} --timeout={_ROLLOUT}", ref.namespace)

    def look(self) -> Iterator[str]:
        """That nothing is left: no resource is found, and each number is 0."""
        kinds = "pods,secrets,configmaps,leases" + (",stresschaos" if self.left.stress else "")
        yield self._own(f'get {kinds} -l "{RUN_LABEL}={RUN}"')
        if self.left.agents and self.left.pprof and self.left.port:
            yield from self._goroutines()

    def _goroutines(self) -> Iterator[str]:
        """Of every pod that is there now: a rollout has given them other names."""
        space, port = self.left.namespace, self.left.port
        selector = quote(",".join(f"{k}={v}" for k, v in self.left.selector.items()))
        names = self._k(f"get pods -l {selector} -o jsonpath='{{.items[*].metadata.name}}'", space)
        proxy = f"/api/v1/namespaces/{space}/pods/$pod:{port}/proxy{self.left.pprof}/goroutine"
        yield f"for pod in $({names}); do"
        dump = self._k(f'get --raw "{proxy}?debug=2"')
        yield f"  if dump=$({dump}); then"
        yield f"    count=$(printf '%s\\n' \"$dump\" | grep -c '{_AGENTS_OWN}' || true)"
        yield '    echo "$pod: $count"'
        yield '  else echo "$pod: not seen"; fi'
        yield "done"

    def last_resort(self) -> Iterator[str]:
        """A pod that is replaced has nothing of ours in it."""
        yield "POD=the-name-of-the-pod"
        yield self._k('delete pod "$POD"', self.left.namespace)
        if self.left.stress:
            mine = f'-l "{RUN_LABEL}={RUN}"'
            nudge = f"annotate stresschaos {mine} --overwrite chaosmem.io/nudge=$(date +%s)"
            forced = "chaos-mesh.chaos-mesh.org/cleanFinalizer=forced"
            yield self._own(nudge)
            yield self._own(f"annotate stresschaos {mine} --overwrite {forced}")


def former_environment(former: EnvUndo) -> dict[str, Any]:
    """A strategic merge patch that gives a workload its former variables back, and no others."""
    env = [_entry(variable) for variable in former.variables]
    container = {"name": former.container, "env": env}
    return {"spec": {"template": {"spec": {"containers": [container]}}}}


def _entry(variable: Variable) -> dict[str, Any]:
    """A null takes away what stands there: a variable has either a value or a source."""
    if variable.before is None:
        return {"name": variable.name, "$patch": "delete"}
    return {"name": variable.name, "value": None, "valueFrom": None} | variable.before
