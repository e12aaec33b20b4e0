"""What the API server says of itself is never taken for the target's word."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web

from chaosmem.clock import RunClock
from chaosmem.drivers.agent import Agent
from chaosmem.drivers.http import Http, Through
from chaosmem.drivers.kube.transport import _refusal
from chaosmem.errors import FaultRefused, ProbeFailed

Serve = Callable[[Callable[[web.Request], Awaitable[web.StreamResponse]]], Awaitable[str]]
AWAY = {"kind": "Status", "apiVersion": "v1", "message": "error trying to reach service"}


def _agent(http: Http) -> Agent:
    return Agent(http, path="/debug/chaosmem", token="t", run_id="r")


async def test_a_lease_that_the_api_server_did_not_bring_is_not_refused(serve: Serve) -> None:
    async def away(_: web.Request) -> web.Response:
        return web.json_response(AWAY, status=503)

    through = Through({}, refusal=_refusal)
    async with Http(await serve(away), RunClock.start(), through=through) as http:
        with pytest.raises(ProbeFailed, match="lease: error trying to reach service"):
            await _agent(http).lease(ttl=3, deadline=10)


async def test_a_lease_that_the_agent_refuses_is_refused(serve: Serve) -> None:
    async def refuse(_: web.Request) -> web.Response:
        return web.json_response({"error": "held by run x", "code": "held"}, status=409)

    through = Through({}, refusal=_refusal)
    async with Http(await serve(refuse), RunClock.start(), through=through) as http:
        with pytest.raises(FaultRefused, match="held by run x"):
            await _agent(http).lease(ttl=3, deadline=10)


async def test_our_token_is_sent_where_the_api_server_keeps_the_other(serve: Serve) -> None:
    seen: dict[str, str] = {}

    async def look(request: web.Request) -> web.Response:
        seen.update(request.headers)
        return web.json_response({})

    through = Through({"Authorization": "Bearer cluster"}, refusal=_refusal)
    async with Http(await serve(look), RunClock.start(), through=through) as http:
        await _agent(http).lease(ttl=3, deadline=10)
    assert (seen["Authorization"], seen["Chaosmem-Token"]) == ("Bearer cluster", "t")
    assert "cluster" not in repr(through)
