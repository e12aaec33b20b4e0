"""An exporter of one number, which can be switched off and on again."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Exporter:
    """Where it is, and whether it answers."""

    address: str = ""
    on: threading.Event = field(default_factory=threading.Event)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False


@contextlib.contextmanager
def exporter() -> Iterator[Exporter]:
    """Running and switched on."""
    made = Exporter()
    made.on.set()

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if not made.on.is_set():
                self.send_error(503)
                return
            body = b"test_value 7\n"
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = _Server(("127.0.0.1", 0), Page)
    made.address = f"127.0.0.1:{server.server_port}"
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    serving.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        serving.join()
