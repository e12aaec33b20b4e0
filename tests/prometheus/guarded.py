"""A real Prometheus behind its own doors (basic, mTLS), and behind a proxy that wants a bearer."""

from __future__ import annotations

import contextlib
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from chaosmem.drivers import process
from tests.cluster.certs import Authority
from tests.prometheus.conftest import wait

PASSWORD = "prom-of-tests"
BCRYPT = "$2b$04$abcdefghijklmnopqrstuuT0CaRldJYdVys7saY1g..EonHli50ne"
"""Of PASSWORD, at the least cost there is."""
BEARER = "B3ARER-of-tests"
SCRAPES = """
global: {{scrape_interval: 200ms, scrape_timeout: 200ms}}
scrape_configs:
  - {{job_name: demo, static_configs: [{{targets: ['{demo}']}}]}}
"""


@dataclass(frozen=True)
class Guarded:
    """Where it is, and the files that let in."""

    url: str
    files: Path


def certificates(base: Path) -> Path:
    """An authority, a server for 127.0.0.1 and two clients: one of ours, one of somebody else."""
    ours, other = Authority(), Authority()
    ours.pair.save(base, "ca")
    other.pair.save(base, "other-ca")
    ours.server("prometheus", ["127.0.0.1"]).save(base, "server")
    ours.client("chaosmem").save(base, "client")
    other.client("chaosmem").save(base, "stranger")
    return base


@contextlib.contextmanager
def prometheus(base: Path, demo: str, web: str) -> Iterator[str]:
    """A server with that web configuration; its address."""
    address = f"127.0.0.1:{process.free_port()}"
    (base / "prometheus.yml").write_text(SCRAPES.format(demo=demo.removeprefix("http://")))
    (base / "web.yml").write_text(web)
    started = subprocess.Popen(
        [
            "prometheus",
            f"--config.file={base}/prometheus.yml",
            f"--web.config.file={base}/web.yml",
            f"--web.listen-address={address}",
            f"--storage.tsdb.path={base}/data",
        ],
        stderr=subprocess.DEVNULL,
    )
    try:
        wait(address)
        yield address
    finally:
        started.kill()
        started.wait()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False


@contextlib.contextmanager
def proxy(behind: str) -> Iterator[str]:
    """Lets through who has the bearer and says whose data it wants; the proxy's URL."""

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            right = self.headers.get("Authorization") == f"Bearer {BEARER}"
            if not right or self.headers.get("X-Scope-OrgID") != "shop":
                self._answer(401 if not right else 403, b"go away", "text/plain")
                return
            kind = {"Content-Type": self.headers["Content-Type"]} if body else {}
            asked = urllib.request.Request(behind + self.path, data=body or None, headers=kind)
            with urllib.request.urlopen(asked, timeout=10) as answer:
                self._answer(answer.status, answer.read(), answer.headers["Content-Type"])

        do_GET = do_POST  # noqa: N815 - http.server calls it so

        def _answer(self, status: int, body: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = _Server(("127.0.0.1", 0), Door)
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    serving.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        serving.join()
