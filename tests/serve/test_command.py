"""`chaosmem serve` as a process: its address, its token, its end, and what raw requests get."""

from __future__ import annotations

import http.client
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.history.build import directory, finding
from tests.run.harness import ENV
from tests.serve.conftest import TOKEN
from tests.serve.stage import Staged

pytestmark = pytest.mark.timeout(300)
CODE = "from chaosmem.__main__ import main; main()"


def command(base: Path, *more: str, code: str = CODE) -> list[str]:
    return [sys.executable, "-c", code, "serve", "--runs-dir", str(base), *more]


@contextmanager
def serving(base: Path, *more: str, **env: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The server and the address that it told."""
    known = ENV | {"CHAOSMEM_DB": str(base / "none.db")} | env
    asked = command(base, "--port", "0", *more)
    with subprocess.Popen(asked, stderr=subprocess.PIPE, text=True, env=known) as server:
        try:
            assert server.stderr is not None
            line = server.stderr.readline()
            found = re.search(r"http://[^\s]+", line)
            assert found is not None, line + server.stderr.read()
            yield server, found[0]
        finally:
            server.terminate()


def refused(base: Path, *more: str, code: str = CODE, **env: str) -> tuple[int, str]:
    """Exit code and words of a server that cannot start."""
    asked = command(base, *more, code=code)
    known = ENV | env
    done = subprocess.run(asked, stderr=subprocess.PIPE, text=True, env=known, check=False)
    return done.returncode, done.stderr


def status(address: str, path: str) -> int:
    """What a request gets whose path nobody has tidied."""
    host = address.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=60)
    connection.putrequest("GET", path, skip_host=True)
    connection.putheader("Host", host)
    connection.endheaders()
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_at_once_and_stops_when_told_even_with_a_stream_open(
    base: Path, sign: signal.Signals
) -> None:
    run = Staged(base)
    run.begin()
    with serving(base) as (server, address):
        with urllib.request.urlopen(f"{address}{run.url}/events", timeout=60) as stream:
            assert stream.readline() == b"event: whole\n"
            server.send_signal(sign)
            stream.read()
        assert server.wait(timeout=60) == 0
        assert server.stderr is not None
        assert "Traceback" not in server.stderr.read()


def test_raw_paths_lead_nowhere(base: Path, tmp_path: Path) -> None:
    directory(base, 1, [finding()])
    directory(tmp_path, 2, [finding()], name="secret")
    with serving(base) as (_, address):
        assert status(address, "/") == 200
        for path in (
            "/../secret",
            "/runs/../../secret/x",
            "/runs/../secret",
            "/runs/cart/../../../etc/passwd",
            "/static/../guard.py",
            "//evil.example/",
            "/runs/%2e%2e/secret",
            "/runs/..%2f..%2fsecret/x/report",
        ):
            assert status(address, path) == 404, path


def test_on_loopback_no_token_is_asked_for(base: Path) -> None:
    with serving(base) as (_, address):
        assert address.startswith("http://127.0.0.1:")
        assert status(address, "/") == 200


def test_beyond_loopback_a_token_is_made_and_shown_once(base: Path) -> None:
    with serving(base, "--host", "0.0.0.0") as (server, address):  # noqa: S104
        assert server.stderr is not None
        token = re.search(r"token, shown this once: (\S{43})$", server.stderr.readline().strip())
        assert token is not None
        assert "not encrypted" in server.stderr.readline()
        assert status(address.replace("0.0.0.0", "127.0.0.1"), "/") == 401  # noqa: S104


def test_a_token_from_file_or_environment_is_asked_for_and_not_shown(
    base: Path, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text(TOKEN)
    with serving(base, "--token-file", str(file)) as (server, address):
        assert status(address, "/") == 401
    assert server.stderr is not None
    with serving(base, CHAOSMEM_SERVE_TOKEN=TOKEN) as (_, address):
        assert status(address, "/") == 401
    code, words = refused(base, CHAOSMEM_SERVE_TOKEN="short")
    assert code == 2
    assert "$CHAOSMEM_SERVE_TOKEN has 5 characters" in words
    assert "short" not in words


def test_a_port_that_is_taken_is_said_so(base: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        code, words = refused(base, "--port", port)
    assert code == 2
    assert f"cannot listen at 127.0.0.1:{port}" in words
    assert "choose another with --port" in words


@pytest.mark.parametrize("missing", ["starlette", "uvicorn"])
def test_without_the_web_extra_it_says_how_to_install_it(base: Path, missing: str) -> None:
    code = f"import sys; sys.modules[{missing!r}] = None; {CODE}"
    exit_code, words = refused(base, code=code)
    assert exit_code == 2
    assert f"the web server is not installed: {missing} is missing" in words
    assert "pip install 'chaosmem[serve]'" in words


def test_other_commands_do_not_load_the_web_server() -> None:
    code = (
        "import sys; from chaosmem.cli import app; "
        "sys.exit(any(m in sys.modules for m in ('starlette', 'uvicorn')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_page_of_an_unknown_name_is_refused_over_the_wire(base: Path) -> None:
    with serving(base) as (_, address):
        asked = urllib.request.Request(address, headers={"Host": "evil.example"})
        with pytest.raises(urllib.error.HTTPError) as seen:
            urllib.request.urlopen(asked, timeout=60)
        assert seen.value.code == 421
        seen.value.close()
