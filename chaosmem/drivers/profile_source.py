"""Where profiles come from: files, standard input, directories of captures, pprof endpoints.

Every way has a limit of size, and the endpoint limits of time, so that a wrong address or a hostile
server costs neither memory nor an endless wait.
"""

from __future__ import annotations

import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import IO

from chaosmem.errors import ProbeFailed, UsageError

MAX_BYTES = 512 << 20
"""Default limit of a capture as it comes (compressed or not)."""

SUFFIXES = (".pb.gz", ".pb", ".pprof", ".prof", ".txt", ".txt.gz")
"""Names in a directory that are captures; others are passed over."""

_CHUNK = 1 << 20
_HEAP = "/debug/pprof/heap"


@dataclass(frozen=True, slots=True)
class Source:
    """One capture: a name to show, and its bytes as received."""

    name: str
    data: bytes


def open_sources(
    place: str, *, timeout: float = 60.0, seconds: int = 0, max_bytes: int = MAX_BYTES
) -> Iterator[Source]:
    """The captures at `place`: one, or all of a directory (by name, one in memory at a time).

    Args:
        place: a file, "-" for standard input, a directory, or an http(s) address; an address
            without a path means its /debug/pprof/heap.
        timeout: seconds for the whole answer of an endpoint, beyond `seconds`.
        seconds: ask the endpoint for a profile over that long.
        max_bytes: refuse more.

    Raises:
        UsageError: there is nothing that can be read.
        ProbeFailed: the endpoint answers with an error, too slowly or too much.
    """
    if place == "-":
        yield Source("-", _limited(sys.stdin.buffer, "standard input", max_bytes))
    elif place.startswith(("http://", "https://")):
        yield Source(place, fetch(place, timeout=timeout, seconds=seconds, max_bytes=max_bytes))
    elif Path(place).is_dir():
        for path in captures(Path(place)):
            yield _file(path, max_bytes)
    else:
        yield _file(Path(place), max_bytes)


def captures(directory: Path) -> list[Path]:
    """The captures of a directory and of those in it, by name.

    Raises:
        UsageError: there are none.
    """
    named = (path for path in directory.rglob("*") if path.name.endswith(SUFFIXES))
    found = sorted(path for path in named if not path.is_dir())
    if not found:
        known = ", ".join(SUFFIXES)
        raise UsageError(f"no captures in {directory}", hint=f"their names end with {known}")
    return found


def _file(path: Path, max_bytes: int) -> Source:
    try:
        with path.open("rb") as stream:
            return Source(str(path), _limited(stream, str(path), max_bytes))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error


def _limited(stream: IO[bytes], name: str, max_bytes: int) -> bytes:
    data = stream.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise UsageError(f"{name} has more than {max_bytes:,} bytes")
    return data


def fetch(
    address: str, *, timeout: float = 60.0, seconds: int = 0, max_bytes: int = MAX_BYTES
) -> bytes:
    """The body of a pprof endpoint's answer.

    Raises:
        ProbeFailed: see `open_sources`.
    """
    address = _completed(address, seconds)
    deadline = time.monotonic() + timeout + seconds
    try:
        with _opener().open(address, timeout=timeout + seconds) as answer:
            return _body(answer, address, deadline, max_bytes)
    except urllib.error.HTTPError as error:
        with error:
            said = error.read(200).decode("utf-8", "replace").strip()
        raise ProbeFailed(f"{address} answered {error.code}: {said or error.reason}") from error
    except (OSError, HTTPException, ValueError) as error:
        raise ProbeFailed(f"cannot fetch {address}: {error}") from error


def _completed(address: str, seconds: int) -> str:
    parts = urllib.parse.urlsplit(address)
    query = urllib.parse.parse_qsl(parts.query, keep_blank_values=True)
    if seconds:
        query = [pair for pair in query if pair[0] != "seconds"] + [("seconds", str(seconds))]
    path = parts.path if parts.path.strip("/") else _HEAP
    changed = parts._replace(path=path, query=urllib.parse.urlencode(query), fragment="")
    return urllib.parse.urlunsplit(changed)


def _opener() -> urllib.request.OpenerDirector:
    """Speaks http and https only: a redirect to a file or to FTP goes nowhere."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.UnknownHandler(),
    ):
        opener.add_handler(handler)
    return opener


def _body(answer: HTTPResponse, address: str, deadline: float, max_bytes: int) -> bytes:
    out = bytearray()
    while chunk := answer.read1(_CHUNK):
        out += chunk
        if len(out) > max_bytes:
            raise ProbeFailed(f"{address} answered with more than {max_bytes:,} bytes")
        if time.monotonic() > deadline:
            raise ProbeFailed(f"{address} did not finish its answer in time")
    return bytes(out)
