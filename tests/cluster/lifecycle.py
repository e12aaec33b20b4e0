"""Up and down: a whole cluster from nothing, and nothing from whatever is left of one."""

from __future__ import annotations

import http.client
import json
import os
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.cluster import build, cgroups, components, configs, netns, packages
from tests.cluster.images import catalogue
from tests.cluster.instance import API_PORT, NODE_NAME, Instance
from tests.cluster.shell import ClusterProblem, locked

_BOOT_SECONDS = 120  # 6 s on an idle machine
_SETTLE_SECONDS = 30
_POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Status:
    """Which components run, and whether the node is ready; `left` when the cluster is not up."""

    components: dict[str, bool]
    ready: bool
    left: tuple[str, ...]


def up(instance: Instance) -> bool:
    """Boot the cluster unless it is up and ready; whether it was booted.

    A torn one is taken down first. ClusterProblem with the ends of the logs when it does not come.
    """
    if os.geteuid() != 0:
        raise ClusterProblem("namespaces and cgroups need root: run this as root, or with sudo")
    packages.require(packages.NODE)
    build.kube()
    with locked(build.cache() / f"cluster-{instance.name}.lock"):
        if _settles(instance):
            return False
        _down(instance)
        try:
            _boot(instance)
        except BaseException:
            _down(instance)
            raise
    return True


def down(instance: Instance) -> None:
    """Remove everything of the cluster, in whatever state it is; ClusterProblem when it cannot."""
    with locked(build.cache() / f"cluster-{instance.name}.lock"):
        _down(instance)


def _boot(instance: Instance) -> None:
    with locked(build.cache() / "addresses.lock"):
        addresses = netns.free_addresses()
        cgroups.make(instance)
        netns.make(instance, addresses)
    configs.write(instance, addresses)
    components.start(instance, "etcd")
    components.start(instance, "containerd")
    components.start(instance, "kube-apiserver")
    _await(instance, "containerd", instance.containerd_socket.exists)
    catalogue.bring(instance, [catalogue.PAUSE.name])
    _await(instance, "kube-apiserver", lambda: ask(instance, "/readyz") is not None)
    for component in ("kube-controller-manager", "kubelet", "kube-scheduler", "kube-proxy"):
        components.start(instance, component)
    _await(instance, "kubelet", lambda: _node_ready(instance))
    account = "/api/v1/namespaces/default/serviceaccounts/default"
    _await(instance, "kube-controller-manager", lambda: ask(instance, account) is not None)


def _down(instance: Instance) -> None:
    # Killed at once and not in order: the state goes with it, so that nobody has to finish
    # anything, and no API server waits for an etcd that went before it.
    cgroups.kill_all(instance)
    netns.remove(instance)
    cgroups.remove(instance)
    left = remains(instance)
    if left:
        raise ClusterProblem(f"left of {instance.name!r}: {'; '.join(left)}")


def remains(instance: Instance) -> list[str]:
    """Whatever there is of the cluster on this machine."""
    found = [f"process {pid}" for pid in sorted(cgroups.processes(instance))]
    found += [f"cgroup {path}" for path in cgroups.trees(instance)]
    found += [f"mount {point}" for point in netns.mounts(instance)]
    if netns.has_link(instance):
        found.append(f"link {instance.link}")
    if instance.state.exists():
        found.append(f"directory {instance.state}")
    return found


def status(instance: Instance) -> Status:
    """What runs of it and what is left of it."""
    runs = {name: components.running(instance, name) for name in components.COMPONENTS}
    return Status(runs, is_ready(instance), tuple(remains(instance)))


def _settles(instance: Instance) -> bool:
    """Whether it is ready, or becomes so by itself: a busy node may be unready for a moment."""
    deadline = time.monotonic() + _SETTLE_SECONDS
    while _all_run(instance):
        if _node_ready(instance):
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return False


def is_ready(instance: Instance) -> bool:
    """Whether all components run and the node says that it is ready."""
    return _all_run(instance) and _node_ready(instance)


def _all_run(instance: Instance) -> bool:
    return instance.record.exists() and all(
        components.running(instance, name) for name in components.COMPONENTS
    )


def ask(instance: Instance, path: str) -> bytes | None:
    """GET from the API server as its kubelet client (an administrator); None unless it says 200."""
    context = ssl.create_default_context(cafile=str(instance.pki / "ca.crt"))
    pair = instance.pki / "apiserver-kubelet"
    context.load_cert_chain(f"{pair}.crt", f"{pair}.key")
    address = instance.addresses().node
    connection = http.client.HTTPSConnection(address, API_PORT, timeout=5, context=context)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    return body if answer.status == http.client.OK else None


def _node_ready(instance: Instance) -> bool:
    body = ask(instance, f"/api/v1/nodes/{NODE_NAME}")
    conditions = json.loads(body)["status"].get("conditions", []) if body else []
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def _await(instance: Instance, component: str, done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _BOOT_SECONDS
    while not done():
        dead = [n for n in components.COMPONENTS if _ended(instance, n)]
        if dead or time.monotonic() > deadline:
            culprit = dead[0] if dead else component
            why = "ended" if dead else f"was not there in {_BOOT_SECONDS} s"
            tail = components.log_tail(instance, culprit)
            raise ClusterProblem(f"{culprit} {why}; the end of its log:\n{tail}")
        time.sleep(_POLL_SECONDS)


def _ended(instance: Instance, component: str) -> bool:
    started = (instance.logs / f"{component}.log").exists()
    return started and not components.running(instance, component)
