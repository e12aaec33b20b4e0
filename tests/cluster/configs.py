"""What is written for the components before they start: certificates, kubeconfigs, settings."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cluster import kubeconfig
from tests.cluster.certs import Authority, signing_key
from tests.cluster.images.catalogue import PAUSE
from tests.cluster.instance import NODE_NAME, Addresses, Instance

_USERS = {
    "controller-manager": ("system:kube-controller-manager", ()),
    "scheduler": ("system:kube-scheduler", ()),
    "proxy": ("system:kube-proxy", ()),
    "kubelet": (f"system:node:{NODE_NAME}", ("system:nodes",)),
}

# restrict_oom_score_adj: root without CAP_SYS_RESOURCE may not lower an oom_score_adj, and every
# sandbox would fail with "can't get final child's PID from pipe: EOF".
_CONTAINERD = """version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
[grpc]
  address = "/run/containerd/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{pause}"
  restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "/usr/lib/cni"
  conf_dir = "{state}/cni"
[plugins."io.containerd.grpc.v1.cri".containerd]
  snapshotter = "overlayfs"
"""


def write(instance: Instance, addresses: Addresses) -> None:
    """Write everything into the state directory."""
    _write_certificates(instance, addresses)
    _write_cni(instance, addresses)
    write_kubelet(instance, {})
    config = _CONTAINERD.format(pause=PAUSE.tag, state=instance.state)
    (instance.state / "containerd.toml").write_text(config)
    # Without a file of its own, pods would get the host's name servers, which they cannot reach.
    (instance.state / "resolv.conf").write_text("")


def _write_certificates(instance: Instance, addresses: Addresses) -> None:
    authority, pki = Authority(), instance.pki
    ca = authority.pair.certificate
    names = ["kubernetes", "kubernetes.default", "kubernetes.default.svc", "localhost"]
    reached = [*names, "127.0.0.1", addresses.node, addresses.api_service]
    authority.pair.save(pki, "ca")
    signing_key().save(pki, "service-accounts")
    authority.server("kube-apiserver", reached).save(pki, "apiserver")
    authority.client("kube-apiserver", ["system:masters"]).save(pki, "apiserver-kubelet")
    authority.server(NODE_NAME, [NODE_NAME, addresses.node, "127.0.0.1"]).save(pki, "kubelet")
    for name, (user, groups) in _USERS.items():
        pair = authority.client(user, groups)
        kubeconfig.with_certificate(pki / f"{name}.kubeconfig", addresses.server, ca, pair)
    admin = authority.client("admin", ["system:masters"])
    kubeconfig.with_certificate(instance.kubeconfig, addresses.server, ca, admin)


def _write_cni(instance: Instance, addresses: Addresses) -> None:
    # Point to point rather than a bridge: everything is routed, so services need no br_netfilter.
    ipam = {
        "type": "host-local",
        "ranges": [[{"subnet": addresses.pods}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    plugins = [
        {"type": "ptp", "ipMasq": False, "ipam": ipam},
        {"type": "portmap", "capabilities": {"portMappings": True}},
    ]
    place = instance.state / "cni"
    place.mkdir()
    network = {"cniVersion": "0.4.0", "name": "pods", "plugins": plugins}
    (place / "10-pods.conflist").write_text(json.dumps(network, indent=1))


def kubelet_config(instance: Instance) -> Path:
    """Where kubelet's settings are."""
    return instance.state / "kubelet.json"


def write_kubelet(instance: Instance, changes: dict[str, object]) -> None:
    """Write kubelet's settings with some of them changed."""
    pki = instance.pki
    settings: dict[str, object] = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(pki / "ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": str(pki / "kubelet.crt"),
        "tlsPrivateKeyFile": str(pki / "kubelet.key"),
        "containerRuntimeEndpoint": "unix:///run/containerd/containerd.sock",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{instance.cgroup}",
        "failCgroupV1": False,
        "failSwapOn": False,
        "resolvConf": str(instance.state / "resolv.conf"),
        "volumePluginDir": "/var/lib/kubelet/volume-plugins",
        "oomScoreAdj": 0,
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%"},
        "evictionPressureTransitionPeriod": "5s",
        "imageGCHighThresholdPercent": 100,  # never: an image of ours can be pulled from nowhere
    }
    kubelet_config(instance).write_text(json.dumps(settings | changes, indent=1))
