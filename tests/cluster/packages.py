"""Debian packages, installed when a program of theirs is missing: CI starts from nothing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from tests.cluster.shell import ClusterProblem, locked, run

NODE: Mapping[str, str] = {
    "containerd": "containerd",
    "runc": "runc",
    "/usr/lib/cni/ptp": "containernetworking-plugins",
    "iptables": "iptables",
    "conntrack": "conntrack",
    "ip": "iproute2",
    "nsenter": "util-linux",
}
EMULATOR: Mapping[str, str] = {"qemu-system-x86_64": "qemu-system-x86"}

_LOCK = Path("/tmp/chaosmem-apt.lock")  # noqa: S108  one lock for everybody on the machine
_INSTALL_SECONDS = 600


def missing(wanted: Mapping[str, str]) -> list[str]:
    """The packages whose program is not there."""
    return sorted({package for program, package in wanted.items() if not _found(program)})


def require(wanted: Mapping[str, str]) -> None:
    """Install what is missing; ClusterProblem without apt, root, or the package."""
    if not missing(wanted):
        return
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        raise ClusterProblem(f"install these packages first: {' '.join(missing(wanted))}")
    with locked(_LOCK):
        names = missing(wanted)
        if names:
            refresh()
            _apt("install", "--yes", "--no-install-recommends", *names)


def refresh() -> None:
    """Fetch the package lists; a fresh machine has none or old ones."""
    _apt("update")


def _found(program: str) -> bool:
    # Root's PATH may lack the sbin directories where iptables and conntrack are.
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") is not None


def _apt(*args: str) -> None:
    run(
        ["apt-get", "--quiet", *args],
        env={"DEBIAN_FRONTEND": "noninteractive"},
        timeout=_INSTALL_SECONDS,
    )
