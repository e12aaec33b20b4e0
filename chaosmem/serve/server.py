"""The server: uvicorn on one socket, with streams that end when it is told to stop."""

from __future__ import annotations

import contextlib
import signal
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace

import uvicorn
from starlette.types import ASGIApp

from chaosmem.errors import UsageError
from chaosmem.serve.app import application
from chaosmem.serve.hub import Hub
from chaosmem.serve.settings import Settings

_BACKLOG = 100


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, hub: Hub) -> None:
        super().__init__(config)
        self._hub = hub

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Streams never end by themselves, and uvicorn waits for them."""
        self._hub.close()
        await super().shutdown(sockets)


def serve(settings: Settings, ready: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM; `ready` is called with the address once it is bound.

    Raises:
        UsageError: the address cannot be had.
    """
    with _bound(settings.host, settings.port) as bound:
        port = bound.getsockname()[1]
        guarded, site = application(replace(settings, port=port))
        ready(address(settings.host, port))
        with _stopping_is_no_error():
            _Server(_config(guarded), site.hub).run(sockets=[bound])


@contextlib.contextmanager
def _stopping_is_no_error() -> Iterator[None]:
    """Uvicorn raises the signal that stopped it again; to whoever sent it all went as asked."""
    before = {sign: signal.getsignal(sign) for sign in (signal.SIGINT, signal.SIGTERM)}
    try:
        for sign in before:
            signal.signal(sign, lambda *_: None)
        yield
    finally:
        for sign, handler in before.items():
            signal.signal(sign, handler)


def _config(guarded: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        guarded,
        access_log=False,
        log_level="warning",
        server_header=False,
        proxy_headers=False,
        lifespan="off",
        timeout_graceful_shutdown=5,
    )


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host.strip("[]"), port))
        made.listen(_BACKLOG)  # whoever reads the address may call at once
    except OSError as problem:
        made.close()
        raise UsageError(
            f"cannot listen at {host}:{port}: {problem.strerror or problem}",
            hint="choose another with --port, or 0 for a free one",
        ) from problem
    return made


def address(host: str, port: int) -> str:
    """The URL by which a browser reaches it."""
    host = host.strip("[]")
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
