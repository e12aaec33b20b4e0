"""An HTTP endpoint that Prometheus scrapes: prometheus-client's WSGI app on a server of our own.

Its own server cuts answers that are on their way when it is shut down; this one ends them first,
so that the scrape that takes a run's verdict gets it whole. A peer that says nothing is left after
five seconds.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import make_wsgi_app
from prometheus_client.registry import CollectorRegistry

from chaosmem.errors import UsageError

LOOPBACK = "127.0.0.1"
_MOST = 65_535


def address(text: str) -> tuple[str, int]:
    """`[ADDRESS:]PORT` as both; loopback where no address is named. UsageError for what is not.

    Port 0 is a free one. An IPv6 address stands in brackets: `[::1]:9464`.
    """
    host, _, port = text.rpartition(":")
    if not (port.isascii() and port.isdecimal()) or int(port) > _MOST:
        raise UsageError(f"{text!r} is no [ADDRESS:]PORT", hint="for example 9464 or 0.0.0.0:9464")
    return host.removeprefix("[").removesuffix("]") or LOOPBACK, int(port)


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = False  # server_close waits for the answers that are on their way

    def server_bind(self) -> None:
        """Without a look-up of the host's name, which may take seconds."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.settimeout(1.0)  # a peer that is gone before it is accepted holds nothing up
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]
        self.setup_environ()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A peer that went away is no matter of the run's."""


class _Server6(_Server):
    address_family = socket.AF_INET6


class _Handler(WSGIRequestHandler):
    timeout = 5.0

    def log_message(self, *_: Any) -> None:
        """Say nothing: stderr is the run's."""


@contextlib.contextmanager
def serving(registry: CollectorRegistry, where: str) -> Iterator[str]:
    """Serve the registry on `[ADDRESS:]PORT` meanwhile; the URL. UsageError: it cannot listen."""
    host, port = address(where)
    kind = _Server6 if ":" in host else _Server
    try:
        server = make_server(host, port, make_wsgi_app(registry), kind, _Handler)
    except OSError as problem:
        raise UsageError(
            f"cannot listen on {host}:{port}: {problem.strerror or problem}",
            hint="take another port or address",
        ) from problem
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1})
    thread.daemon = True
    thread.start()
    try:
        shown = f"[{host}]" if ":" in host else host
        yield f"http://{shown}:{server.server_port}/metrics"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
