"""Step, staleness and coarse scraping, at a real Prometheus: no old value passes for a new one."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from chaosmem.drivers.prometheus import MOST_POINTS, PrometheusClient
from chaosmem.spec.prometheus import Prometheus
from tests.prometheus.conftest import Scene
from tests.prometheus.test_server import finding, passed, started

pytestmark = pytest.mark.timeout(300)  # whole runs, on a machine that may be busy
CHECKS = [
    {"promql": {"name": "went", "query": "test_value", "atLeast": 1}},
    {"promql": {"name": "stale", "query": "test_value", "atLeast": 1, "during": "recover"}},
    {"promql": {"name": "coarse", "query": "coarse_value", "atLeast": 1, "during": "recover"}},
    {"promql": {"name": "fresh", "query": "go_goroutines", "atLeast": 1}},
]
PHASES = {"baseline": "1s", "inject": "1s", "hold": "8s", "recover": "5s"}


@pytest.fixture(scope="module")
def ran(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A run in whose hold the exporter of `test_value` stops answering."""
    base = tmp_path_factory.mktemp("stale")
    running = started(base, scene, CHECKS, phases=PHASES)
    assert running.stderr is not None
    try:
        for line in running.stderr:
            if "phase hold" in line:
                time.sleep(2.5)  # a dozen scrapes inside the window
                scene.dying.on.clear()
        running.wait(200)
    finally:
        scene.dying.on.set()
        running.kill()
        running.communicate()
    (found,) = (base / "runs" / "prom").glob("2*")
    return {"dir": found}


@pytest.mark.parametrize(
    ("name", "outcome", "words"),
    [
        ("went", "INCONCLUSIVE", "`test_value` went stale: no sample in the last"),
        ("stale", "INCONCLUSIVE", "`test_value` is stale: its last sample is"),
        ("coarse", "INCONCLUSIVE", "`coarse_value` was scraped too coarsely"),
    ],
)
def test_which_of_them_it_is_is_said(
    name: str, outcome: str, words: str, ran: dict[str, Any]
) -> None:
    said = finding(ran, name)
    assert (said["outcome"], words in said["reason"]) == (outcome, True), said["reason"]


def test_what_was_scraped_in_time_is_judged_beside_them(ran: dict[str, Any]) -> None:
    said = finding(ran, "fresh")
    assert passed(said), said["reason"]


def test_prometheus_itself_answers_on_a_stale_range_as_if_nothing_were(ran: dict[str, Any]) -> None:
    kept = json.loads(next((ran["dir"] / "prometheus").glob("*-went.json")).read_bytes())
    assert kept["answer"][0]["values"][-1][1] == "7"


async def test_the_step_is_the_distance_of_the_points(scene: Scene) -> None:
    where = Prometheus(url=scene.prometheus, step=0.25)
    async with PrometheusClient(where) as client:
        answer = await client.between("vector(1)", 1000.1, 1002.1)
    times = [t for t, _ in answer.series[0]["values"]]
    assert times == pytest.approx([1000.1 + 0.25 * i for i in range(9)])


async def test_a_step_that_would_be_too_many_points_is_widened(scene: Scene) -> None:
    where = Prometheus(url=scene.prometheus, step=0.1, timeout=60)
    async with PrometheusClient(where) as client:
        answer = await client.between("vector(1)", 0.0, 86_400.0)
    assert MOST_POINTS - 100 < len(answer.series[0]["values"]) <= MOST_POINTS
