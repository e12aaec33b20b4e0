"""What Kubernetes itself notes: the events about pods and nodes, and the nodes' memory pressure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from chaosmem.clock import RunClock
from chaosmem.drivers.kube.connect import Cluster
from chaosmem.drivers.kube.kinds import EVENT, NODE, JsonObject
from chaosmem.drivers.kube.watching import Listener, Scope, Watching, name_of
from chaosmem.errors import ClusterError

PRESSURES: Final = ("MemoryPressure", "DiskPressure", "PIDPressure")


@dataclass(frozen=True, slots=True)
class Note:
    """An event, or a change of a node's pressure.

    `t` is when it was noticed, seconds on the run's clock; `at` when it happened by the clock of
    who noted it (whole seconds in core events); `count` how often so far.
    """

    t: float
    at: datetime | None
    about: str
    """`Pod shop/cart-0`, `Node node1`."""
    reason: str
    message: str
    warning: bool
    count: int = 1
    reporter: str = ""


OnNote = Callable[[Note], None]


def note_of(body: JsonObject, t: float) -> Note:
    """A note from a core/v1 Event."""
    about = body.get("involvedObject") or {}
    where = f"{about['namespace']}/" if about.get("namespace") else ""
    series = body.get("series") or {}
    at = series.get("lastObservedTime") or body.get("lastTimestamp") or body.get("eventTime")
    return Note(
        t=t,
        at=_time(at or body["metadata"].get("creationTimestamp")),
        about=f"{about.get('kind', '?')} {where}{about.get('name', '?')}",
        reason=body.get("reason") or "",
        message=(body.get("message") or "").strip(),
        warning=body.get("type") == "Warning",
        count=int(series.get("count") or body.get("count") or 1),
        reporter=(body.get("source") or {}).get("component")
        or body.get("reportingComponent")
        or "",
    )


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


class EventWatch(Listener):
    """Tells each event of a namespace that is about `about` (a predicate over `Kind ns/name`).

    Events that were there before the watch began are not told; one that is counted up is told
    again. Node events are in the namespace `default`.
    """

    def __init__(
        self,
        cluster: Cluster,
        namespace: str,
        clock: RunClock,
        on_note: OnNote,
        about: Callable[[str], bool] = lambda _: True,
    ) -> None:
        self._clock, self._on_note, self._about = clock, on_note, about
        self._watching = Watching(cluster, Scope(EVENT, namespace), self)
        self._versions: dict[str, str] = {}
        self.synced = self._watching.synced
        self.run = self._watching.run
        self.trouble: ClusterError | None = None
        """Why no events come at the moment."""

    def seen(self, body: JsonObject) -> None:
        """An event, new or counted up."""
        name, version = name_of(body), body["metadata"].get("resourceVersion", "")
        told = self._versions.get(name) == version
        self._versions[name] = version
        if told or not self.synced.is_set():
            return
        note = note_of(body, self._clock.now())
        if self._about(note.about):
            self._on_note(note)

    def removed(self, name: str) -> None:
        """An event ran out (after an hour); what it said was told."""
        self._versions.pop(name, None)

    def lost(self, problem: ClusterError) -> None:
        """The API server is away."""
        self.trouble = problem

    def back(self) -> None:
        """It is back."""
        self.trouble = None


class PressureWatch(Listener):
    """Tells when a node comes under pressure and is relieved; at its start, the pressure it has."""

    def __init__(self, cluster: Cluster, node: str, clock: RunClock, on_note: OnNote) -> None:
        self._clock, self._on_note = clock, on_note
        self._watching = Watching(cluster, Scope(NODE, fields=f"metadata.name={node}"), self)
        self._under: dict[str, bool] = {}
        self.synced = self._watching.synced
        self.run = self._watching.run

    def seen(self, body: JsonObject) -> None:
        """The node as it is now."""
        name = body["metadata"]["name"]
        for condition in (body.get("status") or {}).get("conditions") or []:
            kind, under = condition["type"], condition["status"] == "True"
            if kind in PRESSURES and under != self._under.get(kind, False):
                self._on_note(_pressure_note(name, condition, self._clock.now(), under=under))
            self._under[kind] = under


def _pressure_note(node: str, condition: JsonObject, t: float, *, under: bool) -> Note:
    return Note(
        t=t,
        at=_time(condition.get("lastTransitionTime")),
        about=f"Node {node}",
        reason=condition["type"] if under else f"No{condition['type']}",
        message=condition.get("message") or "",
        warning=under,
        reporter="kubelet",
    )
