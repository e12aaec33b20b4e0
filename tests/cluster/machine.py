"""What a machine looks like to those who must leave no trace: compared before and after."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.cluster.cgroups import hierarchies
from tests.cluster.instance import HOME, Instance, existing
from tests.cluster.shell import run

_WATCHED = ("/etc", "/opt", "/run", "/usr/libexec", "/var/lib", "/var/log", "/mnt", "/srv")


@dataclass(frozen=True, slots=True)
class Machine:
    """Names of all that a cluster could leave behind, without what other clusters have."""

    mounts: frozenset[str]
    links: frozenset[str]
    routes: frozenset[str]
    cgroups: frozenset[str]
    files: frozenset[str]


def look(instance: Instance) -> Machine:
    """Look now; `instance` is the one whose traces count."""
    others = [other for other in existing() if other != instance]
    return Machine(
        mounts=frozenset(p for p in _mount_points() if not _of_others(p, others)),
        links=frozenset(_entries("/sys/class/net")) - {f"/sys/class/net/{o.link}" for o in others},
        routes=frozenset(r for r in _routes() if not any(o.link in r for o in others)),
        cgroups=frozenset(_cgroups()) - {o.cgroup for o in others},
        files=frozenset(f for d in _WATCHED for f in _entries(d)) - {str(HOME)},
    )


def _mount_points() -> list[str]:
    return [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]


def _of_others(point: str, others: list[Instance]) -> bool:
    return any(point == str(o.state) or point.startswith(f"{o.state}/") for o in others)


def _routes() -> list[str]:
    return run(["ip", "route", "show", "table", "all"]).splitlines()


def _cgroups() -> set[str]:
    """Top-level groups; a cluster has no others but below its own."""
    return {p.name for h in hierarchies() for p in h.root.iterdir() if p.is_dir()}


def _entries(directory: str) -> list[str]:
    place = Path(directory)
    return [str(entry) for entry in place.iterdir()] if place.is_dir() else []
