"""The processes of a cluster: their arguments, and starting and killing one of them."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.cluster import build, cgroups, configs, netns
from tests.cluster.instance import API_PORT, KUBELET_PORT, NODE_NAME, Addresses, Instance
from tests.cluster.shell import ClusterProblem

_ETCD = "http://127.0.0.1:2379"
_START_SECONDS = 10
_KILL_SECONDS = 10
_POLL_SECONDS = 0.01

# The process joins its cgroup before it becomes the component: there is no moment at which it runs
# and cannot be found.
_JOIN = 'echo $$ > "$1" && echo $$ > "$2" && shift 2 && exec "$@"'


def etcd(instance: Instance, _: Addresses) -> list[str]:
    """Loopback only; without fsync, as the state is on a tmpfs."""
    data = ["--data-dir", f"{instance.state}/etcd", "--unsafe-no-fsync", "--name", NODE_NAME]
    clients = ["--listen-client-urls", _ETCD, "--advertise-client-urls", _ETCD]
    return [*data, *clients, "--listen-peer-urls", "http://127.0.0.1:2380"]


def apiserver(instance: Instance, addresses: Addresses) -> list[str]:
    """Node and RBAC authorisation; users are client certificates or service-account tokens."""
    pki = instance.pki
    return [
        f"--etcd-servers={_ETCD}",
        f"--advertise-address={addresses.node}",
        f"--secure-port={API_PORT}",
        f"--service-cluster-ip-range={addresses.services}",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--allow-privileged=true",
        f"--client-ca-file={pki}/ca.crt",
        f"--tls-cert-file={pki}/apiserver.crt",
        f"--tls-private-key-file={pki}/apiserver.key",
        f"--kubelet-client-certificate={pki}/apiserver-kubelet.crt",
        f"--kubelet-client-key={pki}/apiserver-kubelet.key",
        f"--kubelet-certificate-authority={pki}/ca.crt",
        "--kubelet-preferred-address-types=InternalIP",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={pki}/service-accounts.crt",
        f"--service-account-signing-key-file={pki}/service-accounts.key",
    ]


def controller_manager(instance: Instance, _: Addresses) -> list[str]:
    """All controllers, each with its own service account."""
    pki = instance.pki
    config = f"{pki}/controller-manager.kubeconfig"
    return [
        *_authenticated(config),
        f"--root-ca-file={pki}/ca.crt",
        f"--service-account-private-key-file={pki}/service-accounts.key",
        f"--cluster-signing-cert-file={pki}/ca.crt",
        f"--cluster-signing-key-file={pki}/ca.key",
        "--use-service-account-credentials=true",
        "--flex-volume-plugin-dir=/var/lib/kubelet/volume-plugins",  # made on the host otherwise
    ]


def scheduler(instance: Instance, _: Addresses) -> list[str]:
    """The default profile."""
    return _authenticated(f"{instance.pki}/scheduler.kubeconfig")


def _authenticated(config: str) -> list[str]:
    alike = [f"--{use}kubeconfig={config}" for use in ("", "authentication-", "authorization-")]
    return [*alike, "--leader-elect=false", "--bind-address=127.0.0.1"]


def kubelet(instance: Instance, addresses: Addresses) -> list[str]:
    """The node."""
    return [
        f"--config={configs.kubelet_config(instance)}",
        f"--kubeconfig={instance.pki}/kubelet.kubeconfig",
        f"--hostname-override={NODE_NAME}",
        f"--node-ip={addresses.node}",
        f"--port={KUBELET_PORT}",
    ]


def proxy(instance: Instance, addresses: Addresses) -> list[str]:
    """Services by iptables; the conntrack limits are the host's and stay as they are."""
    return [
        f"--kubeconfig={instance.pki}/proxy.kubeconfig",
        f"--hostname-override={NODE_NAME}",
        "--proxy-mode=iptables",
        f"--cluster-cidr={addresses.pods}",
        "--oom-score-adj=0",
        "--conntrack-max-per-core=0",
        "--conntrack-tcp-timeout-established=0s",
        "--conntrack-tcp-timeout-close-wait=0s",
    ]


def containerd(instance: Instance, _: Addresses) -> list[str]:
    """Debian's, with everything in the node's own /run and /var/lib."""
    return ["--config", f"{instance.state}/containerd.toml"]


COMPONENTS: Mapping[str, Callable[[Instance, Addresses], list[str]]] = {
    "etcd": etcd,
    "containerd": containerd,
    "kube-apiserver": apiserver,
    "kube-controller-manager": controller_manager,
    "kube-scheduler": scheduler,
    "kubelet": kubelet,
    "kube-proxy": proxy,
}


def start(instance: Instance, component: str) -> None:
    """Start a component that is not running; it outlives whoever starts it."""
    if running(instance, component):
        return
    pid_file = _pid_file(instance, component)
    pid_file.unlink(missing_ok=True)
    procs = cgroups.leaf(instance, component) / "cgroup.procs"
    argv = [*netns.entry(instance), *_program(component)]
    argv += COMPONENTS[component](instance, instance.addresses())
    with (instance.logs / f"{component}.log").open("ab") as log:
        subprocess.run(
            ["setsid", "--fork", "sh", "-c", _JOIN, "sh", str(procs), str(pid_file), *argv],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env=_environment(instance),
            check=True,
        )
    _wait(lambda: pid(instance, component) is not None, _START_SECONDS, f"{component} started")


def kill(instance: Instance, component: str, number: int = signal.SIGKILL) -> None:
    """Send a signal and wait for the end; what the component started (shims) lives on."""
    found = pid(instance, component)
    if found is None:
        raise ClusterProblem(f"{component} does not run in {instance.name!r}")
    os.kill(found, number)
    _wait(lambda: not running(instance, component), _KILL_SECONDS, f"{component} ended")


def pid(instance: Instance, component: str) -> int | None:
    """The component's process; None when it ended, also where its number was taken again."""
    if component not in COMPONENTS:
        raise ClusterProblem(f"no component {component!r}; there are {', '.join(COMPONENTS)}")
    try:
        found = int(_pid_file(instance, component).read_text())
    except (OSError, ValueError):
        return None
    leaf = cgroups.tracker().tree(instance) / "components" / component
    return found if found in cgroups.members(leaf) else None


def running(instance: Instance, component: str) -> bool:
    """Whether the component's process is there."""
    return pid(instance, component) is not None


def log_tail(instance: Instance, component: str, characters: int = 2000) -> str:
    """The end of a component's log."""
    path = instance.logs / f"{component}.log"
    return path.read_text(errors="replace")[-characters:] if path.exists() else ""


def _program(component: str) -> list[str]:
    return [component] if component == "containerd" else [str(build.kube()), component]


def _pid_file(instance: Instance, component: str) -> Path:
    return instance.state / f"{component}.pid"


def _environment(instance: Instance) -> dict[str, str]:
    # Nothing of the starter's: neither a proxy nor a test's settings.
    path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    return {
        "PATH": path,
        "HOME": str(instance.state / "tmp"),
        "TMPDIR": str(instance.state / "tmp"),
    }


def _wait(done: Callable[[], bool], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            raise ClusterProblem(f"not within {seconds:g} s: {what}")
        time.sleep(_POLL_SECONDS)
