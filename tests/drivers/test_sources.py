"""Samples from the agent, from Prometheus text and from the pprof index mean the same."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web

from chaosmem import metrics
from chaosmem.clock import RunClock
from chaosmem.drivers.agent import Agent
from chaosmem.drivers.http import Http
from chaosmem.drivers.sources import AgentSource, MetricsSource, PprofSource, choose
from chaosmem.errors import FaultRefused, ProbeFailed, TargetError

Serve = Callable[[Callable[[web.Request], Awaitable[web.StreamResponse]]], Awaitable[str]]

SAMPLE = {
    "now_unix_ns": 1_000_000_000,
    "goroutines": 12,
    "metrics": {
        "/gc/heap/live:bytes": 5,
        "/gc/gogc:percent": 2**64 - 1,
        "/gc/cycles/total:gc-cycles": 7,
    },
    "cycles": [{"n": 7, "unix_ns": 900_000_000, "live": 5, "goal": 10}],
    "held": {"goroutines": 2, "heap_bytes": 64, "at_points": 2},
}
PROMETHEUS = """# TYPE go_goroutines gauge
go_goroutines 12
go_memstats_next_gc_bytes 4.194304e+06
go_gc_gogc_percent 1.8446744073709552e+19
go_gc_duration_seconds{quantile="0.5"} 1
"""


def _agent(http: Http) -> Agent:
    return Agent(http, path="/debug/chaosmem", token="t" * 16, run_id="r")


async def test_the_agent_gives_runtime_metrics_by_our_names_and_off_as_minus_one(
    serve: Serve,
) -> None:
    async def handler(request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == "Bearer " + "t" * 16
        return web.json_response(SAMPLE)

    async with Http(await serve(handler), RunClock.start()) as http:
        reading = await AgentSource(_agent(http)).read(timeout=1)
    assert reading.values[metrics.GOROUTINES.name] == 12
    assert reading.values[metrics.GOROUTINES_HELD.name] == 2
    assert reading.values[metrics.HEAP_LIVE.name] == 5
    assert reading.values[metrics.GOGC.name] == -1


async def test_cycles_are_asked_for_once_and_from_the_start_again_after_a_restart(
    serve: Serve,
) -> None:
    asked: list[str] = []
    total = {"value": 7}

    async def handler(request: web.Request) -> web.Response:
        since = request.query["cycles_since"]
        asked.append(since)
        metric = SAMPLE["metrics"] | {"/gc/cycles/total:gc-cycles": total["value"]}  # type: ignore[operator]
        cycles = SAMPLE["cycles"] if since == "0" and total["value"] == 7 else []
        return web.json_response(SAMPLE | {"metrics": metric, "cycles": cycles})

    async with Http(await serve(handler), RunClock.start()) as http:
        source = AgentSource(_agent(http))
        await source.read(timeout=1)
        await source.read(timeout=1)
        total["value"] = 1
        await source.read(timeout=1)
        await source.read(timeout=1)
    assert asked == ["0", "7", "7", "1"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"not json", "malformed answer"),
        (b"{}", "now_unix_ns: Field required"),
        (json.dumps(SAMPLE | {"goroutines": "many"}).encode(), "goroutines"),
    ],
    ids=["no JSON", "empty", "wrong type"],
)
async def test_a_malformed_sample_is_named(serve: Serve, body: bytes, words: str) -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(body=body)

    async with Http(await serve(handler), RunClock.start()) as http:
        with pytest.raises(ProbeFailed, match=words):
            await AgentSource(_agent(http)).read(timeout=1)


async def test_a_refused_act_carries_the_agents_own_words(serve: Serve) -> None:
    async def handler(_: web.Request) -> web.Response:
        error = {"error": "no such point", "code": "unknown-point"}
        return web.json_response(error, status=422)

    async with Http(await serve(handler), RunClock.start()) as http:
        with pytest.raises(FaultRefused, match=r"agent /heap: no such point \(unknown-point\)"):
            await _agent(http).act("heap", {})


async def test_an_agent_that_is_off_asks_for_its_token(serve: Serve) -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(status=404)

    async with Http(await serve(handler), RunClock.start()) as http:
        with pytest.raises(FaultRefused, match="is CHAOSMEM_AGENT_TOKEN set"):
            await _agent(http).act("heap", {})


async def test_prometheus_text_gives_the_same_names(serve: Serve) -> None:
    async def handler(request: web.Request) -> web.Response:
        assert "0.0.4" in request.headers["Accept"]
        return web.Response(text=PROMETHEUS)

    async with Http(await serve(handler), RunClock.start()) as http:
        reading = await MetricsSource(http, "/metrics").read(timeout=1)
    assert reading.values == {
        metrics.GOROUTINES.name: 12,
        metrics.HEAP_GOAL.name: 4194304,
        metrics.GOGC.name: -1,
    }


@pytest.mark.parametrize("text", ["", "up 1\n", "{{{", "go_goroutines\n"], ids=repr)
async def test_text_without_go_metrics_is_no_sample(serve: Serve, text: str) -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(text=text)

    async with Http(await serve(handler), RunClock.start()) as http:
        with pytest.raises(ProbeFailed):
            await MetricsSource(http, "/metrics").read(timeout=1)


async def test_the_pprof_index_counts_goroutines(serve: Serve) -> None:
    page = (
        "<tr><td>41</td><td><a href='goroutine?debug=1'>goroutine</a></td></tr>"
        "<tr><td>9</td><td><a href='goroutine?debug=2'>full</a></td></tr>"
    )

    async def handler(_: web.Request) -> web.Response:
        return web.Response(text=page)

    async with Http(await serve(handler), RunClock.start()) as http:
        reading = await PprofSource(http, "/debug/pprof").read(timeout=1)
    assert reading.values == {metrics.GOROUTINES.name: 41}


async def test_the_first_source_that_answers_is_chosen_and_else_each_says_why(serve: Serve) -> None:
    async def handler(request: web.Request) -> web.Response:
        if request.path == "/metrics":
            return web.Response(text=PROMETHEUS)
        return web.Response(status=404)

    async with Http(await serve(handler), RunClock.start()) as http:
        index, text = PprofSource(http, "/debug/pprof"), MetricsSource(http, "/metrics")
        assert await choose([index, text], timeout=1) is text
        with pytest.raises(TargetError, match=r"pprof: .*HTTP 404"):
            await choose([index], timeout=1)
