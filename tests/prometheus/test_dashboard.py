"""Every panel's query is one that the real Prometheus understands, on metrics that are known."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from chaosmem.drivers.prometheus import PrometheusClient
from chaosmem.plan.promql import selectors
from chaosmem.spec.prometheus import Prometheus
from tests.prometheus.conftest import Scene

BOARD: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "manifests" / "grafana" / "chaosmem.json").read_text("utf-8")
)
EXPRS = [t["expr"] for p in BOARD["panels"] for t in p["targets"]]


@pytest.mark.parametrize("expr", EXPRS)
async def test_the_server_understands_a_panels_query(expr: str, scene: Scene) -> None:
    asked = re.sub(r"\$\w+", ".*", expr.replace("$__rate_interval", "5s"))
    async with PrometheusClient(Prometheus(url=scene.prometheus)) as client:
        answer = await client.instant(asked)
    assert answer.series or not expr.startswith(("go_", "rate(go_", "process_"))


def test_every_variable_of_a_query_is_declared() -> None:
    declared = {v["name"] for v in BOARD["templating"]["list"]} | {"__rate_interval"}
    assert {name for e in EXPRS for name in re.findall(r"\$(\w+)", e)} <= declared


def test_panels_do_not_overlap() -> None:
    places = [tuple(p["gridPos"][k] for k in "xywh") for p in BOARD["panels"]]
    cells = [(i, j) for x, y, w, h in places for i in range(x, x + w) for j in range(y, y + h)]
    assert len(cells) == len(set(cells))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("go_goroutines", ("go_goroutines",)),
        ('rate(a_total{x="{b}"}[5m])', ('a_total{x="{b}"}',)),
        ("sum by (job, b) (up) / on (job) group_left count(x)", ("up", "x")),
        ("a and b offset 5m unless {job='c'}", ("a", "b", "{job='c'}")),
        ("time() - 1e3", ()),
    ],
)
def test_the_series_behind_a_query_are_found(query: str, found: tuple[str, ...]) -> None:
    assert selectors(query) == found
