"""A real S3 server over a directory, for tests: versitygw, which checks every signature."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.chart import tooling

BUCKET = "chaos"
KEY, SECRET = "a-key-of-the-tests", "a-secret-of-the-tests"
_START_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class S3:
    """A running server; the bucket is a directory."""

    endpoint: str
    directory: Path

    @property
    def environment(self) -> dict[str, str]:
        """What a client needs to be let in."""
        return {
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": "us-east-1",
            "AWS_ALLOW_HTTP": "true",
        }

    def file(self, name: str) -> Path:
        """Where the server keeps an object."""
        return self.directory / BUCKET / name


@contextmanager
def serving(directory: Path, address: str = "127.0.0.1") -> Iterator[S3]:
    """A server with one empty bucket at this address, on a free port."""
    (directory / BUCKET).mkdir(parents=True)
    place = f"{address}:{_free(address)}"
    words = ["--access", KEY, "--secret", SECRET, "--port", place, "posix", str(directory)]
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen([tooling.s3_gateway(), *words], stdout=log, stderr=log)
    try:
        _wait(place, process, directory / "log")
        yield S3(f"http://{place}", directory)
    finally:
        process.terminate()
        process.wait(30)


def _free(address: str) -> int:
    with socket.socket() as held:
        held.bind((address, 0))
        return int(held.getsockname()[1])


def _wait(place: str, process: subprocess.Popen[bytes], log: Path) -> None:
    host, _, port = place.partition(":")
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
        except OSError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        else:
            return
