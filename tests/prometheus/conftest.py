"""A real Prometheus on a loopback port, scraping the real demo service five times a second."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from chaosmem.drivers import gotool, process
from tests.prometheus.exporter import Exporter, exporter

TOKEN = "a-token-of-the-tests-only"
HERE = Path(__file__).parent
GO = HERE.parents[1] / "chaosmem" / "go"
CONFIG = """
global: {{scrape_interval: 200ms, scrape_timeout: 200ms, evaluation_interval: 500ms}}
rule_files: [rules.yaml]
scrape_configs:
  - {{job_name: demo, static_configs: [{{targets: ['{demo}']}}]}}
  - {{job_name: dying, static_configs: [{{targets: ['{dying}']}}]}}
  - job_name: coarse
    scrape_interval: 4s
    metric_relabel_configs:
      - source_labels: [__name__]
        regex: test_value
        target_label: __name__
        replacement: coarse_value
    static_configs: [{{targets: ['{coarse}']}}]
"""
RULES = """
groups:
  - name: test
    interval: 500ms
    rules:
      - {alert: ManyGoroutines, expr: go_goroutines > 150, for: 500ms}
      - {alert: Impossible, expr: go_goroutines > 1000000}
"""


@dataclass(frozen=True)
class Scene:
    """Where the two are, and an exporter beside them that can be switched off."""

    prometheus: str
    demo: str
    dying: Exporter


def _wait(url: str, until: float = 30.0) -> None:
    deadline = time.monotonic() + until
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=1):
            return
        time.sleep(0.05)
    msg = f"{url} never answered"
    raise AssertionError(msg)


def wait(address: str, seconds: float = 30.0) -> None:
    """Until something listens at `HOST:PORT`, whatever it answers."""
    host, _, port = address.partition(":")
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection((host, int(port)), 1):
            return
        time.sleep(0.05)
    msg = f"nothing listens at {address}"
    raise AssertionError(msg)


def ask(url: str, query: str) -> list[dict[str, Any]]:
    """The result of an instant query."""
    with urllib.request.urlopen(f"{url}/api/v1/query?query={query}", timeout=5) as answer:
        found: list[dict[str, Any]] = json.load(answer)["data"]["result"]
        return found


@pytest.fixture(scope="session")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Both, running; ended by their processes."""
    with exporter() as dying, exporter() as coarse:
        yield from _scene(tmp_path_factory, dying, coarse)


def _scene(
    tmp_path_factory: pytest.TempPathFactory, dying: Exporter, coarse: Exporter
) -> Iterator[Scene]:
    base = tmp_path_factory.mktemp("prometheus")
    env = os.environ | {"GOPROXY": "off", "GOTOOLCHAIN": "local"}
    subprocess.run(
        [gotool.find().program, "build", "-buildvcs=false", "-o", f"{base}/demo", "./demo"],
        cwd=GO,
        check=True,
        env=env,
    )
    demo, port = (f"127.0.0.1:{process.free_port()}" for _ in range(2))
    (base / "prometheus.yml").write_text(
        CONFIG.format(demo=demo, dying=dying.address, coarse=coarse.address)
    )
    (base / "rules.yaml").write_text(RULES)
    server = ["prometheus", f"--config.file={base}/prometheus.yml", f"--web.listen-address={port}"]
    started = [
        subprocess.Popen(
            [base / "demo", "-addr", demo],
            env=os.environ | {"CHAOSMEM_AGENT_TOKEN": TOKEN},
            stderr=subprocess.DEVNULL,
        ),
        subprocess.Popen([*server, f"--storage.tsdb.path={base}/data"], stderr=subprocess.DEVNULL),
    ]
    try:
        _wait(f"http://{demo}/healthz")
        _wait(f"http://{port}/-/ready")
        deadline = time.monotonic() + 20
        while not ask(f"http://{port}", "rate(go_goroutines[5s])") and time.monotonic() < deadline:
            time.sleep(0.1)
        yield Scene(f"http://{port}", f"http://{demo}", dying)
    finally:
        for one in started:
            one.kill()
            one.wait()
