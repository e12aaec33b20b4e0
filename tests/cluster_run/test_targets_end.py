"""Targets that end in mid-run: killed for their memory, wanted or not, or put off their node."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chaosmem.errors import Exit
from tests.cluster.api import Access, Cluster, wait_for
from tests.cluster_run.shop import CHECKS, QUICK, Shop, holding, opened, ready, wait_event

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]
SMALL = "96Mi"
BEYOND: dict[str, Any] = {"retain": "160MiB", "rate": "60MiB/s"}
ALIVE = ["no-oom", "no-restart"]


@pytest.fixture
def tight(cluster: Access, tmp_path: Path) -> Iterator[Shop]:
    """A shop of one pod with little memory."""
    with opened(
        cluster, f"tight-{uuid.uuid4().hex[:8]}", tmp_path, replicas=1, memory=SMALL
    ) as found:
        yield found


def _came_back(shop: Shop, pods: int) -> None:
    wait_for(lambda: ready(shop) == pods, 60, "the shop is ready again")
    shop.clean()


def test_a_heap_beyond_the_limit_is_an_oom_kill_and_never_passes(tight: Shop) -> None:
    spec = tight.spec(
        faults=[{"heap": BEYOND}],
        checks=[*CHECKS, *ALIVE],
        limits={"pods": 1, "namespaces": [tight.namespace], "heap": "256MiB"},
    )
    ran = tight.run(spec)
    assert ran.code == Exit.FAIL, ran.stdout + ran.stderr
    assert ran.outcomes("stress-effect") == ["INCONCLUSIVE"]
    assert ran.outcomes("goroutine-recovery") == ["INCONCLUSIVE"]
    assert (ran.outcomes("no-oom"), ran.outcomes("no-restart")) == (["FAIL"], ["FAIL"])
    assert [e["state"] for e in ran.told("target.changed")][-1] == "oom-killed"
    _came_back(tight, 1)


def _pressing(shop: Shop, oom: str, checks: list[Any]) -> Path:
    level = {"level": "120MiB", "of": "absolute", "ramp": "2s", "oom": oom}
    return shop.spec(faults=[{"memory": {"via": "helper", **level}}], checks=checks)


def test_a_level_beyond_the_limit_is_refused_unless_the_kill_is_expected(tight: Shop) -> None:
    ran = tight.run(_pressing(tight, "forbidden", ["stress-effect"]))
    assert ran.code != Exit.PASS
    assert "the level is not below the limit" in ran.stdout + ran.stderr
    assert [p["status"]["containerStatuses"][0]["restartCount"] for p in tight.pods()] == [0]
    tight.clean()


def test_an_oom_kill_that_is_expected_is_proven_by_the_kill_itself(tight: Shop) -> None:
    ran = tight.run(_pressing(tight, "expected", ["stress-effect"]))
    assert ran.code == Exit.PASS, ran.stdout + ran.stderr
    assert "OOM-killed" in ran.stdout + str(ran.verdict)
    assert [e["state"] for e in ran.told("target.changed")][-1] == "oom-killed"
    _came_back(tight, 1)
    again = tight.chaosmem("verify", ran.rundir or "", "--format", "json")
    assert again.code == Exit.PASS


def test_of_a_process_that_was_killed_as_expected_nothing_else_passes(tight: Shop) -> None:
    ran = tight.run(_pressing(tight, "expected", [*CHECKS, *ALIVE]))
    assert ran.code == Exit.FAIL, ran.stdout + ran.stderr
    assert ran.outcomes("stress-effect") == ["PASS"]
    assert ran.outcomes("goroutine-recovery") == ["INCONCLUSIVE"]
    assert (ran.outcomes("no-oom"), ran.outcomes("no-restart")) == (["FAIL"], ["FAIL"])
    _came_back(tight, 1)


@pytest.mark.slow
def test_a_pod_that_its_node_evicts_ends_its_trial(fragile: Shop, breakable: Cluster) -> None:
    started = fragile.start(fragile.spec(phases=QUICK | {"hold": "60s"}, checks=[*CHECKS, *ALIVE]))
    wait_event(fragile, holding)
    with breakable.pressure(evict=True):
        ran = fragile.finish(started)
    assert ran.code in (Exit.FAIL, Exit.INCONCLUSIVE), ran.stdout + ran.stderr
    assert ran.outcomes("stress-effect") == ["INCONCLUSIVE"]
    assert ran.outcomes("no-restart") == ["FAIL"]
    end = ran.told("target.changed")[-1]
    assert end["state"] == "exited"
    assert "evicted" in end["detail"]
    said = " ".join(n["text"] for n in ran.told("note"))
    assert "MemoryPressure" in said
    assert "Evicted" in said
    wait_for(lambda: ready(fragile) == 2, 120, "the Deployment has replaced the pods")
    assert fragile.left() == []
