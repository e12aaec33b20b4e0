"""Load is open-loop: due times do not wait, latency counts from them, failures have a kind."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web

from chaosmem.clock import RunClock
from chaosmem.drivers.load import Load, Result, Shot
from chaosmem.drivers.process import free_port

Serve = Callable[[Callable[[web.Request], Awaitable[web.StreamResponse]]], Awaitable[str]]


async def _run(url: str, seconds: float, **options: float) -> tuple[Load, list[Result]]:
    results: list[Result] = []
    clock = RunClock.start()
    load = Load(
        url,
        [Shot("GET", "/a", 3, {}, None), Shot("POST", "/b", 1, {"X-Y": "z"}, "body")],
        clock,
        rate=options.get("rate", 100.0),
        timeout=options.get("timeout", 1.0),
        connections=int(options.get("connections", 8)),
        seed=1,
        on_result=results.append,
    )
    await clock.until(seconds)
    await load.stop()
    return load, results


async def test_requests_come_at_their_rate_and_in_their_mix(serve: Serve) -> None:
    seen: Counter[str] = Counter()

    async def handler(request: web.Request) -> web.Response:
        seen[f"{request.method} {request.path}"] += 1
        return web.Response()

    load, results = await _run(await serve(handler), 1.0)
    assert load.totals.ok == len(results) == pytest.approx(100, abs=15)
    assert seen["GET /a"] > 2 * seen["POST /b"] > 0


async def test_a_stall_of_the_target_is_not_hidden(serve: Serve) -> None:
    gate = asyncio.Event()

    async def handler(_: web.Request) -> web.Response:
        await gate.wait()
        return web.Response()

    url = await serve(handler)
    asyncio.get_running_loop().call_later(0.5, gate.set)
    _, results = await _run(url, 0.9, connections=1, timeout=5.0)
    latencies = [r.done - r.due for r in results]
    # coordinated omission would show one slow request; every request due in the stall is slow
    assert sum(x > 0.1 for x in latencies) > 30


@pytest.mark.parametrize(
    ("status", "kind"), [(500, "status-5xx"), (503, "status-5xx"), (404, ""), (302, "")], ids=str
)
async def test_only_server_errors_are_failures(serve: Serve, status: int, kind: str) -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(status=status)

    _, results = await _run(await serve(handler), 0.2)
    assert {r.error for r in results} == {kind}
    assert {r.status for r in results} == {status}


async def test_nobody_listening_and_no_answer_have_their_kinds(serve: Serve) -> None:
    async def stuck(_: web.Request) -> web.Response:
        await asyncio.sleep(5)
        return web.Response()

    load, _ = await _run(f"http://127.0.0.1:{free_port()}", 0.2)
    assert set(load.totals.by_error) == {"connect"}
    load, _ = await _run(await serve(stuck), 0.4, timeout=0.1, connections=64)
    assert set(load.totals.by_error) == {"timeout"}


async def test_stopping_leaves_no_task_behind(serve: Serve) -> None:
    async def stuck(_: web.Request) -> web.Response:
        await asyncio.sleep(5)
        return web.Response()

    url = await serve(stuck)
    before = asyncio.all_tasks()
    await _run(url, 0.2, timeout=4.0)
    await asyncio.sleep(0)
    assert {t for t in asyncio.all_tasks() - before if "chaosmem" in t.get_name()} == set()
