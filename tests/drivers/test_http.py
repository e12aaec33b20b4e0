"""Answers are bounded in time and size, dated, and never half."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import aiohttp
import pytest
from aiohttp import web

from chaosmem.clock import RunClock
from chaosmem.drivers.http import Http
from chaosmem.drivers.process import free_port
from chaosmem.errors import ChaosmemError, ProbeFailed

Serve = Callable[[Callable[[web.Request], Awaitable[web.StreamResponse]]], Awaitable[str]]


async def test_an_answer_is_dated_by_the_middle_of_its_round_trip(serve: Serve) -> None:
    async def slow(_: web.Request) -> web.Response:
        await asyncio.sleep(0.1)
        return web.Response(text="ok")

    async with Http(await serve(slow), RunClock.start()) as http:
        answer = await http.get("/x", timeout=2)
    assert answer.body == b"ok"
    assert answer.u >= 0.05
    assert answer.t == pytest.approx((answer.begin + answer.end) / 2)


async def test_an_answer_that_takes_too_long_is_none(serve: Serve) -> None:
    async def stuck(_: web.Request) -> web.Response:
        await asyncio.sleep(5)
        return web.Response()

    async with Http(await serve(stuck), RunClock.start()) as http:
        with pytest.raises(ProbeFailed, match=r"/x: no whole answer within 0\.05 s"):
            await http.get("/x", timeout=0.05)


async def test_an_error_status_is_named_with_the_first_words_of_its_body(serve: Serve) -> None:
    async def broken(_: web.Request) -> web.Response:
        return web.Response(status=500, text="out of cheese\nline two")

    async with Http(await serve(broken), RunClock.start()) as http:
        with pytest.raises(ProbeFailed, match=r"/x: HTTP 500 \(out of cheese\)"):
            await http.get("/x", timeout=1)


@pytest.mark.parametrize("announced", [True, False], ids=["announced", "chunked"])
async def test_a_gigantic_answer_is_not_read_to_its_end(serve: Serve, announced: bool) -> None:
    sent = 0

    async def huge(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        headers = {"Content-Length": str(10**9)} if announced else {}
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        for _ in range(1000):
            await response.write(b"x" * 10**6)
            sent += 10**6
        return response

    async with Http(await serve(huge), RunClock.start()) as http:
        with pytest.raises(ProbeFailed, match=r"over the limit|more than the limit"):
            await http.get("/x", timeout=5, limit=10**6)
    assert sent < 10**8


async def test_a_truncated_answer_is_none(serve: Serve) -> None:
    async def cut(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b"half")
        assert request.transport is not None
        request.transport.close()
        return response

    async with Http(await serve(cut), RunClock.start()) as http:
        with pytest.raises(ProbeFailed, match="cut off before its end"):
            await http.get("/x", timeout=1)


async def test_nobody_listening_is_named() -> None:
    async with Http(f"http://127.0.0.1:{free_port()}", RunClock.start()) as http:
        with pytest.raises(ProbeFailed, match="cannot connect"):
            await http.get("/x", timeout=1)


async def test_a_redirect_is_not_followed_to_another_host(serve: Serve) -> None:
    async def away(_: web.Request) -> web.Response:
        raise web.HTTPFound("http://192.0.2.1/elsewhere")

    async with Http(await serve(away), RunClock.start()) as http:
        with pytest.raises(ProbeFailed, match="HTTP 302"):
            await http.get("/x", timeout=1)


async def test_a_kept_connection_is_reused_and_a_brief_one_is_not(serve: Serve) -> None:
    peers: list[object] = []

    async def note(request: web.Request) -> web.Response:
        assert request.transport is not None
        peers.append(request.transport.get_extra_info("peername"))
        return web.Response()

    url = await serve(note)
    for keep in (True, False):
        async with Http(url, RunClock.start(), keep=keep) as http:
            await http.get("/a", timeout=1)
            await http.get("/b", timeout=1)
    kept, brief = peers[:2], peers[2:]
    assert kept[0] == kept[1]
    assert brief[0] != brief[1]


def test_the_library_below_never_leaks() -> None:
    assert not issubclass(ProbeFailed, aiohttp.ClientError)
    assert issubclass(ProbeFailed, ChaosmemError)
