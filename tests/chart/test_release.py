"""The chart, installed by the real helm: it runs, keeps, undoes, and leaves nothing behind.

One release is installed, used, upgraded and uninstalled; the tests stand in that order.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from chaosmem import evidence, verify
from chaosmem.errors import Exit
from chaosmem.rundir import RunDir
from tests.chart.places import Places
from tests.chart.release import CRON_JOB, NAME, SECONDS, Release, entries
from tests.cluster.api import wait_for

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def installed(release: Release) -> Release:
    release.apply("install")
    return release


def test_the_doctor_finds_all_well_with_the_releases_own_rights(installed: Release) -> None:
    said = installed.helm("test", NAME, "--logs", "--timeout", "120s")
    assert "Phase:          Succeeded" in said
    assert "PROBLEM" not in said
    assert f"system:serviceaccount:{installed.namespace}:monthly-chaosmem" in said


def test_a_job_of_the_cronjob_passes_and_its_run_is_on_the_volume(installed: Release) -> None:
    ended = installed.run("first")
    assert ended.code == Exit.PASS, ended.log
    (run,) = installed.kept()
    seen = evidence.load(run)
    assert verify.verify(seen).exit_code == Exit.PASS
    assert run.has("report.html")
    installed.shop.clean()


def test_a_run_is_kept_in_postgresql_and_in_object_storage(
    installed: Release, places: Places
) -> None:
    secrets = {"history": {"url": places.database}, "s3-key": places.s3.environment}
    for name, data in secrets.items():
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}}
        installed.shop.cluster.apply(secret | {"stringData": data}, namespace=installed.namespace)
    results = {
        "volume": installed.values["results"]["volume"],
        "postgresql": {"urlSecret": "history"},
        "objectStorage": {
            "url": "s3://chaos/months",
            "endpoint": places.s3.endpoint,
            "allowHttp": True,
            "credentialsSecret": "s3-key",
        },
    }
    installed.apply("upgrade", results=results)
    ended = installed.run("elsewhere")
    assert ended.code == Exit.PASS, ended.log
    (row,) = json.loads(places.chaosmem("history", "list", "--db", places.local, "--json"))
    assert (row["experiment"], row["outcome"]) == ("lab", "PASS")
    words = ("archive", "get", row["run_id"], "s3://chaos/months", "--runs-dir")
    (fetched,) = places.chaosmem(*words, str(places.scratch)).splitlines()
    assert verify.verify(evidence.load(RunDir(Path(fetched)))).exit_code == Exit.PASS
    assert places.s3.environment["AWS_SECRET_ACCESS_KEY"] not in ended.log
    installed.shop.clean()


def test_an_upgrade_leaves_a_run_alone_and_a_pod_that_is_deleted_undoes_itself_in_its_grace(
    installed: Release,
) -> None:
    installed.start("evicted", "long")
    installed.holds()
    installed.apply("upgrade", schedule="15 2 * * 1", podLabels={"changed": "yes"})
    cluster, where = installed.shop.cluster, ("-n", installed.namespace)
    cron = cluster.get("cronjob", CRON_JOB.format("long"), *where)
    assert cron["spec"]["schedule"] == "15 2 * * 1"
    held = [installed.shop.held(pod)["held"]["goroutines"] for pod in installed.shop.pods()]
    assert sum(held) == 300
    (pod,) = installed.pods("evicted")
    name = pod["metadata"]["name"]
    began = time.monotonic()
    cluster.kubectl("delete", "pod", name, *where, "--wait=false")
    wait_for(lambda: not cluster.has("pod", name, installed.namespace), SECONDS, "the pod is gone")
    assert time.monotonic() - began < pod["spec"]["terminationGracePeriodSeconds"]
    installed.shop.clean()
    _undid_itself(installed)


def test_an_uninstall_in_mid_run_undoes_it_first_and_leaves_nothing(installed: Release) -> None:
    installed.start("uninstalled", "long")
    installed.holds()
    before = installed.shop.template()
    installed.uninstall()
    _undid_itself(installed)
    assert installed.shop.template() == before
    for pod in installed.shop.pods():
        said = installed.shop.held(pod)
        assert (said["held"]["goroutines"], said["held"]["heap_bytes"]) == (0, 0)
        assert said.get("lease") is None
    cluster, control = installed.shop.cluster, installed.shop.control
    wait_for(lambda: not cluster.has("namespace", control), 60, "the control namespace is gone")
    wait_for(lambda: not left_by_helm(installed), 60, "what depends on what is gone, is gone too")


def left_by_helm(release: Release) -> list[str]:
    """What the uninstall left; the Secrets with URL and key are their owner's."""
    return [name for name in release.left() if name not in ("Secret history", "Secret s3-key")]


def _undid_itself(release: Release) -> None:
    """The newest run was stopped in mid-run, undid everything, and was judged."""
    run = release.kept()[-1]
    assert [e["state"] for e in entries(run) if e["event"] == "run.ended"] == ["interrupted"]
    assert [e for e in entries(run) if e["event"] == "undo.failed"] == []
    assert [e for e in entries(run) if e["event"] == "fault.undone"]
    assert run.has("verdict.json")
