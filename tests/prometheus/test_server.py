"""On a real Prometheus: faults on the demo, alerts that fire, answers kept, verdicts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from chaosmem.drivers.prometheus import PrometheusClient
from chaosmem.errors import ProbeFailed, TargetError
from chaosmem.spec.prometheus import Prometheus
from tests.prometheus.conftest import HERE, TOKEN, Scene

pytestmark = pytest.mark.timeout(300)  # whole runs, on a machine that may be busy
CHECKS = [
    {"promql": {"name": "seen", "query": "go_goroutines", "atLeast": 250}},
    {"promql": {"name": "too-many", "query": "go_goroutines", "atMost": 100}},
    {"promql": {"name": "nothing", "query": "no_such_metric", "atMost": 100}},
    {"promql": {"name": "coarse", "query": "go_goroutines", "atLeast": 1, "samples": 500}},
    {"promql": {"name": "several", "query": "go_gc_duration_seconds", "atLeast": 0}},
    {
        "promql": {
            "name": "together",
            "query": "go_gc_duration_seconds",
            "atLeast": 0,
            "aggregate": "max",
        }
    },
    {"alert": {"name": "fires", "alert": "ManyGoroutines", "firesWithin": "4s"}},
    {"alert": {"name": "silent", "alert": "Impossible", "firesWithin": "2s"}},
    {"alert": {"name": "unknown", "alert": "NoSuchAlert", "firesWithin": "2s"}},
]
EXPECTED = {
    "seen": ("PASS", "a sample every"),
    "too-many": ("FAIL", "expected at most 100"),
    "nothing": ("INCONCLUSIVE", "no series"),
    "coarse": ("INCONCLUSIVE", "too coarsely"),
    "several": ("INCONCLUSIVE", "gave 5 series"),
    "together": ("PASS", "max"),
    "fires": ("PASS", "fired"),
    "silent": ("FAIL", "never fired"),
    "unknown": ("INCONCLUSIVE", "no rule named"),
}


def _written(base: Path, scene: Scene, checks: list[Any], more: Mapping[str, Any]) -> Path:
    for check in checks:
        if "alert" in check:
            check["alert"].setdefault("resolvesWithin", "4s")
    spec: dict[str, Any] = {
        "apiVersion": "chaosmem/v1",
        "kind": "Experiment",
        "metadata": {"name": "prom"},
        "target": {"endpoint": {"url": scene.demo}},
        "phases": {"baseline": "2s", "inject": "1s", "hold": "5s", "recover": "5s"},
        "faults": [{"goroutines": {"count": 300}}],
        "prometheus": {"url": scene.prometheus, "step": "200ms"},
        "checks": checks,
    }
    path = base / "spec.yaml"
    path.write_text(json.dumps(spec | dict(more)))
    return path


def started(base: Path, scene: Scene, checks: list[Any], **more: Any) -> subprocess.Popen[str]:
    """`chaosmem run` on the demo, begun."""
    spec = _written(base, scene, checks, more)
    return subprocess.Popen(
        [sys.executable, "-m", "chaosmem", "run", spec, "--runs-dir", base / "runs"],
        env=os.environ | {"CHAOSMEM_AGENT_TOKEN": TOKEN},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(base: Path, scene: Scene, checks: list[Any], **more: Any) -> dict[str, Any]:
    """`chaosmem run` on the demo, to its end: its directory, output and exit code."""
    spec = _written(base, scene, checks, more)
    ran = subprocess.run(
        [sys.executable, "-m", "chaosmem", "run", spec, "--runs-dir", base / "runs"],
        env=os.environ | {"CHAOSMEM_AGENT_TOKEN": TOKEN},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    found = sorted((base / "runs" / "prom").glob("2*"))
    assert found, ran.stderr
    return {"dir": found[-1], "out": ran.stdout + ran.stderr, "code": ran.returncode}


def passed(said: Mapping[str, Any]) -> bool:
    """Whether the check itself was content: on a busy machine the fault may not be proven."""
    return said["outcome"] == "PASS" or "the check would have passed" in said["reason"]


def finding(ran: Mapping[str, Any], name: str) -> dict[str, Any]:
    """What the check of that name says."""
    return _findings(ran)[name]


@pytest.fixture(scope="module")
def ran(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return run(tmp_path_factory.mktemp("run"), scene, CHECKS)


def _findings(ran: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    verdict = json.loads((ran["dir"] / "verdict.json").read_bytes())
    return {f["name"]: f for f in verdict["findings"]}


@pytest.mark.parametrize("name", EXPECTED)
def test_each_question_has_its_answer(name: str, ran: dict[str, Any]) -> None:
    outcome, words = EXPECTED[name]
    said = _findings(ran)[name]
    assert (said["outcome"], words in said["reason"]) == (outcome, True), said["reason"]


def test_the_verdict_is_recomputed_without_prometheus(ran: dict[str, Any]) -> None:
    command = [sys.executable, "-m", "chaosmem", "verify", ran["dir"], "--format", "json"]
    again = subprocess.run(command, capture_output=True, check=False)
    assert again.stdout == (ran["dir"] / "verdict.json").read_bytes()


def test_the_query_and_the_raw_answer_are_kept(ran: dict[str, Any]) -> None:
    kept = json.loads(next((ran["dir"] / "prometheus").glob("*-seen.json")).read_bytes())
    assert kept["resolved"] == "go_goroutines"
    assert len(kept["answer"][0]["values"]) >= 20
    assert len(kept["raw"]["go_goroutines"][0]["values"]) >= 20


def test_a_guard_aborts_therun(scene: Scene, tmp_path: Path) -> None:
    guard = {"promql": {"query": "go_goroutines", "atMost": 150, "every": "300ms"}}
    ran = run(tmp_path, scene, ["no-restart"], guards=[guard])
    assert ran["code"] == 4, ran["out"]
    assert "guard promql: `go_goroutines` is 3" in (ran["dir"] / "journal.jsonl").read_text()


async def test_a_malformed_query_is_refused_with_prometheus_own_words(scene: Scene) -> None:
    async with PrometheusClient(Prometheus(url=scene.prometheus)) as client:
        with pytest.raises(ProbeFailed, match="parse error"):
            await client.instant("sum(")


async def test_nobody_there_is_an_error_and_not_silence() -> None:
    async with PrometheusClient(Prometheus(url="http://127.0.0.1:1", timeout=1)) as client:
        with pytest.raises(ProbeFailed, match="ConnectionError"):
            await client.instant("up")


def test_a_secret_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_SUCH_TOKEN", raising=False)
    with pytest.raises(TargetError, match="NO_SUCH_TOKEN is not set"):
        PrometheusClient(Prometheus(url="http://h:9090", bearer_env="NO_SUCH_TOKEN"))


def test_the_rules_hold_what_they_promise() -> None:
    rules = HERE.parents[1] / "manifests" / "prometheus" / "rules.yaml"
    subprocess.run(["promtool", "check", "rules", rules], check=True, capture_output=True)
    tested = ["promtool", "test", "rules", str(HERE / "rules_test.yaml")]
    done = subprocess.run(tested, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
