"""The cluster fails in mid-run: no fault stays, the journal reads, nothing passes unproven."""

from __future__ import annotations

import time

import pytest

from chaosmem.errors import Exit
from tests.cluster.api import Cluster, wait_for
from tests.cluster_run.shop import QUICK, Shop, holding, settled, wait_event

pytestmark = [pytest.mark.cluster, pytest.mark.slow, pytest.mark.timeout(600)]
UNPROVEN = (Exit.INCONCLUSIVE, Exit.UNDO_INCOMPLETE)


def _mended(shop: Shop) -> None:
    """Whatever is left is undone by a sweep, and nothing is left then."""

    def swept() -> bool:
        shop.sweep()
        time.sleep(1)
        return not shop.left()

    wait_for(swept, 60, "swept")
    shop.clean()


def test_the_api_server_is_killed_and_comes_back(fragile: Shop, breakable: Cluster) -> None:
    """By the pod's address faults go on without it: the run may pass, where all is proven."""
    started = fragile.start(fragile.spec(phases=QUICK | {"hold": "12s"}))
    wait_event(fragile, holding)
    with breakable.without("kube-apiserver"):
        time.sleep(3)
    ran = fragile.finish(started)
    assert ran.code in (Exit.PASS, *UNPROVEN), ran.stdout
    assert ran.code != Exit.PASS or ran.outcomes("stress-effect") == ["PASS"]
    _mended(fragile)


def test_through_the_api_server_the_stress_ends_with_it(fragile: Shop, breakable: Cluster) -> None:
    spec = fragile.spec(kubernetes={"transport": "proxy"}, phases=QUICK | {"hold": "12s"})
    started = fragile.start(spec)
    wait_event(fragile, holding)
    with breakable.without("kube-apiserver"):
        time.sleep(6)
    ran = fragile.finish(started)
    assert ran.code in UNPROVEN, ran.stdout
    _mended(fragile)


def test_the_network_between_runner_and_cluster_is_cut(fragile: Shop, breakable: Cluster) -> None:
    started = fragile.start(fragile.spec(phases=QUICK | {"hold": "10s"}))
    wait_event(fragile, holding)
    time.sleep(1)
    with breakable.cut():
        time.sleep(8)
    assert settled(fragile, 10) <= 10
    ran = fragile.finish(started, timeout=240)
    assert ran.code in UNPROVEN, ran.stdout
    _mended(fragile)


def test_a_permission_is_taken_away_in_mid_run(fragile: Shop, breakable: Cluster) -> None:
    bound = breakable.get("rolebindings", "-n", fragile.control)["items"]
    started = fragile.start(fragile.spec())
    wait_event(fragile, holding)
    breakable.kubectl("delete", "rolebindings", "--all", "-n", fragile.control)
    ran = fragile.finish(started)
    assert ran.code == Exit.UNDO_INCOMPLETE, ran.stdout
    assert "helper" in ran.stdout
    for binding in bound:
        binding["metadata"] = {k: binding["metadata"][k] for k in ("name", "namespace")}
    breakable.apply(*bound, namespace=fragile.control)
    _mended(fragile)
