"""The pods of an experiment, watched: each change is told once, with the run's time of its notice.

Two watches: the pods, and (where it is permitted) their nodes, whose removal or silence
kubelet-less pods do not show by themselves for minutes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from chaosmem.clock import RunClock
from chaosmem.drivers.kube.changes import Change, What, compare
from chaosmem.drivers.kube.connect import Cluster
from chaosmem.drivers.kube.kinds import NODE, POD, JsonObject
from chaosmem.drivers.kube.podmodel import Pod
from chaosmem.drivers.kube.pods import label_query, pod_of
from chaosmem.drivers.kube.watching import Listener, Scope, Watching
from chaosmem.errors import ClusterError

OnChange = Callable[["Noticed"], None]


@dataclass(frozen=True, slots=True)
class Noticed:
    """A change and when it was noticed, seconds on the run's clock (it happened before)."""

    t: float
    change: Change


class PodWatch(Listener):
    """Watches the pods of a namespace that match; `run` goes on until cancelled.

    `pods` is the last sight of each, by name; `synced` is set once the first list was read.
    Owner chains are not resolved here: they do not change.
    """

    def __init__(
        self,
        cluster: Cluster,
        namespace: str,
        clock: RunClock,
        on_change: OnChange,
        *,
        selector: Mapping[str, str] | str = "",
        name: str = "",
    ) -> None:
        fields = f"metadata.name={name}" if name else ""
        scope = Scope(POD, namespace, label_query(selector), fields)
        self._clock, self._on_change = clock, on_change
        self._watching = Watching(cluster, scope, self)
        self.synced = self._watching.synced
        self.run = self._watching.run
        self.pods: dict[str, Pod] = {}

    def seen(self, body: JsonObject) -> None:
        """A pod as it is now."""
        pod = pod_of(body)
        before = self.pods.get(pod.name)
        self.pods[pod.name] = pod
        self._tell_all(compare(before, pod))

    def removed(self, name: str) -> None:
        """A pod is gone."""
        before = self.pods.pop(name.partition("/")[2], None)
        self._tell_all(compare(before, None))

    def lost(self, problem: ClusterError) -> None:
        """The API server is away."""
        self._tell(Change(What.WATCH_LOST, detail=str(problem)))

    def back(self) -> None:
        """It is back."""
        self._tell(Change(What.WATCH_BACK))

    def _tell_all(self, changes: tuple[Change, ...]) -> None:
        for change in changes:
            self._tell(change)

    def _tell(self, change: Change) -> None:
        self._on_change(Noticed(self._clock.now(), change))


class NodeWatch(Listener):
    """Watches one node: told when it is removed, or does not report (Ready Unknown)."""

    def __init__(self, cluster: Cluster, node: str, clock: RunClock, on_change: OnChange) -> None:
        self._node, self._clock, self._on_change = node, clock, on_change
        self._watching = Watching(cluster, Scope(NODE, fields=f"metadata.name={node}"), self)
        self.run = self._watching.run
        self._gone = False

    def seen(self, body: JsonObject) -> None:
        """The node as it is now."""
        conditions = (body.get("status") or {}).get("conditions") or []
        silent = any(c["type"] == "Ready" and c["status"] == "Unknown" for c in conditions)
        if silent and not self._gone:
            self._tell(f"node {self._node} does not report")
        self._gone = silent

    def removed(self, name: str) -> None:
        """The node is gone."""
        self._gone = True
        self._tell(f"node {name.strip('/')} was removed")

    def _tell(self, detail: str) -> None:
        self._on_change(Noticed(self._clock.now(), Change(What.NODE_GONE, detail=detail)))
