"""SIGKILL after every single journal line: no fault stays, the journal reads, nothing passes."""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from chaosmem.errors import Exit
from tests.run.harness import ENV, TOKEN, Lab, gone, marked, sample, standing

KILLED = Path(__file__).parent / "killed.py"
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
MOST_STEPS = 80


def _killed_at(lab: Lab, step: int, spec: Path) -> int:
    done = subprocess.run(
        [sys.executable, KILLED, str(step), "run", spec, "--runs-dir", lab.runs],
        env=lab.env,
        cwd=lab.base,
        capture_output=True,
        timeout=60,
        check=False,
    )
    return done.returncode


def _aftermath(lab: Lab, step: int) -> None:
    """What must hold after a kill, before and after `chaosmem undo`."""
    run_id = next((lab.runs / "lab").glob("2*")).name
    assert gone(marked(run_id)), f"step {step}: the target outlived chaosmem"
    before = lab.call("verify", run_id, "--runs-dir", lab.runs)
    assert before.code in (Exit.INCONCLUSIVE, Exit.UNDO_INCOMPLETE), before.stdout
    undone = lab.call("undo", run_id, "--runs-dir", lab.runs)
    assert undone.code == Exit.PASS, f"step {step}: {undone.stdout}{undone.stderr}"
    after = lab.call("verify", run_id, "--runs-dir", lab.runs)
    assert after.code == Exit.INCONCLUSIVE, after.stdout
    assert "nothing is left" in lab.call("undo", run_id, "--runs-dir", lab.runs).stdout


def test_a_kill_after_any_journal_line_leaves_no_process(lab: Lab) -> None:
    def one(step: int) -> bool:
        mine = Lab(lab.base / str(step), lab.binary)
        mine.base.mkdir()
        if _killed_at(mine, step, mine.spec()) >= 0:
            return False
        _aftermath(mine, step)
        return True

    with ThreadPoolExecutor(4) as pool:
        killed = list(pool.map(one, range(1, MOST_STEPS)))
    steps = killed.index(False)
    assert steps > 20
    assert not any(killed[steps:])


def test_a_kill_after_any_journal_line_leaves_no_fault_in_an_endpoint(lab: Lab) -> None:
    def one(step: int) -> bool:
        mine = Lab(lab.base / str(step), lab.binary, ENV | {"CHAOSMEM_AGENT_TOKEN": TOKEN})
        mine.base.mkdir()
        with standing(lab.binary) as url:
            spec = mine.spec(target={"endpoint": {"url": url}})
            if _killed_at(mine, step, spec) >= 0:
                return False
            _aftermath(mine, step)
            _clean(url)
        return True

    with ThreadPoolExecutor(4) as pool:
        killed = list(pool.map(one, range(1, MOST_STEPS)))
    steps = killed.index(False)
    assert steps > 20
    assert not any(killed[steps:])


def _clean(url: str) -> None:
    now = sample(url)
    assert now["held"]["heap_bytes"] == 0
    assert now["held"]["goroutines"] == 0
    assert now["metrics"]["/gc/gogc:percent"] == 100
    assert now.get("lease") is None


def test_without_anyone_acting_the_agent_lets_go_by_itself(lab: Lab) -> None:
    lab.env["CHAOSMEM_AGENT_TOKEN"] = TOKEN
    with standing(lab.binary) as url:
        spec = lab.spec(
            target={"endpoint": {"url": url}},
            phases={"baseline": "300ms", "inject": "200ms", "hold": "30s", "recover": "300ms"},
        )
        started = lab.watch(spec)
        while sample(url)["held"]["goroutines"] < 200:
            time.sleep(0.02)
        started.kill()
        killed = time.monotonic()
        started.communicate()
        while sample(url)["held"]["goroutines"] or sample(url)["held"]["heap_bytes"]:
            assert time.monotonic() - killed < 10, "the dead-man did not act within 10 s"
            time.sleep(0.05)
        _clean(url)
