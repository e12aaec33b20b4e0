"""Whole runs under exactly the rights that the manifests grant, and what a missing one does."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from tests.cluster_doctor.conftest import Granted
from tests.cluster_doctor.looking import doctor
from tests.cluster_run.shop import CHECKS
from tests.manifests.rights import Right, without

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(180)]
SECONDS = 10.0
MEMORY = {"memory": {"via": "helper", "level": "80%", "ramp": "1500ms"}}
GOROUTINES = {"goroutines": {"count": 300}}
ROLLOUT = {"runtime": {"via": "rollout", "gogc": 50, "during": "all"}}
MIX = [{"path": "/healthz", "method": "PUT"}, {"path": "/healthz", "method": "PATCH"}]
RUNS: dict[str, dict[str, Any]] = {
    "by address": {"faults": [MEMORY, GOROUTINES]},
    "by proxy": {"faults": [MEMORY, GOROUTINES], "kubernetes": {"transport": "proxy"}},
    "by port-forward": {
        "faults": [MEMORY, GOROUTINES],
        "kubernetes": {"transport": "port-forward"},
    },
    "load by proxy": {
        "faults": [{"load": {"rate": "5/s", "origin": "runner", "mix": MIX}}],
        "kubernetes": {"transport": "proxy"},
    },
    "load from a pod": {
        "faults": [{"load": {"rate": "5/s", "origin": "cluster", "mix": MIX}}],
    },
    "rollout": {"faults": [ROLLOUT]},
}


@pytest.mark.parametrize("name", RUNS)
def test_no_run_is_refused_anything(granted: Granted, name: str) -> None:
    shop = replace(granted.shop, kubeconfig=granted.kubeconfig)
    spec = shop.spec(name.replace(" ", "-"), checks=CHECKS[1:], **RUNS[name])
    ended = shop.run(spec, timeout=150)
    told = [str(e) for e in ended.events()]
    assert [t for t in told if "may not" in t or "orbidden" in t] == []
    assert "may not" not in ended.stderr
    assert len(ended.told("fault.applied")) == len(RUNS[name]["faults"]), told[-20:]
    assert ended.told("undo.failed") == []
    assert granted.shop.left() == []


@contextmanager
def lacking(granted: Granted, role_name: str, lost: Right) -> Iterator[None]:
    """A right is taken away inside the block."""
    role = next(r for r in granted.roles if r["metadata"]["name"] == role_name)
    granted.apply(without(role, lost))
    try:
        yield
    finally:
        granted.apply(role)


@pytest.mark.parametrize(
    ("transport", "resource", "verb"),
    [
        ("proxy", "pods/proxy", "get"),
        ("port-forward", "pods/portforward", "get"),
        ("port-forward", "pods/portforward", "create"),
    ],
)
def test_a_transport_does_not_work_without_its_right(
    granted: Granted, transport: str, resource: str, verb: str
) -> None:
    spec = granted.shop.spec("reached", kubernetes={"transport": transport})
    lost = Right(granted.shop.namespace, "", resource, verb)
    with lacking(granted, "chaosmem-target", lost):
        deadline = time.monotonic() + SECONDS
        while (said := doctor(spec, granted.kubeconfig)).code == 0:
            assert time.monotonic() < deadline
        assert f"{resource} in {granted.shop.namespace}" in said.problems
        assert "port 8080" in said.problems
