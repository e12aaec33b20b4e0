"""Claims about the cluster engine: a real Indexed Job, killed, stopped and gone on with."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from chaosmem.campaign.directory import CampaignDir
from chaosmem.drivers import procfs
from chaosmem.errors import Exit
from tests.campaign.lab import Campaigns, assert_sound, beside, planned, spans, wait_for
from tests.cluster.api import Access, Cluster
from tests.cluster.images import catalogue
from tests.image import build
from tests.run.harness import Lab, Ran

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]
_SIZE = "1Gi"


@dataclass
class Pods:
    """A namespace with a volume of this machine, and campaigns in it."""

    cluster: Access
    namespace: str
    place: Campaigns
    volume: Path

    def write(self, **changes: Any) -> Path:
        """A campaign whose cells are pods, each with a process of its own."""
        section = {
            "namespace": self.namespace,
            "image": build.RUNNER,
            "pullPolicy": "Never",
            "resources": {"cpu": "50m", "memory": "384Mi"},
        }
        return self.place.write(**({"cluster": section} | changes))

    def call(self, *args: str | Path) -> Ran:
        """`chaosmem campaign ARGS` to its end."""
        return self.finish(self.place.start(*args))

    def finish(self, started: subprocess.Popen[str]) -> Ran:
        """Wait for a started command."""
        out, err = started.communicate(timeout=600)
        return Ran(started.returncode, out, err, self.place.runs)

    def journals(self) -> str:
        """Every run's journal on the volume, together."""
        return "".join(p.read_text() for p in self.volume.glob("short/2*/journal.jsonl"))

    def on_volume(self) -> CampaignDir:
        """The campaign as the pods see it."""
        (found,) = self.volume.glob("campaigns/*/*/campaign.json")
        return CampaignDir(found.parent)


def objects_of(namespace: str, volume: Path) -> Iterator[dict[str, Any]]:
    name = {"name": "chaosmem", "namespace": namespace}
    yield {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": name}
    rules = [
        {
            "apiGroups": ["coordination.k8s.io"],
            "resources": ["leases"],
            "verbs": ["create", "get", "list", "update", "delete"],
        }
    ]
    rbac = "rbac.authorization.k8s.io"
    yield {"apiVersion": f"{rbac}/v1", "kind": "Role", "metadata": name, "rules": rules}
    yield {
        "apiVersion": f"{rbac}/v1",
        "kind": "RoleBinding",
        "metadata": name,
        "roleRef": {"apiGroup": rbac, "kind": "Role", "name": "chaosmem"},
        "subjects": [{"kind": "ServiceAccount", **name}],
    }
    yield {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": namespace},
        "spec": {
            "capacity": {"storage": _SIZE},
            "accessModes": ["ReadWriteMany"],
            "storageClassName": "",
            "persistentVolumeReclaimPolicy": "Retain",
            "hostPath": {"path": str(volume), "type": "Directory"},
        },
    }
    yield {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "chaosmem-campaigns", "namespace": namespace},
        "spec": {
            "accessModes": ["ReadWriteMany"],
            "storageClassName": "",
            "volumeName": namespace,
            "resources": {"requests": {"storage": _SIZE}},
        },
    }


@pytest.fixture
def pods(cluster: Access, tmp_path: Path, healthy: Path) -> Iterator[Pods]:
    """A `restricted` namespace with an account, and a volume that has the healthy program."""
    assert isinstance(cluster, Cluster), "the image is imported into a cluster of ours only"
    catalogue.bring_archive(cluster.instance, build.RUNNER, build.runner().archive)
    namespace, volume = f"campaign-{uuid.uuid4().hex[:8]}", tmp_path / "v"
    (volume / "bin").mkdir(parents=True)
    (volume / "bin" / "healthy").write_bytes(healthy.read_bytes())
    for path in (volume, volume / "bin", volume / "bin" / "healthy"):
        path.chmod(0o777)
    for parent in list(tmp_path.parents)[:2]:  # the pods are nobody
        parent.chmod(0o755)
    tmp_path.chmod(0o755)
    cluster.make_namespace(namespace, level="restricted")
    cluster.apply(*objects_of(namespace, volume), namespace=namespace)
    place = Campaigns(Lab(tmp_path, Path("/runs/bin/healthy")))
    place.lab.env["KUBECONFIG"] = str(cluster.kubeconfig)
    place.experiment(phases={"baseline": "1s", "inject": "500ms", "hold": "3s", "recover": "1s"})
    yield Pods(cluster, namespace, place, volume)
    cluster.drop_namespace(namespace)
    cluster.kubectl("delete", "pv", namespace, "--wait=false")


def _kill_a_pod(pods: Pods) -> None:
    """SIGKILL the process of a pod that is in mid-run."""
    listed = pods.cluster.get("pods", "-n", pods.namespace)["items"]
    running = [p["metadata"]["name"] for p in listed if p["status"]["phase"] == "Running"]
    (first, *_) = [p for name in running for p in procfs.with_environment(f"POD_NAME={name}")]
    os.kill(first, signal.SIGKILL)


def test_a_job_whose_pod_and_whose_follower_were_killed_gives_every_cell_one_verdict(
    pods: Pods,
) -> None:
    variables = [{"name": "n", "path": "faults.goroutines.count", "values": [50, 60, 70]}]
    started = pods.place.start("run", pods.write(variables=variables), "--on", "cluster")
    wait_for(lambda: "fault.applied" in pods.journals(), 300)
    started.kill()
    started.communicate()
    _kill_a_pod(pods)
    ran = pods.call("resume")
    assert ran.code == Exit.PASS, ran.stdout + ran.stderr
    assert "3 of 3 cells pass" in ran.stdout
    home = pods.place.home
    assert_sound(home)
    assert sorted(len(planned(home, c)) for c in home.prepared().cells) == [1, 1, 2]
    for row in json.loads((home.root / "rollup.json").read_bytes())["rows"]:
        assert (home.root / row["report"]).resolve().is_file()
    assert pods.call("gather").stdout.startswith("0 files are new")
    left = pods.cluster.get("pods,secrets", "-n", pods.namespace)["items"]
    assert [o["metadata"]["name"] for o in left if "gather" in o["metadata"]["name"]] == []
    (job,) = pods.cluster.get("jobs", "-n", pods.namespace)["items"]
    assert job["status"]["succeeded"] == 3


def test_sigint_suspends_the_job_its_pods_undo_and_resume_lets_it_go_on(pods: Pods) -> None:
    """And cells on one port of one machine wait for each other's Lease."""
    pods.place.experiment(
        target={"process": pods.place.lab.process(port=18080)},
        phases={"baseline": "1s", "inject": "500ms", "hold": "3s", "recover": "1s"},
    )
    variables = [{"name": "n", "path": "faults.goroutines.count", "values": [50, 60]}]
    started = pods.place.start("run", pods.write(variables=variables), "--on", "cluster")
    wait_for(lambda: "fault.applied" in pods.journals(), 300)
    started.send_signal(signal.SIGINT)
    stopped = pods.finish(started)
    assert stopped.code == Exit.ABORTED, stopped.stdout + stopped.stderr
    assert "fault.undone" in pods.journals()
    assert pods.cluster.get("jobs", "-n", pods.namespace)["items"][0]["spec"]["suspend"]
    ran = pods.call("resume")
    assert ran.code == Exit.PASS, ran.stdout + ran.stderr
    home = pods.place.home
    assert {c.lock for c in home.prepared().cells} == {"port 18080 of this machine"}
    acted = spans(home)
    assert [beside(one, acted) for one in acted] == [[]] * len(acted)
    assert_sound(home)
