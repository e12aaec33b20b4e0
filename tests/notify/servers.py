"""Real servers on loopback: HTTP that answers as it is told, and SMTP."""

from __future__ import annotations

import contextlib
import json
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult


@dataclass
class Reply:
    """An answer: its status, body and headers; `hang` seconds before it, `drip` between bytes."""

    status: int = 200
    body: str = "ok"
    headers: dict[str, str] = field(default_factory=dict)
    hang: float = 0.0
    drip: float = 0.0


@dataclass
class Got:
    """A request as it came, the names of its headers in lower case."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: float

    @property
    def json(self) -> Any:
        """Its body."""
        return json.loads(self.body)


@dataclass
class Hooks:
    """What an HTTP server got, and what it will answer: `replies` in turn, then `always`."""

    url: str = ""
    got: list[Got] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)
    always: Reply = field(default_factory=Reply)
    over: threading.Event = field(default_factory=threading.Event)

    def wait(self, count: int = 1, seconds: float = 20.0) -> list[Got]:
        """Until so many requests came."""
        deadline = time.monotonic() + seconds
        while len(self.got) < count and time.monotonic() < deadline:
            time.sleep(0.01)
        assert len(self.got) >= count, f"{len(self.got)} of {count} requests came"
        return self.got


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, *_: Any) -> None:
        """A client that goes away early is what some tests are about."""


@contextlib.contextmanager
def hooks(certificate: Path | None = None) -> Iterator[Hooks]:
    """An HTTP server that keeps what it gets; HTTPS where it has a certificate."""
    kept = Hooks()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            headers = {name.lower(): value for name, value in self.headers.items()}
            kept.got.append(Got(self.path, headers, body, time.time()))
            reply = kept.replies.pop(0) if kept.replies else kept.always
            kept.over.wait(reply.hang)
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            for letter in reply.body:
                self.wfile.write(letter.encode())
                if reply.drip:
                    self.wfile.flush()
                    kept.over.wait(reply.drip)

        do_GET = do_POST  # noqa: N815 - http.server calls it so

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = _Server(("127.0.0.1", 0), Handler)
    kept.url = f"http://127.0.0.1:{server.server_port}"
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        kept.url = kept.url.replace("http:", "https:")
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    serving.start()
    try:
        yield kept
    finally:
        kept.over.set()
        server.shutdown()
        server.server_close()
        serving.join()


@dataclass
class Mails:
    """What an SMTP server got, and what it answers to DATA: `replies` in turn, then 250."""

    port: int = 0
    got: list[Any] = field(default_factory=list)
    replies: list[str] = field(default_factory=list)
    logins: list[bytes] = field(default_factory=list)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        """Called by aiosmtpd."""
        if self.replies:
            return self.replies.pop(0)
        self.got.append(envelope)
        return "250 kept"

    def authenticate(self, *args: Any) -> AuthResult:
        """Called by aiosmtpd; `hunter2-of-tests` is right."""
        password = args[-1].password
        self.logins.append(password)
        return AuthResult(success=password == b"hunter2-of-tests", handled=False)


class _Controller(Controller):
    """Binds port 0: aiosmtpd itself would then try to reach port 0."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        super()._trigger_server()  # type: ignore[no-untyped-call]


@contextlib.contextmanager
def mails(certificate: Path | None = None) -> Iterator[Mails]:
    """An SMTP server that keeps mails; with a certificate it wants STARTTLS and a log-in."""
    kept = Mails()
    options: dict[str, Any] = {}
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        options = {
            "tls_context": context,
            "require_starttls": True,
            "authenticator": kept.authenticate,
            "auth_required": True,
        }
    server = _Controller(kept, hostname="127.0.0.1", port=0, **options)
    server.start()
    kept.port = server.port
    try:
        yield kept
    finally:
        server.stop()
