"""A release of the chart in a real cluster, by the real helm, and what it leaves there."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from chaosmem.rundir import RunDir, runs
from tests.chart import tooling
from tests.chart.rendering import CHART, Object
from tests.cluster.api import wait_for
from tests.cluster.shell import ClusterProblem
from tests.cluster_run.shop import CHECKS, FAULTS, QUICK, Shop

NAME = "monthly"
CRON_JOB = "monthly-chaosmem-{}"
SECONDS = 180.0
"""For a Job of some 12 s, with the start of its pod, on a busy machine."""
KINDS = (
    "cronjobs,jobs,pods,configmaps,secrets,serviceaccounts,roles,rolebindings,"
    "networkpolicies,persistentvolumeclaims,leases"
)
_OF_KUBERNETES = ("ConfigMap kube-root-ca.crt", "ServiceAccount default")


@dataclass
class Ended:
    """A Job that has ended."""

    code: int
    log: str


@dataclass
class Release:
    """The shop under test, the namespace of the release, and the values it is installed with."""

    shop: Shop
    namespace: str
    values: Object
    home: Path
    """Where helm keeps what is its own."""
    volume: Path
    """The directory that run directories are in, as the node and this machine have it."""

    def helm(self, *words: str, timeout: float = 240) -> str:
        """Run helm; ClusterProblem repeats what it said."""
        places = {f"HELM_{p}_HOME": str(self.home / p) for p in ("CACHE", "CONFIG", "DATA")}
        done = subprocess.run(
            [tooling.helm(), *words, "--namespace", self.namespace],
            env=os.environ | places | {"KUBECONFIG": str(self.shop.kubeconfig)},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        if done.returncode:
            raise ClusterProblem(f"helm {words[0]}: {done.stderr}{done.stdout}\n{self.state()}")
        return done.stdout

    def apply(self, verb: str, **changes: Any) -> str:
        """`helm install` or `helm upgrade`, with values changed at their top."""
        self.values |= changes
        file = self.home / "values.yaml"
        file.write_text(yaml.safe_dump(self.values))
        return self.helm(verb, NAME, str(CHART), "--values", str(file))

    def uninstall(self) -> str:
        """`helm uninstall`, with its hook."""
        return self.helm("uninstall", NAME, "--wait", "--timeout", "180s")

    # --- Jobs

    def start(self, name: str, experiment: str = "lab") -> None:
        """What the CronJob would start at its time."""
        made = f"--from=cronjob/{CRON_JOB.format(experiment)}"
        self.shop.cluster.kubectl("create", "job", name, made, "-n", self.namespace)

    def run(self, name: str) -> Ended:
        """The quick experiment, to its end."""
        self.start(name)
        return self.ended(name)

    def ended(self, name: str) -> Ended:
        """Wait for a Job's end."""
        wait_for(lambda: self._code(name) is not None, SECONDS, f"job {name} ended\n{self.state()}")
        return Ended(self._code(name) or 0, self.log(name))

    def _code(self, job: str) -> int | None:
        """The runner's exit code; None while it has none."""
        for status in [
            s for pod in self.pods(job) for s in pod["status"].get("containerStatuses", ())
        ]:
            if ended := status["state"].get("terminated"):
                return int(ended["exitCode"])
        return None

    def pods(self, job: str) -> list[Object]:
        """The Job's pods."""
        words = ("-n", self.namespace, "-l", f"job-name={job}")
        found: list[Object] = self.shop.cluster.get("pods", *words)["items"]
        return found

    def log(self, job: str) -> str:
        """What the runner said."""
        return self.shop.cluster.kubectl("logs", "-n", self.namespace, f"job/{job}")

    def holds(self) -> None:
        """Wait until the newest run on the volume holds its faults."""
        seen = {r.run_id for r in self.kept() if self._ended(r)}

        def there() -> bool:
            going = [r for r in self.kept() if r.run_id not in seen and r.has("journal.jsonl")]
            return any(e.get("phase") == "hold" for r in going for e in entries(r))

        try:
            wait_for(there, SECONDS, "a run that holds its faults")
        except ClusterProblem as err:
            raise ClusterProblem(f"{err}\n{self.state()}") from err

    def _ended(self, run: RunDir) -> bool:
        return any(e["event"] == "run.ended" for e in entries(run))

    # --- looking

    def kept(self) -> list[RunDir]:
        """The runs on the volume."""
        return list(runs(self.volume))

    def state(self) -> str:
        """For a test that failed: pods and events of the release's namespace, and the last log."""
        words = ("get", "pods,jobs,events", "-n", self.namespace, "-o", "wide")
        seen = self.shop.cluster.kubectl(*words)
        names = [p["metadata"]["name"] for p in self._all_pods()]
        for name in names[-2:]:
            logs = ("logs", name, "-n", self.namespace, "--tail=30")
            try:
                seen += f"\n--- {name}\n{self.shop.cluster.kubectl(*logs)}"
            except ClusterProblem as err:
                seen += f"\n--- {name}: {err}"
        return seen

    def _all_pods(self) -> list[Object]:
        found: list[Object] = self.shop.cluster.get("pods", "-n", self.namespace)["items"]
        return found

    def left(self) -> list[str]:
        """What there is of the release, in its namespace, the targets', and the whole cluster."""
        cluster = self.shop.cluster
        label = f"app.kubernetes.io/instance={NAME}"
        found = cluster.get(KINDS, "-n", self.namespace)["items"]
        for namespace in (self.shop.namespace, self.shop.control):
            found += cluster.get(KINDS, "-n", namespace, "-l", label)["items"]
        wide = "clusterroles,clusterrolebindings,namespaces"
        found += [
            o for o in cluster.get(wide, "-l", label)["items"] if self.namespace in json.dumps(o)
        ]
        names = [f"{o['kind']} {o['metadata']['name']}" for o in found]
        return sorted(set(names) - set(_OF_KUBERNETES))


def entries(run: RunDir) -> list[dict[str, Any]]:
    """The journal's whole lines."""
    lines = run.read("journal.jsonl").decode(errors="replace").splitlines()
    return [json.loads(line.partition(" ")[2]) for line in lines if line.endswith("}")]


def experiment(shop: Shop, name: str, hold: str = "3s") -> Object:
    """An experiment on the shop, as it stands in values."""
    phases = QUICK | {"hold": hold}
    spec = shop.spec(name, faults=FAULTS, checks=CHECKS, phases=phases)
    return yaml.safe_load(spec.read_text())  # type: ignore[no-any-return]


def values(shop: Shop, storage_class: str) -> Object:
    """Values for the test cluster: its images, no pulling, a volume of ours."""
    return {
        "image": {"repository": "chaosmem/chaosmem", "tag": "test", "pullPolicy": "Never"},
        "targets": {"namespaces": [shop.namespace], "tokenSecrets": ["shop-agent"]},
        "control": {"namespace": shop.control},
        "experiments": {
            "lab": {"spec": experiment(shop, "lab")},
            # Whoever acts in mid-run has time for it, on however busy a machine.
            "long": {"spec": experiment(shop, "long", hold="600s")},
        },
        "results": {"volume": {"storageClass": storage_class}},
        "resources": {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}},
    }
