"""SIGKILL after every single journal line: no fault stays, the journal reads, nothing passes."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from chaosmem import evidence, verify
from chaosmem.errors import Exit
from chaosmem.run import finish
from chaosmem.rundir import RunDir, runs
from chaosmem.verify import Verdict
from tests.run.harness import TOKEN, Lab, gone, marked, sample, standing

KILLED = Path(__file__).parent / "killed.py"
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
SIDE_BY_SIDE = 4


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


def _steps(lab: Lab, spec: Path) -> range:
    """Every journal line of a run that nobody kills, but the last: after it all is done."""
    ran = lab.run(spec)
    assert ran.code == Exit.PASS, ran.stdout
    return range(1, len(ran.events()))


def _judged(rundir: RunDir) -> Verdict:
    return verify.verify(evidence.load(rundir))


def _aftermath(lab: Lab, step: int) -> None:
    """What must hold after a kill, before and after the undo."""
    rundir = next(runs(lab.runs))
    assert gone(marked(rundir.run_id)), f"step {step}: the target outlived chaosmem"
    assert _judged(rundir).exit_code in (Exit.INCONCLUSIVE, Exit.UNDO_INCOMPLETE)
    left = [f.error for f in finish.finish(rundir) if f.error]
    assert not left, f"step {step}: {left}"
    assert _judged(rundir).exit_code == Exit.INCONCLUSIVE
    assert finish.finish(rundir) == ()


def test_a_kill_after_any_journal_line_leaves_no_process(lab: Lab) -> None:
    def one(step: int) -> None:
        mine = Lab(lab.base / str(step), lab.binary)
        mine.base.mkdir()
        assert _killed_at(mine, step, mine.spec()) == -signal.SIGKILL
        _aftermath(mine, step)

    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        assert len(list(pool.map(one, _steps(lab, lab.spec())))) > 25


def test_a_kill_after_any_journal_line_leaves_no_fault_in_an_endpoint(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHAOSMEM_AGENT_TOKEN", TOKEN)
    lab.env["CHAOSMEM_AGENT_TOKEN"] = TOKEN

    def one(step: int) -> None:
        mine = Lab(lab.base / str(step), lab.binary, lab.env)
        mine.base.mkdir()
        with standing(lab.binary) as url:
            spec = mine.spec(target={"endpoint": {"url": url}})
            assert _killed_at(mine, step, spec) == -signal.SIGKILL
            _aftermath(mine, step)
            _clean(url)

    with standing(lab.binary) as url:
        steps = _steps(lab, lab.spec(target={"endpoint": {"url": url}}))
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        assert len(list(pool.map(one, steps))) > 25


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
