"""The demo shop in a namespace of its own, and the real command line against it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from chaosmem.rundir import RunDir, runs
from tests.cluster.api import Access, wait_for
from tests.cluster_run.granting import granted

SHOP = Path(__file__).parents[2] / "experiments" / "kubernetes" / "shop.yaml"
TOKEN = "a-token-of-the-tests-only"
QUICK = {
    "warmup": "500ms",
    "baseline": "2s",
    "inject": "2500ms",
    "hold": "3s",
    "recover": "3s",
}
FAULTS: list[dict[str, Any]] = [
    {"memory": {"via": "helper", "level": "80%", "ramp": "1500ms"}},
    {"goroutines": {"count": 300}},
]
CHECKS: list[Any] = ["stress-effect", {"goroutine-recovery": {"within": "2s", "dwell": "500ms"}}]
READY_SECONDS = 120


@dataclass
class Ended:
    """A finished command."""

    code: int
    stdout: str
    stderr: str
    rundir: Path | None

    @property
    def verdict(self) -> dict[str, Any]:
        """The verdict that it wrote."""
        assert self.rundir is not None, self.stderr
        found: dict[str, Any] = json.loads((self.rundir / "verdict.json").read_bytes())
        return found

    def outcomes(self, check: str) -> list[str]:
        """What a check says, target by target."""
        return [f["outcome"] for f in self.verdict["findings"] if f["check"] == check]

    def events(self) -> list[dict[str, Any]]:
        """The journal."""
        assert self.rundir is not None, self.stderr
        lines = (self.rundir / "journal.jsonl").read_text().splitlines()
        return [json.loads(line.partition(" ")[2]) for line in lines]

    def told(self, event: str) -> list[dict[str, Any]]:
        """The journal's entries of one kind."""
        return [e for e in self.events() if e["event"] == event]


@dataclass
class Shop:
    """Two pods of the demo, a control namespace, and a place for runs."""

    cluster: Access
    namespace: str
    control: str
    base: Path
    kubeconfig: Path
    more: dict[str, str] = field(default_factory=dict)
    """Environment variables of the command line besides."""

    @property
    def env(self) -> dict[str, str]:
        """Environment of the command line: nothing of ours but the kubeconfig."""
        mine = {k: v for k, v in os.environ.items() if not k.startswith("CHAOSMEM_")}
        return mine | {"KUBECONFIG": str(self.kubeconfig)} | self.more

    @property
    def runs(self) -> Path:
        """Where run directories go."""
        return self.base / "runs"

    def spec(self, name: str = "lab", **changes: Any) -> Path:
        """Write a spec; sections are replaced, `kubernetes` is merged."""
        kubernetes = {
            "namespace": self.namespace,
            "selector": {"app": "shop"},
            "container": "shop",
            "controlNamespace": self.control,
            "helper": {"image": "chaosmem/helper:test", "pullPolicy": "Never"},
        } | changes.pop("kubernetes", {})
        sections: dict[str, Any] = {
            "apiVersion": "chaosmem/v1",
            "kind": "Experiment",
            "metadata": {"name": name},
            "target": {"kubernetes": kubernetes, "agent": {"tokenSecret": "shop-agent/token"}},
            "phases": QUICK,
            "faults": FAULTS,
            "captures": [],
            "checks": CHECKS,
            "limits": {"pods": 2, "namespaces": [self.namespace]},
        } | changes
        path = self.base / f"{name}.yaml"
        path.write_text(yaml.safe_dump(sections))
        return path

    def command(self, *args: str | Path) -> list[str]:
        """The command line of `chaosmem ARGS`."""
        return [sys.executable, "-m", "chaosmem", *map(str, args)]

    def run(self, spec: Path, *, timeout: float = 120) -> Ended:
        """`chaosmem run` to its end."""
        return self.finish(self.start(spec), timeout=timeout)

    def start(self, spec: Path) -> subprocess.Popen[str]:
        """`chaosmem run`, going on."""
        return subprocess.Popen(
            self.command("run", spec, "--runs-dir", self.runs, "--progress", "none"),
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def finish(self, started: subprocess.Popen[str], *, timeout: float = 120) -> Ended:
        """Wait for its end."""
        stdout, stderr = started.communicate(timeout=timeout)
        return Ended(started.returncode, stdout, stderr, self.newest())

    def newest(self) -> Path | None:
        """The newest run directory."""
        return max(self.runs.glob("*/2*"), default=None, key=lambda p: p.name)

    def rundir(self) -> RunDir:
        """The newest run directory, as chaosmem has it."""
        return list(runs(self.runs))[-1]

    def chaosmem(self, *args: str | Path, timeout: float = 120) -> Ended:
        """Any other command, to its end."""
        done = subprocess.run(
            self.command(*args),
            env=self.env,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr, self.newest())

    def sweep(self) -> Ended:
        """`chaosmem sweep` of the control namespace."""
        return self.chaosmem("sweep", "--namespace", self.control)

    # --- looking

    def pods(self) -> list[dict[str, Any]]:
        """The shop's pods."""
        found: list[dict[str, Any]] = self.cluster.get("pods", "-n", self.namespace)["items"]
        return found

    def template(self) -> Any:
        """The Deployment's pod template, byte for byte comparable."""
        return self.cluster.get("deployment", "shop", "-n", self.namespace)["spec"]["template"]

    def staying(self) -> list[dict[str, Any]]:
        """The shop's pods without those that are being removed, which answer or not."""
        return [p for p in self.pods() if "deletionTimestamp" not in p["metadata"]]

    def left(self) -> list[str]:
        """What of chaosmem's is still in the control namespace."""
        kinds = "pods,secrets,configmaps,leases"
        labels = "app.kubernetes.io/managed-by=chaosmem"
        found = self.cluster.get(kinds, "-n", self.control, "-l", labels)["items"]
        return [f"{o['kind']} {o['metadata']['name']}" for o in found]

    def held(self, pod: dict[str, Any]) -> dict[str, Any]:
        """What the agent in a pod says of itself, asked directly."""
        import urllib.request

        request = urllib.request.Request(
            f"http://{pod['status']['podIP']}:8080/debug/chaosmem/v1/sample?cycles_since=0",
            headers={"Authorization": f"Bearer {TOKEN}"},
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            said: dict[str, Any] = json.load(answer)
        return said

    def clean(self) -> None:
        """Assert that no pod of the shop has anything of ours in it, and nothing else is left."""
        assert self.left() == []
        for pod in self.staying():
            said = self.held(pod)
            assert said["held"]["goroutines"] == 0
            assert said["held"]["heap_bytes"] == 0
            assert said.get("lease") is None


def wait_event(shop: Shop, wanted: Callable[[dict[str, Any]], bool], seconds: float = 60) -> None:
    """Wait until the newest run's journal has such an entry."""

    def there() -> bool:
        newest = shop.newest()
        journal = newest / "journal.jsonl" if newest else None
        if journal is None or not journal.exists():
            return False
        lines = journal.read_text().splitlines()
        return any(wanted(json.loads(line.partition(" ")[2])) for line in lines if "}" in line)

    wait_for(there, seconds, "the journal has the entry that the test waits for")


def holding(entry: dict[str, Any]) -> bool:
    """The hold phase has begun."""
    return bool(entry["event"] == "phase.begun" and entry["phase"] == "hold")


@contextmanager
def opened(
    cluster: Access,
    name: str,
    base: Path,
    *,
    replicas: int = 2,
    memory: str = "256Mi",
    control: str = "",
    admin: bool = False,
) -> Iterator[Shop]:
    """A shop in namespaces of its own, which go with all that is in them.

    Its command line has exactly the rights that `manifests/` grants; with `admin` all there are.
    """
    control = control or f"{name}-control"
    cluster.make_namespace(name)
    if control != name:
        cluster.make_namespace(control, level="privileged")
    base.mkdir(parents=True, exist_ok=True)
    objects = list(yaml.safe_load_all(SHOP.read_text()))
    objects[0]["stringData"]["token"] = TOKEN
    spec = objects[1]["spec"]
    spec["replicas"] = replicas
    container = spec["template"]["spec"]["containers"][0]
    container["resources"] = {
        "requests": {"cpu": "10m", "memory": "64Mi"},
        "limits": {"memory": memory},
    }
    cluster.apply(*objects, namespace=name)
    shop = Shop(cluster, name, control, base, cluster.kubeconfig)
    try:
        with nullcontext() if admin else _with_the_rights_of_manifests(shop):
            wait_for(lambda: ready(shop) == replicas, READY_SECONDS, "the shop's pods are ready")
            yield shop
    finally:
        cluster.drop_namespace(name)
        cluster.drop_namespace(control)


@contextmanager
def _with_the_rights_of_manifests(shop: Shop) -> Iterator[None]:
    names = {"target": shop.namespace, "control": shop.control, "secret": "shop-agent"}
    with granted(shop.cluster, shop.base / "granted", **names) as grant:
        shop.kubeconfig = grant.kubeconfig
        yield


def ready(shop: Shop) -> int:
    """Ready pods of the shop."""
    return sum(
        all(c["ready"] for c in pod["status"].get("containerStatuses", [{"ready": False}]))
        for pod in shop.staying()
    )


def settled(shop: Shop, seconds: float) -> float:
    """Seconds until no pod of the shop holds anything of ours; nobody acts meanwhile."""
    began = time.monotonic()

    def done() -> bool:
        said = [shop.held(pod) for pod in shop.staying()]
        return all(not s["held"]["goroutines"] and not s["held"]["heap_bytes"] for s in said)

    wait_for(done, seconds, "the agents let go by themselves")
    return time.monotonic() - began
