"""A real PostgreSQL server of our own: Debian's, own data directory, a socket and no port."""

from __future__ import annotations

import fcntl
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

_WAIT = 60.0


@contextmanager
def running() -> Iterator[str]:
    """The server's URL without a database; stopped by its pid afterwards."""
    programs = _programs()
    place = Path(tempfile.mkdtemp(prefix="chaosmem-pg-", dir="/tmp"))
    user = _user(place)
    data = place / "data"
    words = ["-A", "trust", "-U", "chaosmem", "--no-sync", "-E", "UTF8"]
    init = [str(programs / "initdb"), "-D", str(data), *words]
    subprocess.run(init, check=True, stdout=subprocess.DEVNULL, user=user, cwd=place)
    with (place / "log").open("wb") as log:
        server = subprocess.Popen(
            [programs / "postgres", "-D", data, "-k", place, "-c", "listen_addresses=",
             "-c", "fsync=off", "-c", "max_connections=60"],
            user=user, cwd=place, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        _wait(place, server)
        yield f"postgresql://chaosmem@/{{}}?host={place}"
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(30)
        shutil.rmtree(place)


def _user(place: Path) -> str | None:
    """The server refuses to run as root."""
    if os.getuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    user = "postgres" if "postgres" in names else "nobody"
    shutil.chown(place, user)
    return user


def _programs() -> Path:
    """Where initdb is; Debian's package is installed where it is missing."""
    found = _installed()
    if found is None:
        with Path(tempfile.gettempdir(), "chaosmem-apt.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if _installed() is None:
                _install()
        found = _installed()
    assert found is not None, "no PostgreSQL, and Debian's package could not be installed"
    return found


def _installed() -> Path | None:
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    elsewhere = shutil.which("initdb")
    return debian[-1].parent if debian else Path(elsewhere).parent if elsewhere else None


def _install() -> None:
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-qq", "-y", "postgresql"],
    ):
        subprocess.run(command, check=True, env=env, stdout=subprocess.DEVNULL)


def _wait(place: Path, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _WAIT
    while True:
        try:
            psycopg.connect(f"host={place} user=chaosmem dbname=postgres").close()
        except psycopg.OperationalError:
            assert server.poll() is None, (place / "log").read_text()
            assert time.monotonic() < deadline, (place / "log").read_text()
            time.sleep(0.05)
        else:
            return
