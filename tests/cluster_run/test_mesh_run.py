"""Whole runs with Chaos Mesh: its real resource and controller, and a stand-in of its daemon."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from chaosmem.errors import Exit
from tests.chaosmesh.conftest import definition
from tests.chaosmesh.standin import StandIn
from tests.cluster.api import Access
from tests.cluster_run.shop import QUICK, Shop, opened

__all__ = ["definition"]

# The first one builds the controller.
pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]
PRESS = {"memory": {"via": "chaos-mesh", "level": "70%", "ramp": "1s"}}


@pytest.fixture
def meshed(cluster: Access, definition: None, tmp_path: Path) -> Iterator[Shop]:
    """A shop of one pod; the object is made beside it, where the controller of the test looks."""
    name = f"meshed-{uuid.uuid4().hex[:8]}"
    with opened(cluster, name, tmp_path, replicas=1, control=name) as found:
        yield found


@pytest.fixture
def mesh(meshed: Shop, tmp_path: Path) -> Iterator[StandIn]:
    """The stand-in, started; what a failed test leaves goes with it, so the namespace can end."""
    mesh = StandIn(meshed.cluster.kubeconfig, meshed.namespace, tmp_path)
    mesh.start()
    yield mesh
    mesh.kill()
    for name in _chaos(meshed):
        nothing = '{"metadata": {"finalizers": null}}'
        meshed.cluster.kubectl("patch", name, "-n", meshed.namespace, "--type=merge", "-p", nothing)


def _chaos(shop: Shop) -> list[str]:
    return shop.cluster.kubectl("get", "stresschaos", "-n", shop.namespace, "-o", "name").split()


def _pressing(shop: Shop) -> Path:
    return shop.spec(faults=[PRESS], checks=["stress-effect", "no-oom", "no-restart"], phases=QUICK)


def test_a_stress_that_is_really_injected_passes_and_is_gone(meshed: Shop, mesh: StandIn) -> None:
    ran = meshed.run(_pressing(meshed))
    assert ran.code == Exit.PASS, ran.stdout + ran.stderr
    assert ran.outcomes("stress-effect") == ["PASS"]
    assert _chaos(meshed) == []
    meshed.clean()


def test_a_daemon_that_says_injected_and_does_nothing_proves_nothing(
    meshed: Shop, mesh: StandIn
) -> None:
    mesh.behave("nothing")
    ran = meshed.run(_pressing(meshed))
    assert ran.code == Exit.INCONCLUSIVE, ran.stdout + ran.stderr
    (found,) = [f for f in ran.verdict["findings"] if f["check"] == "stress-effect"]
    assert found["outcome"] == "INCONCLUSIVE"
    assert "are said to be held, but the working set rose by only" in found["reason"]
    assert [e["readback"]["state"] for e in ran.told("fault.proved")] == ["injected"]
    assert _chaos(meshed) == []
    meshed.clean()


@pytest.mark.slow
def test_a_daemon_that_cannot_inject_is_told_with_its_words(meshed: Shop, mesh: StandIn) -> None:
    mesh.behave("apply-fails")
    ran = meshed.run(_pressing(meshed))
    assert ran.code == Exit.INCONCLUSIVE, ran.stdout + ran.stderr
    assert "told to fail" in str(ran.verdict)
    assert _chaos(meshed) == []
    meshed.clean()


@pytest.mark.slow
def test_a_stuck_stress_is_named_and_swept_once_it_is_unstuck(meshed: Shop, mesh: StandIn) -> None:
    mesh.behave("cancel-fails")
    ran = meshed.run(_pressing(meshed))
    assert ran.code == Exit.UNDO_INCOMPLETE, ran.stdout + ran.stderr
    (name,) = _chaos(meshed)
    assert name.rpartition("/")[2] in ran.stdout
    assert "chaos-mesh/records" in ran.stdout + ran.stderr + str(ran.events())
    still = meshed.sweep()
    assert still.code == Exit.UNDO_INCOMPLETE, still.stdout + still.stderr
    mesh.behave()
    mended = meshed.sweep()
    assert mended.code == Exit.PASS, mended.stdout + mended.stderr
    assert _chaos(meshed) == []
    meshed.clean()
