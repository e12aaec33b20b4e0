"""The real Prometheus scrapes runs: one that goes on, those that are over, one that was killed."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from chaosmem.drivers import process
from chaosmem.errors import Exit
from tests.run.harness import Lab, Ran, gone, marked

CONFIG = """
global: {{scrape_interval: 500ms, scrape_timeout: 500ms}}
scrape_configs:
  - {{job_name: chaosmem, static_configs: [{{targets: ['{target}']}}]}}
"""
pytestmark = pytest.mark.timeout(300)
PHASES = {"warmup": "300ms", "baseline": "1s", "inject": "500ms", "hold": "6s", "recover": "1s"}
OLD = Path(__file__).parents[1] / "evidence" / "data" / "old-names"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, healthy: Path) -> Lab:
    """A place with the healthy program."""
    return Lab(tmp_path_factory.mktemp("scrape"), healthy)


@dataclass(frozen=True)
class Server:
    """A Prometheus that scrapes `target`."""

    url: str
    target: str

    def ask(self, query: str) -> list[dict[str, str]]:
        """Labels of the series of an instant query, each with its value as `=`."""
        asked = f"{self.url}/api/v1/query?query={urllib.parse.quote(query)}"
        with urllib.request.urlopen(asked, timeout=10) as answer:
            found = json.load(answer)["data"]["result"]
        return [{**s["metric"], "=": s["value"][1]} for s in found]

    def until(self, query: str, seconds: float = 120) -> list[dict[str, str]]:
        """The answer as soon as there is one."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = self.ask(query)
            if found:
                return found
            time.sleep(0.1)
        msg = f"{query} has no series after {seconds} s"
        raise AssertionError(msg)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """It, on a loopback port."""
    target, place = (f"127.0.0.1:{process.free_port()}" for _ in range(2))
    (tmp_path / "prometheus.yml").write_text(CONFIG.format(target=target))
    started = subprocess.Popen(
        [
            "prometheus",
            f"--config.file={tmp_path}/prometheus.yml",
            f"--storage.tsdb.path={tmp_path}/data",
            f"--web.listen-address={place}",
        ],
        stderr=subprocess.DEVNULL,
    )
    try:
        made = Server(f"http://{place}", target)
        _ready(f"{made.url}/-/ready")
        yield made
    finally:
        started.kill()
        started.wait()


def call(lab: Lab, *args: str | Path) -> Ran:
    """A command to its end, which on a busy machine may be late; nothing of it stays."""
    started = lab.start(*args)
    try:
        out, err = started.communicate(timeout=240)
    finally:
        started.kill()
        started.communicate()
    return Ran(started.returncode, out, err, lab.runs)


def run(lab: Lab, spec: Path, *args: str) -> Ran:
    """`chaosmem run` to its end."""
    return call(lab, "run", spec, "--runs-dir", lab.runs, *args)


def _ready(url: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=2):
            return
        time.sleep(0.1)
    msg = f"{url} never answered"
    raise AssertionError(msg)


@contextlib.contextmanager
def listening(lab: Lab, base: Path, *args: str) -> Iterator[subprocess.Popen[str]]:
    """`chaosmem export metrics --listen`, as soon as it listens; stopped by SIGTERM."""
    started = lab.start("export", "metrics", *args, "--runs-dir", base)
    try:
        assert started.stderr is not None
        first = started.stderr.readline()
        assert "metrics on http://" in first, first
        yield started
        started.send_signal(signal.SIGTERM)
        out, err = started.communicate(timeout=120)
        assert (started.returncode, out) == (Exit.PASS, ""), err
    finally:
        started.kill()
        started.communicate()


def _page(where: str) -> str:
    with urllib.request.urlopen(f"http://{where}/metrics", timeout=30) as answer:
        page: str = answer.read().decode()
    return page


def _eventually(what: Callable[[], bool], seconds: float = 120) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if what():
            return True
        time.sleep(0.05)
    return False


def test_prometheus_sees_a_run_go_on_and_then_its_verdict(lab: Lab, server: Server) -> None:
    done = run(
        lab,
        lab.spec(phases=PHASES, metadata={"name": "scraped"}),
        "--metrics-port",
        server.target,
        "--metrics-linger",
        "40s",
    )
    assert done.code == Exit.PASS, done.stdout + done.stderr
    name = done.rundir.name
    of_run = f'{{experiment="scraped",run="{name}"}}'
    passed = f'chaosmem_run_outcome{{outcome="PASS",run="{name}"}}'
    (outcome,) = server.until(f"last_over_time({passed}[5m])")
    assert outcome["="] == "1"
    assert server.ask(f"max_over_time(chaosmem_run_active{of_run}[5m])")[0]["="] == "1"
    phases = {s["phase"] for s in server.ask(f"max_over_time(chaosmem_phase_active{of_run}[5m])")}
    assert "hold" in phases
    held = server.ask(f"max_over_time(chaosmem_fault_active{of_run}[5m]) == 1")
    assert {s["fault_kind"] for s in held} == {"heap", "goroutines", "runtime"}
    assert server.ask(f"max_over_time(chaosmem_undo_pending{of_run}[5m]) > 0")
    assert server.ask(f"last_over_time(chaosmem_undo_pending{of_run}[5m])")[0]["="] == "0"
    assert server.ask(f"max_over_time(chaosmem_samples_total{of_run}[5m]) > 10")
    findings = server.ask(f"last_over_time(chaosmem_finding_info{of_run}[5m])")
    assert {(s["check"], s["outcome"]) for s in findings} == {
        ("stress-effect", "PASS"),
        ("no-restart", "PASS"),
        ("no-oom", "PASS"),
    }


def test_the_verdict_is_waited_for_no_longer_than_asked(lab: Lab) -> None:
    done = run(lab, lab.spec(), "--metrics-port", "0", "--metrics-linger", "200ms")
    assert done.code == Exit.PASS, done.stderr
    assert re.search(r"metrics on http://127\.0\.0\.1:\d+/metrics", done.stderr)
    assert "waiting for a scrape of the verdict" in done.stderr


def test_a_port_that_is_taken_ends_the_run_before_anything_is_touched(
    lab: Lab, server: Server, tmp_path: Path
) -> None:
    taken = server.url.removeprefix("http://")
    done = call(lab, "run", lab.spec(), "--runs-dir", tmp_path / "none", "--metrics-port", taken)
    assert done.code == Exit.USAGE
    assert f"cannot listen on {taken}" in done.stderr
    assert not (tmp_path / "none").exists()


def test_prometheus_sees_runs_that_are_over(lab: Lab, server: Server, tmp_path: Path) -> None:
    base = tmp_path / "runs"
    shutil.copytree(OLD, base / "old-names")
    with listening(lab, base, "--listen", server.target):
        (seen,) = server.until('chaosmem_run_outcome{outcome="PASS"}')
        assert (seen["experiment"], seen["="]) == ("old-names", "1")
        assert server.ask("chaosmem_finding_value")
        shutil.copytree(next(OLD.iterdir()), base / "old-names" / "20261125T090000Z-000000")
        server.until('chaosmem_run_outcome{run="20261125T090000Z-000000",outcome="PASS"}')


def test_a_run_of_another_process_is_told_as_it_stands_and_after_its_kill(
    lab: Lab, tmp_path: Path
) -> None:
    base, where = tmp_path / "runs", f"127.0.0.1:{process.free_port()}"
    spec = lab.spec(phases=PHASES | {"hold": "60s"}, metadata={"name": "other"})
    other = lab.start("run", spec, "--runs-dir", base, "--progress", "none")
    try:
        assert _eventually(lambda: bool(list(base.glob("other/2*/journal.jsonl"))))
        with listening(lab, base, "--listen", where):
            assert _eventually(lambda: 'phase="hold"' in _page(where))
            page = _page(where)
            assert re.search(r"^chaosmem_run_active\{.*\} 1\.0$", page, re.MULTILINE)
            assert "chaosmem_run_outcome" not in page
            os.kill(other.pid, signal.SIGKILL)
            other.communicate(timeout=60)
            page = _page(where)
            assert re.search(r"^chaosmem_run_active\{.*\} 0\.0$", page, re.MULTILINE)
            assert re.search(r'outcome="INCONCLUSIVE",run=".*"\} 1\.0$', page, re.MULTILINE)
            assert re.search(r"^chaosmem_undo_pending\{.*\} [1-9]", page, re.MULTILINE)
    finally:
        other.kill()
        other.communicate(timeout=60)
    assert gone(marked(next(base.glob("other/2*")).name), 30)


def test_a_directory_that_cannot_be_read_does_not_take_the_others(lab: Lab, tmp_path: Path) -> None:
    base, where = tmp_path / "runs", f"127.0.0.1:{process.free_port()}"
    shutil.copytree(OLD, base / "old-names")
    broken = next(Path(shutil.copytree(OLD, base / "broken")).iterdir())
    (broken / "plan.json").write_text("{}")
    with listening(lab, base, "--listen", where) as started:
        assert 'experiment="old-names"' in _page(where)
        assert started.stderr is not None
        assert "the plan cannot be read" in started.stderr.readline()


def test_a_file_for_node_exporter_is_written_whole(lab: Lab, tmp_path: Path) -> None:
    place = tmp_path / "chaosmem.prom"
    done = call(lab, "export", "metrics", "--runs-dir", OLD.parent, "--out", place)
    assert (done.code, done.stdout) == (Exit.PASS, ""), done.stderr
    assert 'chaosmem_run_active{experiment="old-names"' in place.read_text()


def test_listening_goes_without_a_file(lab: Lab, tmp_path: Path) -> None:
    done = call(lab, "export", "metrics", "--listen", "0", "--out", tmp_path / "x.prom")
    assert done.code == Exit.USAGE
    assert "--listen goes without --out" in done.stderr
