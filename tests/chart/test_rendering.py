"""What the chart renders: golden files, the rights of the code, and values that are refused."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from chaosmem import __version__, spec
from chaosmem.plan.permissions import permissions
from tests.chart import tooling
from tests.chart.rendering import CHART, ROOT, VALUES, Object, Refused, by_name, objects, pods
from tests.chart.rendering import rendered as render
from tests.cluster import packages
from tests.manifests.rights import Right, maximal, right, rights, written

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1200)]  # helm is built the first time

GOLDEN = Path(__file__).resolve().parent / "golden"
SETS = sorted(path.stem for path in VALUES.glob("*.yaml"))
SMALL = VALUES / "small.yaml"


@pytest.mark.parametrize("name", SETS)
def test_each_set_of_values_renders_what_was_looked_at(name: str) -> None:
    """CHAOSMEM_GOLDEN=write writes them anew; read the difference before you commit it."""
    text = render(VALUES / f"{name}.yaml")
    file = GOLDEN / f"{name}.yaml"
    if os.environ.get("CHAOSMEM_GOLDEN") == "write":
        file.write_text(text)
    assert text == file.read_text()


@pytest.mark.parametrize("name", SETS)
def test_helm_lint_finds_nothing(name: str) -> None:
    words = ["lint", "--strict", str(CHART), "--values", str(VALUES / f"{name}.yaml")]
    done = subprocess.run([tooling.helm(), *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "0 chart(s) failed" in done.stdout


def _granted(found: list[Object]) -> set[Right]:
    """Rights of everything but the hook before the uninstall, whose own test is below."""
    mine = [o for o in found if "helm.sh/hook" not in o["metadata"].get("annotations", {})]
    return set(rights(mine))


def test_the_chart_grants_exactly_what_everything_at_once_needs() -> None:
    needed = {right(n) for n in permissions(maximal())}
    found = _granted(objects(render(VALUES / "everything.yaml")))
    assert sorted(r for r in found if r.namespace != "other") == sorted(needed)
    other = {r._replace(namespace="chaosmem-target") for r in found if r.namespace == "other"}
    assert other == {r for r in needed if r.namespace == "chaosmem-target"}


def test_without_further_rights_it_grants_what_the_base_of_the_manifests_does() -> None:
    base = [
        o for o in written() if o["metadata"]["name"] in ("chaosmem-control", "chaosmem-target")
    ]
    small = _granted(objects(render(SMALL, "--set", "targets.tokenSecrets=null")))
    names = {"shop": "chaosmem-target"}
    assert {r._replace(namespace=names.get(r.namespace, r.namespace)) for r in small} == set(
        rights(base)
    )


@pytest.mark.parametrize("name", SETS)
def test_no_right_is_granted_twice_or_by_a_wildcard(name: str) -> None:
    found = rights(objects(render(VALUES / f"{name}.yaml")))
    assert [r for r, count in Counter(found).items() if count > 1] == []
    assert [r for r in found if "*" in (r.group, r.resource, r.verb)] == []


def test_the_hook_before_the_uninstall_may_end_runs_of_the_releases_namespace_alone() -> None:
    found = objects(render(SMALL))
    hook = by_name(found, "Role", "monthly-chaosmem-uninstall")
    assert {r.namespace for r in rights([hook])} == {"runner"}
    assert {(r.resource, r.verb) for r in rights([hook])} == {
        ("cronjobs", "list"),
        ("cronjobs", "patch"),
        *(("jobs", verb) for verb in ("list", "get", "delete")),
        *(("pods", verb) for verb in ("list", "get", "delete")),
    }


@pytest.mark.parametrize("name", SETS)
def test_every_pod_is_what_podsecurity_calls_restricted(name: str) -> None:
    for pod in pods(objects(render(VALUES / f"{name}.yaml"))):
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostPID", "hostNetwork", "hostIPC"} & set(pod)
        assert not [v for v in pod["volumes"] if "hostPath" in v]
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }


def test_a_run_is_started_once_alone_and_never_again() -> None:
    job = by_name(objects(render(SMALL)), "CronJob", "monthly-chaosmem-memory-80")["spec"]
    assert job["concurrencyPolicy"] == "Forbid"
    assert job["timeZone"] == "Etc/UTC"
    assert job["jobTemplate"]["spec"]["backoffLimit"] == 0
    (pod,) = pods([by_name(objects(render(SMALL)), "CronJob", "monthly-chaosmem-memory-80")])
    assert pod["restartPolicy"] == "Never"
    # rollout.revert waits 300 s, an object's removal 20 s: both fit before SIGKILL.
    assert pod["terminationGracePeriodSeconds"] > 300 + 20
    assert (
        pod["terminationGracePeriodSeconds"] < job["jobTemplate"]["spec"]["activeDeadlineSeconds"]
    )


@pytest.mark.parametrize("name", ["small", "everything"])
def test_each_experiment_that_is_rendered_is_a_valid_one(name: str, tmp_path: Path) -> None:
    found = objects(render(VALUES / f"{name}.yaml"))
    (config,) = [o for o in found if o["kind"] == "ConfigMap"]
    for file, text in config["data"].items():
        (tmp_path / file).write_text(text)
        assert spec.load(tmp_path / file).experiment.target.kubernetes is not None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("terminationGracePeriodSeconds=5", "terminationGracePeriodSeconds"),
        ("schedule=monthly", "/schedule"),
        ("targets.namespaces={Shop}", "/targets/namespaces/0"),
        ("image.digest=latest", "/image/digest"),
        ("image.pullPolicy=Sometimes", "/image/pullPolicy"),
        ("rights.root=true", "rights"),
        ("experiments.x.schedule=@daily", "/experiments/x"),
        ("experiments.memory-80.spec.kind=Campaign", "/experiments/memory-80/spec"),
        ("experiments.A_name.spec=x", "invalid propertyName 'A_name'"),
        ("results.objectStorage.url=https://s3", "/results/objectStorage/url"),
        ("results.volume.size=big", "/results/volume/size"),
        ("networkPolicy.apiServerPorts={70000}", "/networkPolicy/apiServerPorts/0"),
    ],
)
def test_a_value_that_means_nothing_is_refused_by_its_place(change: str, said: str) -> None:
    with pytest.raises(Refused, match=r"don't meet the specifications") as refused:
        render(SMALL, "--set", change)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("targets.namespaces={other}", 'acts on namespace "shop", which is not in targets'),
        ("control.namespace=chaos", 'has controlNamespace "chaosmem", but control.namespace is'),
        ("experiments.memory-80.spec=a: [", "experiments.memory-80.spec is not YAML"),
        ("experiments.memory-80.spec=kind: Experiment", "has no target.kubernetes"),
        ("results.volume.enabled=false", "evidence ends with its pod"),
    ],
)
def test_values_that_cannot_work_together_are_refused_with_the_reason(
    change: str, said: str
) -> None:
    with pytest.raises(Refused) as refused:
        render(SMALL, "--set", change)
    assert said in str(refused.value)


def test_the_readme_is_what_helm_docs_makes_of_the_values(tmp_path: Path) -> None:
    copied = tmp_path / "chaosmem"
    shutil.copytree(CHART, copied)
    words = ["--chart-search-root", str(tmp_path), "--sort-values-order", "file"]
    subprocess.run([tooling.helm_docs(), *words], check=True, capture_output=True, timeout=60)
    made = (copied / "README.md").read_text()
    assert made == (CHART / "README.md").read_text(), "helm-docs --sort-values-order file"


def test_the_schema_knows_every_value_and_no_other() -> None:
    import json

    schema = json.loads((CHART / "values.schema.json").read_text())
    values = yaml.safe_load((CHART / "values.yaml").read_text())

    def same(values: dict[str, Any], schema: dict[str, Any], where: str) -> list[str]:
        known = schema.get("properties")
        if known is None or not isinstance(values, dict):
            return []
        wrong = [f"{where}.{key}" for key in set(values) ^ (set(known) - {"global"})]
        both = set(values) & set(known)
        return wrong + [w for k in both for w in same(values[k], known[k], f"{where}.{k}")]

    assert same(values, schema, "") == []


def test_the_alerts_are_those_of_the_manifests_and_promtool_understands_them(
    tmp_path: Path,
) -> None:
    packages.require({"promtool": "prometheus"})
    text = render(VALUES / "everything.yaml", "--set", "prometheusRule.goMemory=true")
    rule = by_name(objects(text), "PrometheusRule", "monthly-chaosmem")["spec"]
    ours = yaml.safe_load((ROOT / "manifests" / "prometheus" / "rules.yaml").read_text())
    assert [g["name"] for g in rule["groups"]][:1] == ["chaosmem-runs"]
    assert rule["groups"][1:] == ours["groups"]
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump(rule))
    words = ["promtool", "check", "rules", str(file)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    count = sum(len(group["rules"]) for group in rule["groups"])
    assert f"SUCCESS: {count} rules found" in done.stdout


def test_the_chart_installs_this_version() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert chart["appVersion"] == __version__
