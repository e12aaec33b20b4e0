"""SIGKILL after every journal line of a run on pods; then undo from the run directory, or sweep."""

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
from tests.cluster.api import Access, wait_for
from tests.cluster_run.shop import QUICK, Shop, holding, opened, settled, wait_event

KILLED = Path(__file__).parents[1] / "run" / "killed.py"
pytestmark = [pytest.mark.cluster, pytest.mark.slow, pytest.mark.timeout(1200)]
SIDE_BY_SIDE = 6
SHORT = {
    "warmup": "0s",
    "baseline": "600ms",
    "inject": "600ms",
    "hold": "600ms",
    "recover": "600ms",
}
LEASE_SECONDS = 20


def _killed_at(shop: Shop, step: int) -> int:
    spec = shop.spec(phases=SHORT, checks=["stress-effect"])
    done = subprocess.run(
        [
            sys.executable,
            KILLED,
            str(step),
            "run",
            spec,
            "--runs-dir",
            shop.runs,
            "--progress",
            "none",
        ],
        env=shop.env,
        capture_output=True,
        timeout=120,
        check=False,
    )
    return done.returncode


def _steps(shop: Shop) -> int:
    ran = shop.run(shop.spec(phases=SHORT, checks=["stress-effect"]))
    shop.clean()
    return len(ran.events())


def test_a_kill_after_any_journal_line_is_undone_by_undo_or_by_sweep(
    cluster: Access, tmp_path: Path
) -> None:
    """Odd steps are finished from the run directory, even ones from the cluster alone."""
    name = tmp_path.name.replace("_", "-")[-20:].strip("-")

    def one(step: int) -> None:
        with opened(cluster, f"kill-{name}-{step}", tmp_path / str(step), replicas=1) as shop:
            before = shop.template()
            assert _killed_at(shop, step) == -signal.SIGKILL
            seen = evidence.load(shop.rundir())
            codes = (Exit.INCONCLUSIVE, Exit.UNDO_INCOMPLETE)
            assert verify.verify(seen).exit_code in codes
            if step % 2:
                done = shop.chaosmem("undo", shop.newest() or "")
                assert done.code == Exit.PASS, f"step {step}: {done.stdout}{done.stderr}"
            wait_for(lambda: _swept(shop), LEASE_SECONDS + 20, f"step {step}: swept")
            shop.clean()
            assert shop.template() == before

    with opened(cluster, f"kill-{name}-0", tmp_path / "0", replicas=1) as shop:
        steps = _steps(shop)
    assert steps > 25
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        assert len(list(pool.map(one, range(1, steps)))) == steps - 1


def _swept(shop: Shop) -> bool:
    """Sweep until the dead run's lease has surely run out."""
    done = shop.sweep()
    assert done.code == Exit.PASS, done.stdout + done.stderr
    if shop.left():
        time.sleep(2)
    return not shop.left()


def test_without_anyone_acting_every_stress_ends_within_ten_seconds(shop: Shop) -> None:
    started = shop.start(shop.spec(phases=QUICK | {"hold": "60s"}))
    wait_event(shop, holding)
    time.sleep(1)
    assert _pressed(shop), "the helper holds nothing to let go of"
    started.kill()
    killed = time.monotonic()
    started.communicate()
    assert settled(shop, 10) <= 10
    wait_for(lambda: not _pressed(shop), 10 - (time.monotonic() - killed), "the helper let go")
    wait_for(lambda: _swept(shop), LEASE_SECONDS + 20, "swept")
    shop.clean()


def _pressed(shop: Shop) -> bool:
    """Whether a hog runs in any pod of the shop, by the node's own process table."""
    for comm in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = comm.read_bytes().split(b"\0")
            cgroup = (comm.parent / "cgroup").read_text()
        except OSError:
            continue
        uids = [p["metadata"]["uid"] for p in shop.pods()] if b"hog" in words else []
        if any(uid in cgroup for uid in uids):
            return True
    return False


def test_a_live_run_is_never_swept(shop: Shop) -> None:
    started = shop.start(shop.spec())
    wait_event(shop, holding)
    swept = shop.sweep()
    assert "still going on, left alone" in swept.stdout
    assert shop.finish(started).code == Exit.PASS
    shop.clean()
