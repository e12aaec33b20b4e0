"""The node's namespaces: no address, rule, mount or directory of the host's is changed.

One network namespace with a link to the host, and one mount namespace with /run, /var/lib and
/var/log of its own. Both are kept by handles in the state directory and die with them: with the
network namespace goes the link, with the mount namespace go all mounts of pods.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from tests.cluster.instance import HOME, SLOTS, Addresses, Instance
from tests.cluster.shell import ClusterProblem, run

_TMPFS = "size=8g,mode=755"  # a bound, not what is taken
_VANISH_SECONDS = 20
_POLL_SECONDS = 0.05

# Bound while all mounts are private, shared afterwards: so no mount appears twice. What kubelet
# measures is a tmpfs with one mount point each: cAdvisor finds no file system that has two.
_SETUP = """set -e
own="$1/run${1#/run}"
mkdir -p "$own"
mount --bind "$1" "$own"
mount -t tmpfs -o {options} lib /var/lib
mount -t tmpfs -o {options} log /var/log
mount --rbind "$1/run" /run
mount --make-rshared /
ip link set lo up
""".replace("{options}", _TMPFS)


def free_addresses() -> Addresses:
    """The first slot whose networks touch none of the host's routes."""
    words = [
        line.split() for line in run(["ip", "-4", "route", "show", "table", "all"]).splitlines()
    ]
    kinds = {"local", "broadcast", "unreachable", "blackhole", "prohibit", "throw"}
    routes = [w[1] if w[0] in kinds else w[0] for w in words if w]
    networks = [r for r in routes if r not in {"default", "0.0.0.0/0"}]
    for slot in range(SLOTS):
        if not any(Addresses(slot).overlaps(n) for n in networks):
            return Addresses(slot)
    raise ClusterProblem(f"no free addresses: {SLOTS} clusters run, or routes of the host overlap")


def make(instance: Instance, addresses: Addresses) -> None:
    """Make state directory, namespaces and link; everything is named after the instance."""
    state = instance.state
    state.mkdir(parents=True, exist_ok=True)
    run(["mount", "-t", "tmpfs", "-o", _TMPFS, instance.cgroup, state])
    run(["mount", "--make-private", state])
    instance.remember(addresses)
    for place in (instance.net_ns.parent, instance.logs, instance.pki, state / "tmp"):
        place.mkdir(mode=0o700)
    instance.net_ns.touch()
    instance.mount_ns.touch()
    argv = ["unshare", f"--net={instance.net_ns}", f"--mount={instance.mount_ns}"]
    run([*argv, "--propagation=private", "sh", "-c", _SETUP, "sh", str(state)])
    _connect(instance, addresses)


def _connect(instance: Instance, addresses: Addresses) -> None:
    # Created with its peer inside, so that no half of it is ever on the host alone.
    peer = ["peer", "name", "eth0", "netns", str(instance.net_ns)]
    run(["ip", "link", "add", instance.link, "type", "veth", *peer])
    run(["ip", "address", "add", f"{addresses.host}/30", "dev", instance.link])
    run(["ip", "link", "set", instance.link, "up"])
    inside(instance, ["ip", "address", "add", f"{addresses.node}/30", "dev", "eth0"])
    inside(instance, ["ip", "link", "set", "eth0", "up"])
    inside(instance, ["ip", "route", "add", "default", "via", addresses.host])
    # /proc/sys/net shows the namespace of the process that opens it.
    inside(instance, ["sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"])
    for network in (addresses.pods, addresses.services):
        run(["ip", "route", "add", network, "via", addresses.node, "dev", instance.link])


def entry(instance: Instance) -> list[str]:
    """The words that enter the node before a program; not `ip netns exec`, which hides cgroups."""
    return ["nsenter", f"--net={instance.net_ns}", f"--mount={instance.mount_ns}", "--wdns=/"]


def inside(instance: Instance, argv: Sequence[str]) -> str:
    """Run a program on the node."""
    return run([*entry(instance), *argv])


def mounts(instance: Instance) -> list[str]:
    """The host's mount points that belong to the cluster."""
    points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    state = str(instance.state)
    return [p for p in points if p == state or p.startswith(state + "/")]


def has_link(instance: Instance) -> bool:
    """Whether the host's end of the link is there."""
    return Path("/sys/class/net", instance.link).exists()


def remove(instance: Instance) -> None:
    """Remove link, mounts and state directory, when no process is left inside."""
    if has_link(instance):
        run(["ip", "link", "delete", instance.link])
    deadline = time.monotonic() + _VANISH_SECONDS
    while points := mounts(instance):
        _unmount(points[-1], lazily=time.monotonic() > deadline)
    _remove_directory(instance.state)
    if HOME.is_dir() and not any(HOME.iterdir()):
        HOME.rmdir()


def _unmount(point: str, *, lazily: bool) -> None:
    try:
        run(["umount", *(["--lazy"] if lazily else []), point])
    except ClusterProblem:
        # A file of it is still open: a dying process's, or a log that a person reads.
        if lazily:
            raise
        time.sleep(_POLL_SECONDS)


def _remove_directory(state: Path) -> None:
    if state.is_dir():
        state.rmdir()  # below it was a mount; anything else in it is not ours
