"""Blast radius across a campaign: how much a cell touches, and which cells may meet. Pure.

Cells that may meet on one target share a lock, and are never run side by side. Doubt is a lock:
two selectors of one namespace may match the same pods unless a label tells them apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from chaosmem.errors import PlanRefused
from chaosmem.spec.campaign import Campaign
from chaosmem.spec.campaign_reader import LoadedCampaign
from chaosmem.spec.model import Experiment
from chaosmem.spec.target import EndpointTarget, KubernetesTarget

_OF_ONE_WORKLOAD = frozenset(
    {
        "pod-template-hash",
        "controller-revision-hash",
        "statefulset.kubernetes.io/pod-name",
        "apps.kubernetes.io/pod-index",
        "batch.kubernetes.io/job-completion-index",
    }
)
"""Labels that differ between pods of one workload, and so do not tell workloads apart."""
_PORTS = {"http": 80, "https": 443}
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0"})  # noqa: S104 - names of this host


@dataclass(frozen=True, slots=True)
class Claim:
    """A thing that a cell acts on; `labels` where it is pods of that namespace."""

    place: str
    labels: Mapping[str, str] | None = None

    def __str__(self) -> str:
        pairs = ",".join(f"{k}={v}" for k, v in sorted((self.labels or {}).items()))
        return f"{self.place} {pairs}".rstrip()

    def meets(self, other: Claim) -> bool:
        """Whether both may be the same target, or pods of the same workload."""
        if self.place != other.place:
            return False
        mine, theirs = self.labels or {}, other.labels or {}
        shared = mine.keys() & theirs.keys() - _OF_ONE_WORKLOAD
        return all(mine[name] == theirs[name] for name in shared)


def claims(experiment: Experiment) -> tuple[Claim, ...]:
    """What an experiment acts on, as far as another could act on it too.

    A process that a run starts on a free port is nobody else's.
    """
    target = experiment.target
    if target.kubernetes is not None:
        return (_pods(target.kubernetes),)
    if target.endpoint is not None:
        return _endpoint(target.endpoint)
    port = target.process.port if target.process else "auto"
    return () if port == "auto" else (Claim(f"port {port} of this machine"),)


def _pods(target: KubernetesTarget) -> Claim:
    """By namespace alone: two contexts may be one cluster."""
    return Claim(f"pods of {target.namespace}", target.selector)


def _endpoint(target: EndpointTarget) -> tuple[Claim, ...]:
    if not target.url:  # a plugin finds it, and may find the same one for each
        return (Claim("an endpoint that a plugin finds"),)
    url = urlsplit(target.url)
    host = (url.hostname or "").lower()
    port = url.port or _PORTS.get(url.scheme, 0)
    local = host in _LOCAL
    place = f"port {port} of this machine" if local else f"{host}:{port}"
    found = [Claim(place)]
    found += [Claim(f"process {target.pid}")] if target.pid else []
    return tuple(found)


def weight(experiment: Experiment) -> int:
    """How many targets it may have under a fault at once: what its plan allows at most."""
    pods = experiment.target.kubernetes
    if pods is None or pods.mode == "one":
        return 1
    if pods.mode == "fixed":
        return pods.value or 1
    return experiment.limits.pods


def locks(experiments: Sequence[Experiment]) -> tuple[str, ...]:
    """The lock of each; empty where it meets no other. Meeting is passed on from cell to cell."""
    owned = [claims(e) for e in experiments]
    group = list(range(len(owned)))
    for one in range(len(owned)):
        for other in range(one):
            if group[one] != group[other] and _meet(owned[one], owned[other]):
                old = group[one]
                group = [group[other] if g == old else g for g in group]
    return tuple(str(owned[g][0]) if group.count(g) > 1 and owned[g] else "" for g in group)


def _meet(mine: Sequence[Claim], theirs: Sequence[Claim]) -> bool:
    return any(a.meets(b) for a in mine for b in theirs)


def refuse(loaded: LoadedCampaign) -> None:
    """PlanRefused with every reason why the campaign's own limits forbid a cell."""
    reasons = []
    for cell in loaded.cells:
        experiment = cell.loaded.experiment
        reasons += [f"cell {cell.name}: {why}" for why in _reasons(loaded.campaign, experiment)]
    if reasons:
        raise PlanRefused("\n".join(reasons))


def _reasons(campaign: Campaign, experiment: Experiment) -> list[str]:
    limits, reasons = campaign.limits, []
    if weight(experiment) > limits.targets:
        most = f"limits.targets = {limits.targets}"
        reasons.append(f"up to {weight(experiment)} targets at once are over {most}")
    pods = experiment.target.kubernetes
    if pods and limits.namespaces and pods.namespace not in limits.namespaces:
        known = ", ".join(limits.namespaces)
        reasons.append(f"namespace {pods.namespace} is not in limits.namespaces ({known})")
    return reasons


def notes(loaded: LoadedCampaign) -> list[str]:
    """What a reader of the plan should know."""
    parallel, targets = loaded.campaign.parallelism, loaded.campaign.limits.targets
    if parallel <= targets:
        return []
    return [f"parallelism {parallel} is never reached: limits.targets is {targets}"]
