"""The helper's answers as readings."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web

from chaosmem import metrics
from chaosmem.clock import RunClock
from chaosmem.drivers.helper import HelperSource
from chaosmem.drivers.http import Http
from chaosmem.errors import ProbeFailed

Serve = Callable[[Callable[[web.Request], Awaitable[web.StreamResponse]]], Awaitable[str]]

TOKEN = "t" * 16
CGROUP = {
    "usage": 1000,
    "working_set": 700,
    "inactive_file": 300,
    "anon": 500,
    "cache": 400,
    "limit": 2048,
}
SAMPLE = {
    "now_unix_ns": 5,
    "cgroup": CGROUP,
    "events": {"oom": -1, "oom_kill": 2},
    "target": {"pids": 1, "rss": 450},
    "hog": None,
    "psi": None,
    "stress": {"state": "holding", "setpoint": 900, "new_in_a_later_version": 1},
    "held": {"bytes": 64},
}


async def _read(serve: Serve, sample: object) -> dict[str, float]:
    async def handler(request: web.Request) -> web.Response:
        assert request.path == "/v1/sample"
        assert request.headers["Authorization"] == f"Bearer {TOKEN}"
        assert request.headers["Chaosmem-Token"] == TOKEN
        return web.json_response(sample)

    async with Http(await serve(handler), RunClock.start()) as http:
        reading = await HelperSource(http, token=TOKEN).read(timeout=1)
    assert reading.now_unix_ns == 5
    return dict(reading.values)


async def test_every_number_has_its_metric(serve: Serve) -> None:
    assert await _read(serve, SAMPLE) == {
        metrics.CGROUP_USAGE.name: 1000,
        metrics.CGROUP_WORKING_SET.name: 700,
        metrics.CGROUP_ANON.name: 500,
        metrics.CGROUP_CACHE.name: 400,
        metrics.CGROUP_LIMIT.name: 2048,
        metrics.CGROUP_OOM_KILLS.name: 2,
        metrics.TARGET_RSS.name: 450,
        metrics.STRESS_HELD.name: 64,
        metrics.STRESS_LEVEL.name: 900,
    }


async def test_what_is_not_known_is_left_out_and_not_zero(serve: Serve) -> None:
    unseen = SAMPLE | {
        "cgroup": CGROUP | {"cache": -1, "limit": 0},
        "events": {"oom_kill": -1},
        "target": {"pids": 1, "rss": -1},
    }
    names = set(await _read(serve, unseen))
    assert names.isdisjoint(
        m.name
        for m in (
            metrics.CGROUP_CACHE,
            metrics.CGROUP_LIMIT,
            metrics.CGROUP_OOM_KILLS,
            metrics.TARGET_RSS,
        )
    )


async def test_a_container_that_is_gone_has_no_memory(serve: Serve) -> None:
    gone = SAMPLE | {"cgroup": None, "events": None, "target": {"pids": 0, "rss": 0}}
    assert set(await _read(serve, gone)) == {
        metrics.STRESS_HELD.name,
        metrics.STRESS_LEVEL.name,
    }


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{", "malformed answer"),
        (b"{}", "now_unix_ns: Field required"),
        (json.dumps(SAMPLE | {"stress": {"state": "happy"}}).encode(), r"stress\.state"),
        (json.dumps(SAMPLE | {"held": {"bytes": 1.5}}).encode(), r"held\.bytes"),
    ],
    ids=["cut", "empty", "an unknown state", "half a byte"],
)
async def test_a_malformed_sample_is_named(serve: Serve, body: bytes, words: str) -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(body=body)

    async with Http(await serve(handler), RunClock.start()) as http:
        with pytest.raises(ProbeFailed, match=f"helper: .*{words}"):
            await HelperSource(http, token=TOKEN).read(timeout=1)
