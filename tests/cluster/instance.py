"""A cluster's name, and all that follows from it: paths, addresses, names in the kernel.

Whatever a cluster owns is named after it, so that `down` needs no record of what `up` did.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import re
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.shell import ClusterProblem

HOME = Path("/run/chaosmem-cluster")
NODE_NAME = "node1"
API_PORT = 6443
KUBELET_PORT = 10250
SLOTS = 8  # clusters side by side on one machine; each has its own addresses
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,30}")


@dataclass(frozen=True, slots=True)
class Addresses:
    """Networks of one slot: host and node on a link of their own, pods and services behind it."""

    slot: int

    @property
    def host(self) -> str:
        """The host's end of the link."""
        return f"172.31.{240 + self.slot}.1"

    @property
    def node(self) -> str:
        """The node's end: API server and kubelet listen here."""
        return f"172.31.{240 + self.slot}.2"

    @property
    def pods(self) -> str:
        """The node's pods, 254 of them; reachable from the host."""
        return f"10.{200 + self.slot}.0.0/24"

    @property
    def services(self) -> str:
        """Cluster addresses of services; reachable from the host."""
        return f"10.{216 + self.slot}.0.0/24"

    @property
    def api_service(self) -> str:
        """The address of `kubernetes.default`."""
        return f"10.{216 + self.slot}.0.1"

    @property
    def server(self) -> str:
        """URL of the API server, from the host, the node and the pods alike."""
        return f"https://{self.node}:{API_PORT}"

    def overlaps(self, network: str) -> bool:
        """Whether a network of the host's has an address of ours in it."""
        other = ipaddress.ip_network(network, strict=False)
        mine = (f"{self.host}/30", self.pods, self.services)
        return any(other.overlaps(ipaddress.ip_network(m, strict=False)) for m in mine)


@dataclass(frozen=True, slots=True)
class Instance:
    """One cluster by its name; raises ClusterProblem where the name is none."""

    name: str

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ClusterProblem(f"{self.name!r} is no name: lower case, digits and -, 31 at most")

    @property
    def state(self) -> Path:
        """A tmpfs with everything the cluster writes."""
        return HOME / self.name

    @property
    def net_ns(self) -> Path:
        """Handle of the node's network namespace."""
        return self.state / "ns" / "net"

    @property
    def mount_ns(self) -> Path:
        """Handle of the node's mount namespace."""
        return self.state / "ns" / "mnt"

    @property
    def logs(self) -> Path:
        """One log file a component."""
        return self.state / "logs"

    @property
    def pki(self) -> Path:
        """Certificates, keys and the components' kubeconfigs."""
        return self.state / "pki"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's."""
        return self.state / "kubeconfig"

    @property
    def containerd_socket(self) -> Path:
        """containerd's socket as the host sees it."""
        return self.state / "run" / "containerd" / "containerd.sock"

    @property
    def cgroup(self) -> str:
        """Name of the cgroup that all processes of the cluster are in."""
        return f"chaosmem-{self.name}"

    @property
    def link(self) -> str:
        """Name of the host's end of the link; the kernel allows 15 characters."""
        return "cm-" + hashlib.sha256(self.name.encode()).hexdigest()[:8]

    @property
    def record(self) -> Path:
        """What cannot be had from the name: the slot."""
        return self.state / "cluster.json"

    def addresses(self) -> Addresses:
        """The addresses that `up` took; ClusterProblem where the cluster is not up."""
        try:
            return Addresses(json.loads(self.record.read_text())["slot"])
        except (OSError, ValueError, KeyError) as err:
            raise ClusterProblem(
                f"no cluster {self.name!r}: python -m tests.cluster up --name {self.name}"
            ) from err

    def remember(self, addresses: Addresses) -> None:
        """Write the record."""
        self.record.write_text(json.dumps({"name": self.name, "slot": addresses.slot}))


def existing() -> list[Instance]:
    """Every cluster with a state directory, whole or torn."""
    if not HOME.is_dir():
        return []
    return [Instance(p.name) for p in sorted(HOME.iterdir()) if p.is_dir()]
