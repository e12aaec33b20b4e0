"""What is asked again, and what never is."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp import web

from chaosmem.drivers.kube.calls import Call
from chaosmem.drivers.kube.connect import Cluster
from chaosmem.errors import ClusterUnreachable, UsageError

Serve = Callable[[Callable[[web.Request], Awaitable[web.StreamResponse]]], Awaitable[str]]


def _config(path: Path, server: str, user: str = "{}") -> Path:
    path.write_text(
        "{apiVersion: v1, kind: Config, current-context: c,"
        f" clusters: [{{name: k, cluster: {{server: '{server}'}}}}],"
        f" users: [{{name: u, user: {user}}}],"
        " contexts: [{name: c, context: {cluster: k, user: u, namespace: shop}}]}"
    )
    return path


@pytest.mark.parametrize(
    ("status", "method", "repeat", "asked"),
    [
        (503, "GET", None, 2),
        (503, "DELETE", None, 2),
        (503, "POST", None, 1),
        (503, "POST", True, 2),
        (503, "PATCH", None, 1),
        (429, "POST", None, 2),
        (404, "GET", None, 1),
        (409, "PUT", True, 1),
    ],
)
async def test_only_what_may_happen_twice_is_asked_twice(
    serve: Serve, tmp_path: Path, *, status: int, method: str, repeat: bool | None, asked: int
) -> None:
    seen: list[str] = []

    async def fail_once(request: web.Request) -> web.Response:
        seen.append(request.method)
        return web.json_response({}, status=status if len(seen) == 1 else 200)

    async with Cluster.open(kubeconfig=_config(tmp_path / "c", await serve(fail_once))) as cluster:
        call = Call(method, "/x", "try", body={} if method != "GET" else None, repeat=repeat)
        if asked == 1:
            with pytest.raises(Exception, match="try: "):
                await cluster.call(call)
        else:
            await cluster.call(call)
    assert len(seen) == asked


async def test_the_server_says_how_long_to_wait(serve: Serve, tmp_path: Path) -> None:
    times: list[float] = []

    async def busy(_: web.Request) -> web.Response:
        times.append(time.monotonic())
        status = 429 if len(times) == 1 else 200
        return web.json_response({}, status=status, headers={"Retry-After": "1"})

    async with Cluster.open(kubeconfig=_config(tmp_path / "c", await serve(busy))) as cluster:
        await cluster.call(Call("GET", "/x", "try"))
    assert 0.9 <= times[1] - times[0] < 3


async def test_a_login_that_is_refused_is_said_and_the_token_is_not(
    serve: Serve, tmp_path: Path
) -> None:
    async def nobody(_: web.Request) -> web.Response:
        return web.json_response({}, status=401)

    config = _config(tmp_path / "c", await serve(nobody), "{token: very-secret}")
    async with Cluster.open(kubeconfig=config) as cluster:
        assert cluster.namespace == "shop"
        with pytest.raises(ClusterUnreachable, match="does not accept these credentials") as caught:
            await cluster.identity()
        assert "very-secret" not in repr(cluster) + str(caught.value) + caught.value.hint


async def test_a_login_program_that_fails_is_said(tmp_path: Path) -> None:
    user = "{exec: {apiVersion: client.authentication.k8s.io/v1, command: 'false'}}"
    with pytest.raises(ClusterUnreachable, match="the login program failed: exec: process ret"):
        async with Cluster.open(kubeconfig=_config(tmp_path / "c", "https://127.0.0.1:9", user)):
            pass


@pytest.mark.parametrize("text", ["token: very-secret: x", "[]", "{contexts: very-secret}"])
async def test_a_kubeconfig_that_cannot_be_understood_is_not_quoted(
    tmp_path: Path, text: str
) -> None:
    path = tmp_path / "c"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        async with Cluster.open(kubeconfig=path):
            pass
    assert "very-secret" not in str(caught.value)
