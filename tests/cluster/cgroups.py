"""The cgroup that holds a cluster: how its processes are found and ended, however it was left.

All components start in it and what they start inherits it, so membership needs no record. On a
machine with a v2 hierarchy (alone, or beside v1 ones) the components are in that one, where one
write kills the whole tree; else in the first v1 hierarchy. Containers have theirs below
NAME/kubepods in the hierarchies that have controllers.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.instance import Instance
from tests.cluster.shell import ClusterProblem

_KILL_SECONDS = 20  # a process in uninterruptible sleep, on a busy machine
_POLL_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """A mounted cgroup hierarchy."""

    root: Path
    v2: bool

    def tree(self, instance: Instance) -> Path:
        """The cluster's part of it."""
        return self.root / instance.cgroup


def hierarchies() -> list[Hierarchy]:
    """All that are mounted below /sys/fs/cgroup."""
    found = []
    for line in Path("/proc/mounts").read_text().splitlines():
        _, where, kind, *_ = line.split()
        if kind in {"cgroup", "cgroup2"} and where.startswith("/sys/fs/cgroup"):
            found.append(Hierarchy(Path(where), v2=kind == "cgroup2"))
    return found


def tracker() -> Hierarchy:
    """The hierarchy that components are put into."""
    found = sorted(hierarchies(), key=lambda h: (not h.v2, h.root))
    if not found:
        raise ClusterProblem("no cgroup hierarchy below /sys/fs/cgroup")
    return found[0]


def make(instance: Instance) -> None:
    """Make the cluster's cgroup everywhere; kubelet wants its root to exist in each hierarchy."""
    for hierarchy in hierarchies():
        tree = hierarchy.tree(instance)
        if hierarchy.v2:
            _delegate(hierarchy.root)
        tree.mkdir(exist_ok=True)
        if hierarchy.v2:
            _delegate(tree)
        elif (tree / "cpuset.cpus").exists():
            _inherit_cpuset(tree)


def leaf(instance: Instance, component: str) -> Path:
    """The cgroup of one component, made when missing."""
    path = tracker().tree(instance) / "components" / component
    path.mkdir(parents=True, exist_ok=True)
    return path


def members(path: Path) -> list[int]:
    """Processes in one cgroup, without those in its children."""
    try:
        return [int(pid) for pid in (path / "cgroup.procs").read_text().split()]
    except OSError:
        return []


def trees(instance: Instance) -> list[Path]:
    """The cluster's cgroups that exist, children before parents."""
    found: list[Path] = []
    for hierarchy in hierarchies():
        found += [Path(d) for d, _, _ in os.walk(hierarchy.tree(instance), topdown=False)]
    return found


def processes(instance: Instance) -> set[int]:
    """Every process of the cluster: in its cgroups, or in its network namespace."""
    inside = {pid for path in trees(instance) for pid in members(path)}
    return inside | _sharing_network(instance)


def kill_all(instance: Instance) -> None:
    """End every process of the cluster; ClusterProblem names what survives."""
    deadline = time.monotonic() + _KILL_SECONDS
    while alive := processes(instance):
        if time.monotonic() > deadline:
            raise ClusterProblem(f"processes survive SIGKILL: {sorted(alive)}")
        for path in trees(instance):
            _end(path)
        for pid in alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(_POLL_SECONDS)


def remove(instance: Instance) -> None:
    """Remove the empty cgroups; ClusterProblem when one stays."""
    deadline = time.monotonic() + _KILL_SECONDS
    while left := trees(instance):
        if time.monotonic() > deadline:
            raise ClusterProblem(f"cgroups cannot be removed: {left[0]}")
        for path in left:
            with contextlib.suppress(OSError):  # a dying process is still in it
                path.rmdir()
        time.sleep(_POLL_SECONDS)


def _sharing_network(instance: Instance) -> set[int]:
    try:
        wanted = instance.net_ns.stat()
    except OSError:
        return set()
    if wanted.st_dev == instance.state.stat().st_dev:  # an empty file: no namespace behind it
        return set()
    return {pid for pid in _pids() if _network_of(pid) == wanted.st_ino}


def _pids() -> list[int]:
    return [
        int(p.name)
        for p in Path("/proc").iterdir()
        if p.name.isdigit() and int(p.name) != os.getpid()
    ]


def _network_of(pid: int) -> int:
    try:
        return Path(f"/proc/{pid}/ns/net").stat().st_ino
    except OSError:
        return -1


def _end(path: Path) -> None:
    # A frozen v1 group ignores SIGKILL until it is thawed.
    for file, word in (("cgroup.kill", "1"), ("freezer.state", "THAWED")):
        with contextlib.suppress(OSError):
            if (path / file).exists():
                (path / file).write_text(word)


def _delegate(path: Path) -> None:
    for controller in (path / "cgroup.controllers").read_text().split():
        with contextlib.suppress(OSError):  # one that cannot be delegated is missed by kubelet
            (path / "cgroup.subtree_control").write_text(f"+{controller}")


def _inherit_cpuset(tree: Path) -> None:
    for file in ("cpuset.cpus", "cpuset.mems"):
        (tree / file).write_text((tree.parent / file).read_text())
