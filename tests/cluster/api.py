"""What tests do with a cluster: look at it, be somebody in it, and break it."""

from __future__ import annotations

import base64
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.cluster import build, components, configs, kubeconfig, lifecycle, netns
from tests.cluster.images import catalogue
from tests.cluster.instance import NODE_NAME, Instance
from tests.cluster.shell import ClusterProblem, run

_POLL_SECONDS = 0.1
_NAMESPACE_SECONDS = 90
# From kubelet's start to the condition in the API: it measures each 10 s.
_PRESSURE_SECONDS = 60
_PRESSURE_LABEL = "pod-security.kubernetes.io/enforce"


class Access:
    """A cluster by its kubeconfig: one of ours, or a person's own."""

    def __init__(self, path: Path) -> None:
        self.kubeconfig = path
        own = shutil.which("kubectl")
        self._kubectl = [own] if own else [str(build.kube()), "kubectl"]

    def kubectl(self, *args: str, text: str | None = None, timeout: float = 60) -> str:
        """Run kubectl as the kubeconfig's user; ClusterProblem repeats what it said."""
        return run(self.kubectl_argv(*args), text=text, timeout=timeout)

    def kubectl_argv(self, *args: str) -> list[str]:
        """The words of a call of kubectl, for who runs it himself."""
        cached = f"--cache-dir={build.cache() / 'kubectl'}"
        return [*self._kubectl, f"--kubeconfig={self.kubeconfig}", cached, *args]

    def get(self, *args: str) -> Any:
        """An object, or a list of them, as JSON: `get("pods", "-n", "x")`."""
        return json.loads(self.kubectl("get", *args, "-o", "json"))

    def raw(self, path: str) -> str:
        """GET a path of the API server."""
        return self.kubectl("get", "--raw", path)

    def apply(self, *objects: dict[str, Any], namespace: str = "default") -> None:
        """Create or change objects."""
        listed = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
        self.kubectl("apply", "-n", namespace, "-f", "-", text=json.dumps(listed))

    def make_namespace(self, name: str, *, level: str | None = None) -> None:
        """Make a namespace; `level` is the PodSecurity level that it enforces."""
        labels = {_PRESSURE_LABEL: level} if level else {}
        metadata = {"name": name, "labels": labels}
        self.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
        wait_for(
            lambda: self.has("serviceaccount", "default", name),
            _NAMESPACE_SECONDS,
            f"the default service account of {name}",
        )

    def has(self, kind: str, name: str, namespace: str = "default") -> bool:
        """Whether there is such an object."""
        found = self.kubectl("get", kind, name, "-n", namespace, "--ignore-not-found", "-o", "name")
        return bool(found.strip())

    def drop_namespace(self, name: str) -> None:
        """Delete a namespace with all that is in it, without waiting for its end."""
        self.kubectl("delete", "namespace", name, "--wait=false", "--ignore-not-found")

    def account(self, path: Path, namespace: str, name: str, *, hours: int = 1) -> Path:
        """Write a kubeconfig with a ServiceAccount's token: tests run under exactly its rights."""
        view = self.kubectl("config", "view", "--raw", "--minify", "--flatten", "-o", "json")
        mine = json.loads(view)["clusters"][0]["cluster"]
        token = self.kubectl("create", "token", name, "-n", namespace, f"--duration={hours}h")
        authority = base64.b64decode(mine.get("certificate-authority-data", ""))
        kubeconfig.with_token(path, mine["server"], authority, token.strip(), namespace)
        return path


class Cluster(Access):
    """One of ours, which can be broken. Each fault has its way back, also as a `with` block."""

    def __init__(self, name: str) -> None:
        self.instance = Instance(name)
        self.node = NODE_NAME
        super().__init__(self.instance.kubeconfig)
        self._kubectl = [str(build.kube()), "kubectl"]  # of the same version

    @property
    def logs(self) -> Path:
        """Directory with one log a component."""
        return self.instance.logs

    @property
    def server(self) -> str:
        """URL of the API server."""
        return self.instance.addresses().server

    def up(self) -> bool:
        """Boot it unless it is up; whether it was booted."""
        return lifecycle.up(self.instance)

    def down(self) -> None:
        """Remove everything of it."""
        lifecycle.down(self.instance)

    def images(self, *names: str) -> list[str]:
        """Build and import the images that changed."""
        return catalogue.bring(self.instance, names)

    def image_of(self, tag: str, program: Path) -> None:
        """Import an image around a static program."""
        catalogue.bring_program(self.instance, tag, program)

    def inside(self, *argv: str) -> str:
        """Run a program in the node's namespaces."""
        return netns.inside(self.instance, argv)

    def kill(self, component: str) -> None:
        """SIGKILL a component; it stays dead until `start`."""
        components.kill(self.instance, component)

    def start(self, component: str) -> None:
        """Start a component and wait until the cluster is ready, when nothing else is missing."""
        components.start(self.instance, component)
        if not self.missing():
            self.wait_ready()

    def missing(self) -> list[str]:
        """Components that do not run."""
        names = components.COMPONENTS
        return [name for name in names if not components.running(self.instance, name)]

    def wait_ready(self, seconds: float = 60) -> None:
        """Wait until all components run and the node is ready."""
        wait_for(lambda: lifecycle.is_ready(self.instance), seconds, "the cluster is ready")

    @contextmanager
    def without(self, component: str) -> Iterator[None]:
        """A component is dead inside the block."""
        self.kill(component)
        try:
            yield
        finally:
            self.start(component)

    @contextmanager
    def cut(self) -> Iterator[None]:
        """No packet passes between host and cluster inside the block; connections see silence."""
        self.cut_network()
        try:
            yield
        finally:
            self.restore_network()

    def cut_network(self) -> None:
        """Drop all packets between host and cluster; the cluster itself works on."""
        self.restore_network()
        for rule in _CUT:
            self.inside("iptables", "--wait", "--table", rule[0], "--insert", *rule[1:])

    def restore_network(self) -> None:
        """Let packets pass again; harmless where they do."""
        for rule in _CUT:
            with suppress(ClusterProblem):  # it is not there
                self.inside("iptables", "--wait", "--table", rule[0], "--delete", *rule[1:])

    @contextmanager
    def pressure(self, *, evict: bool = False) -> Iterator[None]:
        """Kubelet sees too little free memory inside the block, and evicts pods when told to.

        Its threshold is set above what the machine has, so the node's condition, its taint and the
        evictions are kubelet's own.
        """
        self._restart_kubelet(_too_little(evict=evict))
        try:
            self._wait_pressure("True")
            yield
        finally:
            self._restart_kubelet({})
            self._wait_pressure("False")

    def condition(self, kind: str) -> str:
        """Status of one of the node's conditions: True, False, Unknown or empty."""
        conditions = self.get("node", self.node)["status"]["conditions"]
        return next((str(c["status"]) for c in conditions if c["type"] == kind), "")

    def _tainted(self) -> str:
        taints = self.get("node", self.node)["spec"].get("taints", [])
        return str(any(t["key"] == "node.kubernetes.io/memory-pressure" for t in taints))

    def _restart_kubelet(self, changes: dict[str, object]) -> None:
        configs.write_kubelet(self.instance, changes)
        with suppress(ClusterProblem):  # somebody killed it already
            self.kill("kubelet")
        components.start(self.instance, "kubelet")

    def _wait_pressure(self, status: str) -> None:
        wait_for(
            lambda: self.condition("MemoryPressure") == status and self._tainted() == status,
            _PRESSURE_SECONDS,
            f"MemoryPressure is {status}",
        )


# Where a packet enters from the link, and where one leaves by it: node and pods alike.
_CUT: Sequence[Sequence[str]] = (
    ("raw", "PREROUTING", "-i", "eth0", "-j", "DROP"),
    ("mangle", "POSTROUTING", "-o", "eth0", "-j", "DROP"),
)


def _too_little(*, evict: bool) -> dict[str, object]:
    # Soft thresholds: a hard one is taken off what the node can allocate, and pods that run would
    # be refused (OutOfmemory) instead of evicted.
    everything = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "evictionSoft": {"memory.available": str(everything)},
        "evictionSoftGracePeriod": {"memory.available": "1s" if evict else "1h"},
    }


def wait_for(done: Callable[[], bool], seconds: float, what: str) -> None:
    """Poll until something holds; ClusterProblem says what did not."""
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            raise ClusterProblem(f"not within {seconds:g} s: {what}")
        time.sleep(_POLL_SECONDS)
