"""Where results go besides a volume: a real PostgreSQL and S3 server, for pods and for us."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from tests.chart import storage
from tests.chart.relay import relaying
from tests.history import server

_SOCKET = ".s.PGSQL.5432"


@dataclass(frozen=True, slots=True)
class Places:
    """URLs of the database, from the pods and from here; the object storage; room for files."""

    database: str
    local: str
    s3: storage.S3
    scratch: Path

    def chaosmem(self, *words: str) -> str:
        """The command line as somebody who may read the results; its stdout."""
        mine = {k: v for k, v in os.environ.items() if not k.startswith("CHAOSMEM_")}
        done = subprocess.run(
            [sys.executable, "-m", "chaosmem", *words],
            env=mine | self.s3.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@contextmanager
def serving(scratch: Path, address: str) -> Iterator[Places]:
    """Both servers, reachable at this address of the machine."""
    with server.running() as url, storage.serving(scratch / "s3", address) as s3:
        local = url.format("postgres")
        (directory,) = parse_qs(urlsplit(local).query)["host"]
        with relaying(Path(directory) / _SOCKET, address) as port:
            database = f"postgresql://chaosmem@{address}:{port}/postgres"
            yield Places(database, local, s3, scratch)
