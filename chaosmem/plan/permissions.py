"""The permissions that an experiment on pods needs of the cluster, each with its reason. Pure.

They follow from what the code asks of the API server, and from nothing else: `manifests/` grants
exactly these, and `chaosmem doctor` asks about each of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from chaosmem.plan.environment import runtime_changes
from chaosmem.spec.faults import LoadFault, MemoryFault, RuntimeFault
from chaosmem.spec.model import Experiment
from chaosmem.spec.target import KubernetesTarget

WORKLOADS: Final = ("deployments", "statefulsets", "daemonsets")
_PROXY_VERBS: Final = {
    "GET": "get",
    "HEAD": "get",
    "POST": "create",
    "PUT": "update",
    "PATCH": "patch",
    "DELETE": "delete",
}
"""What the API server asks about for each HTTP method (its RequestInfo)."""
_ACTS: Final = ("POST", "DELETE")
"""Methods of an act and of the end of a lease, on the agent and on the helper."""


@dataclass(frozen=True, slots=True)
class Need:
    """One permission; an empty namespace means the whole cluster, an empty name any object.

    `needed` false: a run does without it, and `why` says what is then lost.
    """

    verb: str
    resource: str
    why: str
    group: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    needed: bool = True

    @property
    def what(self) -> str:
        """As kubectl writes it, and where: `pods/log in shop`, `secret agent in shop`."""
        resource = f"{self.resource}.{self.group}" if self.group else self.resource
        resource += f"/{self.subresource}" if self.subresource else ""
        resource += f" {self.name}" if self.name else ""
        return f"{resource} in {self.namespace or 'the cluster'}"


def permissions(experiment: Experiment, workloads: tuple[str, ...] = WORKLOADS) -> tuple[Need, ...]:
    """Every permission, in the target's namespace, then the control namespace, then the cluster.

    `workloads` are the kinds that the pods belong to, where that is known.
    """
    spec = experiment.target.kubernetes
    if spec is None:
        return ()
    found = [*_target(experiment, spec, workloads), *_control(experiment, spec), *_cluster()]
    return _once(found)


def _once(found: list[Need]) -> tuple[Need, ...]:
    """Each permission once, needed where anything needs it: the two namespaces may be one."""
    kept: dict[Need, Need] = {}
    for need in found:
        key = replace(need, why="", needed=False)
        if key not in kept or (need.needed and not kept[key].needed):
            kept[key] = need
    return tuple(kept.values())


def changes_environment(experiment: Experiment) -> bool:
    """Whether pods are rolled over to another environment: by a fault, or by an arm."""
    by_fault = any(isinstance(f, RuntimeFault) and f.via == "rollout" for f in experiment.faults)
    return by_fault or any(
        a.env or runtime_changes(a.gogc, a.gomemlimit, a.godebug) for a in experiment.arms
    )


def needs_helper(experiment: Experiment) -> bool:
    """Whether a helper pod is put beside each target."""
    spec = experiment.target.kubernetes
    return spec is not None and (spec.helper.observe or presses(experiment))


def needs_load_pod(experiment: Experiment) -> bool:
    """Whether a pod of chaosmem's own may send the load."""
    return any(isinstance(f, LoadFault) and f.origin != "runner" for f in experiment.faults)


def presses(experiment: Experiment) -> bool:
    """Whether the helper presses on the target's cgroup, and does not only read it."""
    return any(isinstance(f, MemoryFault) and f.via == "helper" for f in experiment.faults)


def uses_chaos_mesh(experiment: Experiment) -> bool:
    """Whether a StressChaos is made."""
    return any(isinstance(f, MemoryFault) and f.via == "chaos-mesh" for f in experiment.faults)


# --- the target's namespace


def _target(
    experiment: Experiment, spec: KubernetesTarget, workloads: tuple[str, ...]
) -> Iterator[Need]:
    yield from _evidence(spec.namespace)
    yield from _reached(spec.namespace, spec.transport, _methods(experiment))
    if experiment.target.agent and experiment.target.agent.token_secret:
        name = experiment.target.agent.token_secret.partition("/")[0]
        why = "to read the agent's token"
        yield Need("get", "secrets", why, namespace=spec.namespace, name=name)
    if changes_environment(experiment):
        yield from _rollout(spec.namespace, workloads)
    if uses_chaos_mesh(experiment):
        asked = "because Chaos Mesh's webhook asks for it where the pod is"
        yield _stress("create", spec.namespace, asked)
        yield _stress("list", spec.namespace, "to see that nothing else stresses the pod")


def _evidence(namespace: str) -> Iterator[Need]:
    yield from _each("list", "pods", namespace, "to find the pods")
    yield from _each("get", "pods", namespace, "to look at a pod again before acting on it")
    yield from _each("watch", "pods", namespace, "to notice restarts, OOM kills and replaced pods")
    owner = "to find the workload of a pod, which the run's lock is on"
    yield from _each("get", "replicasets", namespace, owner, group="apps")
    yield from _each("get", "pods/log", namespace, "to follow the log (gctrace)")
    lost = "without it the events of the pods are not in the evidence"
    yield from _each("list watch", "events", namespace, lost, needed=False)


def _methods(experiment: Experiment) -> list[str]:
    """HTTP methods that the target is spoken to with."""
    acts = any(getattr(f, "via", "") == "agent" for f in experiment.faults)
    found = ["GET", *(_ACTS if acts else ())]
    loads = [f for f in experiment.faults if isinstance(f, LoadFault) and f.origin == "runner"]
    return found + [request.method for load in loads for request in load.mix]


def _reached(namespace: str, transport: str, methods: list[str]) -> Iterator[Need]:
    """What each transport asks; with `auto` any one that works is enough."""
    needed = transport != "auto"
    if transport in ("auto", "proxy"):
        verbs = " ".join(dict.fromkeys(_PROXY_VERBS[m] for m in methods))
        why = "to reach the pods through the API server" + ("" if needed else _ONE_WAY)
        yield from _each(verbs, "pods/proxy", namespace, why, needed=needed)
    if transport in ("auto", "port-forward"):
        why = "to reach the pods by port-forward" + ("" if needed else _ONE_WAY)
        yield from _each("create get", "pods/portforward", namespace, why, needed=needed)


_ONE_WAY: Final = ", where their addresses cannot be reached"


def _rollout(namespace: str, workloads: tuple[str, ...]) -> Iterator[Need]:
    change = "to change the environment, and to give the former one back"
    for resource in workloads:
        yield from _each("get", resource, namespace, "to follow a rollout", group="apps")
        yield from _each("patch", resource, namespace, change, group="apps")
    value = "to merge into a value that comes from a ConfigMap"
    yield from _each("get", "configmaps", namespace, value)
    scaled = "without it an autoscaler of the same pods is not seen"
    yield from _each(
        "list", "horizontalpodautoscalers", namespace, scaled, group="autoscaling", needed=False
    )
    budget = "without it a disruption budget of the same pods is not seen"
    yield from _each(
        "list", "poddisruptionbudgets", namespace, budget, group="policy", needed=False
    )


# --- the control namespace


def _control(experiment: Experiment, spec: KubernetesTarget) -> Iterator[Need]:
    where = spec.control_namespace
    record = "to keep, and to remove, what is to be undone"
    yield from _each("create get patch delete", "configmaps", where, record)
    yield from _each("list", "configmaps", where, "to find what killed runs left (sweep)")
    beat = "to lock the target and to show that the run is alive"
    group = "coordination.k8s.io"
    yield from _each("create get update delete", "leases", where, beat, group=group)
    yield from _each("list", "leases", where, "to remove the locks of killed runs", group=group)
    acts = presses(experiment) or needs_load_pod(experiment)
    if acts or needs_helper(experiment):
        yield from _own_pods(where, spec.transport, _ACTS if acts else ())
    if uses_chaos_mesh(experiment):
        for verb in ("create", "get", "list", "patch", "delete"):
            yield _stress(verb, where, "to stress, to see it done, to nudge it and to end it")


def _own_pods(where: str, transport: str, acts: tuple[str, ...]) -> Iterator[Need]:
    yield from _each(
        "create get delete", "pods", where, "to make, and to remove, the helper and load pods"
    )
    yield from _each("create get delete", "secrets", where, "to give such a pod its token")
    yield from _reached(where, transport, ["GET", *acts])
    said = "without it a pod that ends at once does not say why"
    yield from _each("get", "pods/log", where, said, needed=False)
    seen = "without it doctor cannot say beforehand what would hold a pod back"
    yield Need("get", "namespaces", seen, namespace=where, name=where, needed=False)
    yield from _each("list", "resourcequotas", where, seen, needed=False)


def _stress(verb: str, namespace: str, why: str) -> Need:
    return Need(verb, "stresschaos", why, group="chaos-mesh.org", namespace=namespace)


# --- the cluster


def _cluster() -> Iterator[Need]:
    lost = "without it memory pressure of the node and its loss are not seen"
    for verb in ("get", "list", "watch"):
        yield Need(verb, "nodes", lost, needed=False)


def _each(
    verbs: str, resource: str, namespace: str, why: str, *, group: str = "", needed: bool = True
) -> Iterator[Need]:
    plural, _, subresource = resource.partition("/")
    first = Need("", plural, why, group, subresource, namespace, needed=needed)
    for verb in verbs.split():
        yield replace(first, verb=verb)
