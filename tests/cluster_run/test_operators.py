"""Operators and pods side by side: all hold and pause together, and no lease lapses meanwhile."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from chaosmem import evidence, verify
from chaosmem.errors import Exit
from chaosmem.rundir import control
from tests.cluster.api import wait_for
from tests.cluster_run.shop import Shop, holding, settled, wait_event

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]


def _waiting(shop: Shop, kind: str) -> None:
    """Wait until both pods' trials wait."""
    for lane in ("1", "2"):
        wait_event(shop, _is("wait.begun", kind=kind, trial=f"t01-default.{lane}"))


@contextmanager
def _going_on(shop: Shop) -> Iterator[subprocess.Popen[str]]:
    """A run on both pods; it does not outlive the test."""
    started = shop.start(shop.spec(kubernetes={"mode": "all"}))
    try:
        yield started
    finally:
        started.kill()
        started.communicate()


def _is(event: str, **values: Any) -> Callable[[dict[str, Any]], bool]:
    wanted = {"event": event, **values}
    return lambda entry: all(entry.get(k) == v for k, v in wanted.items())


def test_both_pods_hold_and_pause_together_and_the_run_passes(shop: Shop) -> None:
    with _going_on(shop) as started:
        wait_event(shop, holding)
        control.ask(shop.rundir(), "hold", by="anna")
        _waiting(shop, "hold")
        time.sleep(6)  # twice as long as a lease lives without its heartbeat
        assert [shop.held(pod)["held"]["goroutines"] for pod in shop.pods()] == [300, 300]
        control.ask(shop.rundir(), "pause", by="anna")
        control.ask(shop.rundir(), "release", by="anna")
        _waiting(shop, "pause")
        assert [shop.held(pod)["held"]["goroutines"] for pod in shop.pods()] == [300, 300]
        control.ask(shop.rundir(), "resume", by="anna")
        ran = shop.finish(started)
    assert ran.code == Exit.PASS, ran.stdout
    assert {(e["kind"], e["why"]) for e in ran.told("wait.ended")} == {
        ("hold", "asked"),
        ("pause", "asked"),
    }
    assert len(ran.told("wait.ended")) == 4
    assert [t for t in ran.told("probe.trouble") if t["source"] == "lease"] == []
    shop.clean()


def test_a_run_on_pods_that_is_killed_while_it_is_held_lets_go_and_never_passes(
    shop: Shop,
) -> None:
    with _going_on(shop) as started:
        wait_event(shop, holding)
        control.ask(shop.rundir(), "hold")
        _waiting(shop, "hold")
        started.send_signal(signal.SIGKILL)
        started.communicate()
    assert settled(shop, 20) < 15
    assert verify.verify(evidence.load(shop.rundir())).exit_code == Exit.UNDO_INCOMPLETE
    done = shop.chaosmem("undo", shop.newest() or "")
    assert done.code == Exit.PASS, done.stdout + done.stderr

    def swept() -> bool:
        shop.sweep()
        return shop.left() == []

    wait_for(swept, 60, "the cluster is swept")
    shop.clean()
