"""The endpoint: where it listens, and that it ends what it has begun."""

from __future__ import annotations

import socket
import urllib.request

import pytest
from prometheus_client.registry import CollectorRegistry

from chaosmem.drivers.exposition import address, serving
from chaosmem.errors import UsageError
from chaosmem.export import facts, finished, text


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("9464", ("127.0.0.1", 9464)),
        (":9464", ("127.0.0.1", 9464)),
        ("0.0.0.0:1", ("0.0.0.0", 1)),  # noqa: S104 - that it can be asked for
        ("[::1]:65535", ("::1", 65535)),
    ],
)
def test_an_address_is_loopback_unless_it_is_named(given: str, meant: tuple[str, int]) -> None:
    assert address(given) == meant


@pytest.mark.parametrize("given", ["", "host", "1.2.3.4:", "65536", "-1", "host:x", "٣"])
def test_what_is_no_address_is_told(given: str) -> None:
    with pytest.raises(UsageError, match=r"is no \[ADDRESS:\]PORT"):
        address(given)


def test_a_port_that_is_taken_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with (
            pytest.raises(UsageError, match=f"cannot listen on 127.0.0.1:{port}"),
            serving(CollectorRegistry(), str(port)),
        ):
            pass


@pytest.mark.parametrize("where", ["0", "[::1]:0"])
def test_who_scrapes_gets_the_format_that_it_asks_for(run: facts.Run, where: str) -> None:
    with serving(text.registry(lambda: [finished.rows(run)]), where) as url:
        with urllib.request.urlopen(url, timeout=10) as answer:
            assert "chaosmem_run_active" in answer.read().decode()
        asked = urllib.request.Request(
            url, headers={"Accept": "application/openmetrics-text; version=1.0.0"}
        )
        with urllib.request.urlopen(asked, timeout=10) as answer:
            assert answer.read().endswith(b"# EOF\n")


def test_a_peer_that_says_nothing_does_not_hold_the_end_up_for_long() -> None:
    with (
        serving(CollectorRegistry(), "0") as url,
        socket.create_connection(("127.0.0.1", int(url.split(":")[2].partition("/")[0]))),
    ):
        urllib.request.urlopen(url, timeout=10).read()
