"""What a machine looks like to those who must leave no trace: compared before and after."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.cluster.cgroups import hierarchies
from tests.cluster.instance import HOME, Instance
from tests.cluster.shell import run

_WATCHED = ("/etc", "/mnt", "/opt", "/run", "/srv", "/usr/libexec", "/var/lib", "/var/log")
_LINKS = Path("/sys/class/net")


@dataclass(frozen=True, slots=True)
class Machine:
    """Names of all that one cluster could leave behind, without what other clusters have."""

    mounts: frozenset[str]
    links: frozenset[str]
    routes: frozenset[str]
    cgroups: frozenset[str]
    files: frozenset[str]


def look(instance: Instance) -> Machine:
    """Look now; of all clusters' traces, those of `instance` count.

    Others are told apart by how a cluster names its parts, as they come and go at the same time.
    """
    state, link = str(instance.state), instance.link
    return Machine(
        mounts=_without(_mount_points(), f"{HOME}/", state),
        links=_without(_entries(_LINKS), f"{_LINKS}/cm-", f"{_LINKS}/{link}"),
        routes=frozenset(r for r in _routes() if " cm-" not in r or f" {link}" in r),
        cgroups=_without(_cgroups(), "chaosmem-", instance.cgroup),
        files=frozenset(f for d in _WATCHED for f in _entries(Path(d))) - {str(HOME)},
    )


def _without(names: list[str], others: str, own: str) -> frozenset[str]:
    return frozenset(n for n in names if not n.startswith(others) or n.startswith(own))


def _mount_points() -> list[str]:
    return [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]


def _routes() -> list[str]:
    return run(["ip", "route", "show", "table", "all"]).splitlines()


def _cgroups() -> list[str]:
    """Top-level groups; a cluster has no others but below its own."""
    return [p.name for h in hierarchies() for p in h.root.iterdir() if p.is_dir()]


def _entries(place: Path) -> list[str]:
    return [str(entry) for entry in place.iterdir()] if place.is_dir() else []
