"""Handing a campaign's files out of its volume: a list with digests, and each file by its name.

By Python's own server, since it lives for a minute, in a pod of its own, behind a token.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import signal
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

from chaosmem.campaign.cluster.objects import TOKEN
from chaosmem.campaign.directory import HOME, LOCK, CampaignDir
from chaosmem.campaign.events import AttemptPlanned
from chaosmem.errors import UsageError

HEADER = "Chaosmem-Token"


def serve(runs_dir: Path, campaign: str, port: int, seconds: float) -> None:
    """Answer until `seconds` have passed or a signal comes."""
    token = os.environ.get(TOKEN, "")
    if not token:
        raise UsageError(f"{TOKEN} is not set: nobody could be told from anybody else")
    home = CampaignDir(runs_dir.resolve() / HOME / campaign)
    server = ThreadingHTTPServer(("", port), handler(home, token))
    server.daemon_threads = True
    stop = threading.Timer(seconds, server.shutdown)
    stop.daemon = True
    stop.start()
    for sign in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sign, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever()


def files(home: CampaignDir) -> dict[str, Path]:
    """Everything of a campaign, by its name below the runs directory.

    That is its directory, and the runs that its cells know of; without locks.
    """
    places = [home.root]
    for cell in home.prepared().cells:
        planned = (e for e in home.cell_entries(cell) if isinstance(e, AttemptPlanned))
        places += [home.run(e.experiment, e.run_id).root for e in planned]
    found = (p for place in places for p in sorted(place.rglob("*")))
    return {p.relative_to(home.base).as_posix(): p for p in found if _is_ours(p)}


def _is_ours(path: Path) -> bool:
    temporary = path.name == LOCK or path.suffix == ".part"
    return path.is_file() and not path.is_symlink() and not temporary


def listing(known: dict[str, Path]) -> list[dict[str, object]]:
    """The files with size and digest."""
    read = ((name, path.read_bytes()) for name, path in known.items())
    return [
        {"name": name, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in read
    ]


def handler(home: CampaignDir, token: str) -> type[BaseHTTPRequestHandler]:
    """A request handler for one campaign."""
    known: dict[str, Path] = {}
    """What was listed last: nothing else is handed out."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self.path == "/healthz":
                self._answer(b"ok")
            elif not hmac.compare_digest(self.headers.get(HEADER, ""), token):
                self._answer(b"a token is needed\n", HTTPStatus.UNAUTHORIZED)
            elif self.path == "/files":
                known.update(files(home))
                self._answer(json.dumps(listing(known)).encode())
            else:
                self._file(known.get(unquote(self.path).removeprefix("/files/")))

        def _file(self, path: Path | None) -> None:
            if path is None or not path.is_file():
                self._answer(b"no such file of this campaign\n", HTTPStatus.NOT_FOUND)
            else:
                self._answer(path.read_bytes())

        def _answer(self, body: bytes, status: HTTPStatus = HTTPStatus.OK) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
            """Requests are not logged."""

    return Handler
