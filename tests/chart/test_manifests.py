"""The CronJob for people without Helm is the chart's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from chaosmem import __version__
from tests.chart.rendering import ROOT, VALUES, Object, by_name, objects
from tests.chart.rendering import rendered as render
from tests.manifests.rights import MANIFESTS

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1200)]
FILE = MANIFESTS / "components" / "schedule" / "cronjob.yaml"


def cron_job() -> Object:
    (found,) = [o for o in yaml.safe_load_all(FILE.read_text()) if o["kind"] == "CronJob"]
    return dict(found)


def _without_names(body: Object) -> Any:
    """A CronJob's spec without what each installation calls its own."""
    spec = body["spec"]
    pod = spec["jobTemplate"]["spec"]["template"]
    pod["metadata"].pop("labels")
    spec["jobTemplate"].pop("metadata")
    spec.pop("suspend", None)
    pod["spec"].pop("serviceAccountName")
    for volume in pod["spec"]["volumes"]:
        volume.get("configMap", {}).pop("name", None)
        volume.get("persistentVolumeClaim", {}).pop("claimName", None)
    pod["spec"]["containers"][0]["args"][1] = "the experiment"
    return spec


def test_it_runs_what_the_chart_runs_in_the_same_pod() -> None:
    chart = by_name(objects(render(VALUES / "small.yaml")), "CronJob", "monthly-chaosmem-memory-80")
    assert _without_names(cron_job()) == _without_names(chart)


def test_it_runs_this_version_as_the_account_of_the_manifests() -> None:
    pod = cron_job()["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    assert pod["containers"][0]["image"].endswith(f":{__version__}")
    accounts = yaml.safe_load_all((MANIFESTS / "base" / "control.yaml").read_text())
    names = [o["metadata"]["name"] for o in accounts if o["kind"] == "ServiceAccount"]
    assert names == [pod["serviceAccountName"]]


def test_kustomize_puts_it_into_the_namespace_of_the_parameters(tmp_path: Path) -> None:
    import shutil

    from tests.cluster import build
    from tests.cluster.shell import run

    shutil.copytree(ROOT / "manifests", tmp_path / "manifests")
    example = tmp_path / "manifests" / "example"
    file = example / "kustomization.yaml"
    text = file.read_text().replace("# - ../components/schedule", "- ../components/schedule")
    text = text.replace("controlNamespace=chaosmem", "controlNamespace=elsewhere")
    more = "  - name: chaosmem-experiment\n    namespace: chaosmem\n    files: [experiment.yaml]\n"
    file.write_text(text + more)
    (example / "experiment.yaml").write_text("kind: Experiment\n")
    found = list(yaml.safe_load_all(run([build.kube(), "kubectl", "kustomize", example])))
    mine = [o for o in found if o["kind"] in ("CronJob", "PersistentVolumeClaim", "ConfigMap")]
    assert {o["metadata"]["namespace"] for o in mine if "chaosmem-experiment" in str(o)} == {
        "elsewhere"
    }
    pod = by_name(mine, "CronJob", "chaosmem")["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    (name,) = [v["configMap"]["name"] for v in pod["volumes"] if "configMap" in v]
    assert by_name(mine, "ConfigMap", name)["data"] == {"experiment.yaml": "kind: Experiment\n"}
