"""What changed between two sights of a pod, as far as it matters to an experiment (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import chain

from chaosmem.drivers.kube.podmodel import Container, Pod, Terminated

_EVICTION = frozenset({"Evicted", "Preempting", "NodeShutdown", "Terminated"})
"""status.reason of a pod that its node ended: kubelet's eviction and node shutdown."""


class What(StrEnum):
    """Kinds of change."""

    DELETED = "deleted"
    """It is not there any more."""
    REPLACED = "replaced"
    """Another pod has its name (a StatefulSet's)."""
    DELETING = "deleting"
    """Its deletion was asked for; it is in its grace period."""
    RESTARTED = "restarted"
    """A container runs again."""
    ENDED = "ended"
    """A container ended and does not run (yet) again."""
    OOM_KILLED = "oom-killed"
    """A container was killed by the kernel for its memory."""
    EVICTED = "evicted"
    """Its node ended it."""
    READY_LOST = "ready-lost"
    READY_BACK = "ready-back"
    NODE_GONE = "node-gone"
    """Its node was removed or does not report."""
    WATCH_LOST = "watch-lost"
    """The API server is away: what happens now is not seen at once."""
    WATCH_BACK = "watch-back"
    """The API server is back, and what happened meanwhile has been told."""


@dataclass(frozen=True, slots=True)
class Change:
    """One change; `pod` is its last sight, None where the change is no pod's."""

    what: What
    pod: Pod | None = None
    container: str = ""
    detail: str = ""
    ended: Terminated | None = None

    @property
    def ends_the_pod(self) -> bool:
        """Whether the pod that was observed is there no more."""
        return self.what in {What.DELETED, What.REPLACED, What.EVICTED}


def compare(before: Pod | None, after: Pod | None) -> tuple[Change, ...]:
    """Everything that happened to a pod between two sights of its name.

    A watch may skip states in between, so a restart is told from the counter and the id, and an
    OOM kill from the record of the last termination, never from a passing state.
    """
    if before is None:
        return ()
    if after is None:
        return (Change(What.DELETED, before),)
    if before.uid != after.uid:
        return (Change(What.REPLACED, before, detail=f"by a pod with uid {after.uid}"),)
    return tuple(chain(_pod_changes(before, after), _container_changes(before, after)))


def _pod_changes(before: Pod, after: Pod) -> list[Change]:
    found = []
    if after.deleting and not before.deleting:
        found.append(Change(What.DELETING, after))
    if _evicted(after) and not _evicted(before):
        found.append(Change(What.EVICTED, after, detail=after.message or _evicted(after)))
    if after.reason == "NodeLost" and before.reason != "NodeLost":
        found.append(Change(What.NODE_GONE, after, detail=after.message))
    if before.ready != after.ready:
        found.append(Change(What.READY_BACK if after.ready else What.READY_LOST, after))
    return found


def _evicted(pod: Pod) -> str:
    """Why Kubernetes ends it, empty where it does not.

    A process that exits 0 in its grace period leaves a pod that Succeeded, without a reason: there
    only the condition tells.
    """
    return pod.reason if pod.reason in _EVICTION else pod.disruption


def _container_changes(before: Pod, after: Pod) -> list[Change]:
    were = {c.name: c for c in before.containers}
    pairs = [(were[c.name], c) for c in after.containers if c.name in were]
    return list(chain.from_iterable(_changes_of(after, old, new) for old, new in pairs))


def _changes_of(pod: Pod, old: Container, new: Container) -> list[Change]:
    found = []
    ended = _newly_ended(old, new)
    if ended is not None:
        kind = What.OOM_KILLED if ended.oom_killed else What.ENDED
        found.append(Change(kind, pod, new.name, _end_words(ended), ended))
    if new.restart_count > old.restart_count or _other_container(old, new):
        detail = f"restart count {old.restart_count} -> {new.restart_count}"
        found.append(Change(What.RESTARTED, pod, new.name, detail, new.last_terminated))
    return found


def _newly_ended(old: Container, new: Container) -> Terminated | None:
    """The latest end that `old` did not know of."""
    known = {old.terminated, old.last_terminated}
    for ended in (new.terminated, new.last_terminated):
        if ended is not None and ended not in known:
            return ended
    return None


def _other_container(old: Container, new: Container) -> bool:
    """Another id while the counter stands still: kubelet lost count (its own restart)."""
    return bool(
        old.container_id
        and new.container_id
        and old.container_id != new.container_id
        and new.restart_count <= old.restart_count
    )


def _end_words(ended: Terminated) -> str:
    return f"{ended.reason or 'ended'}, exit code {ended.exit_code}"
