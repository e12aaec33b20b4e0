"""The manifests on a real API server: enough, and no right too many."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from chaosmem.clock import RunClock
from chaosmem.drivers.kube.connect import Cluster
from chaosmem.run.diagnose import Ailment
from chaosmem.run.diagnose_cluster import Look
from chaosmem.run.diagnose_cluster import granted as looked
from chaosmem.spec.model import Experiment
from tests.cluster_doctor.conftest import Granted
from tests.cluster_doctor.looking import doctor
from tests.manifests.rights import Object, Right, maximal, rights, without

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]
SECONDS = 10.0
"""Until a changed Role is heard of by the authorizer; some ms on an idle machine."""


@pytest.fixture(scope="module")
def everything(granted: Granted) -> Experiment:
    return maximal(granted.shop.namespace, granted.shop.control, "shop-agent")


async def missing(granted: Granted, experiment: Experiment) -> list[Ailment]:
    """The permissions that doctor finds missing."""
    spec = experiment.target.kubernetes
    assert spec is not None
    async with Cluster.open(kubeconfig=granted.kubeconfig) as cluster:
        look = Look(cluster, experiment, spec, RunClock.start())
        return [a for a in await looked(look) if not a.well]


async def settled(granted: Granted, experiment: Experiment, count: int) -> list[Ailment]:
    """The same, once the authorizer has heard of it."""
    deadline = time.monotonic() + SECONDS
    while True:
        found = await missing(granted, experiment)
        if len(found) == count or time.monotonic() > deadline:
            return found
        await asyncio.sleep(0.05)


async def test_they_are_enough_for_everything_at_once(
    granted: Granted, everything: Experiment
) -> None:
    assert await settled(granted, everything, 0) == []


def test_they_pass_a_dry_run_of_the_server(granted: Granted) -> None:
    said = granted.apply(*granted.objects, dry_run="server")
    assert said.count("server dry run") == len(granted.objects)


async def test_each_right_that_is_taken_away_is_named_and_no_other(
    granted: Granted, everything: Experiment
) -> None:
    assert await settled(granted, everything, 0) == []
    wrong = []
    for role in granted.roles:
        for right in rights([role]):
            found = await _dropped(granted, everything, role, right)
            if found != [(_what(right), f"`{right.verb}`")]:
                wrong.append(f"without {right}: {found}")
        granted.apply(role)
    assert wrong == []
    assert await settled(granted, everything, 0) == []


async def _dropped(
    granted: Granted, experiment: Experiment, role: Object, right: Right
) -> list[tuple[str, str]]:
    granted.apply(without(role, right))
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        found = await missing(granted, experiment)
        said = [(a.what, a.found.split()[0]) for a in found]
        if said == [(_what(right), f"`{right.verb}`")]:
            break
        await asyncio.sleep(0.05)
    assert all(right.verb in a.mend and a.mend for a in found)
    return said


def _what(right: Right) -> str:
    resource, slash, sub = right.resource.partition("/")
    what = f"{resource}.{right.group}" if right.group else resource
    what += slash + sub
    name = right.namespace if right.resource == "namespaces" else right.name
    return f"{what}{f' {name}' if name else ''} in {right.namespace or 'the cluster'}"


FAULTS = {
    "helper": [{"memory": {"via": "helper", "level": "80%", "ramp": "1500ms"}}],
    "agent": [{"goroutines": {"count": 300}}],
    "rollout": [{"runtime": {"via": "rollout", "gogc": 50, "during": "all"}}],
}


@pytest.mark.parametrize("transport", ["auto", "proxy", "port-forward"])
@pytest.mark.parametrize("kind", FAULTS)
def test_doctor_finds_all_well_under_exactly_these_rights(
    granted: Granted, transport: str, kind: str
) -> None:
    kubernetes = {"transport": transport}
    spec = granted.shop.spec(f"{kind}-{transport}", faults=FAULTS[kind], kubernetes=kubernetes)
    said = doctor(spec, granted.kubeconfig)
    assert said.problems == [], said.stderr
    assert said.code == 0
    assert {f["well"] for f in said.of("permissions")} == {True}
    user = f"system:serviceaccount:{granted.shop.control}:chaosmem"
    assert user in said.one("we are")["found"]


def test_a_right_that_is_needed_makes_doctor_fail(granted: Granted, tmp_path: Path) -> None:
    role = next(r for r in granted.roles if r["metadata"]["name"] == "chaosmem-control")
    lost = Right(granted.shop.control, "", "configmaps", "patch")
    granted.apply(without(role, lost))
    try:
        spec = granted.shop.spec("lacking", faults=FAULTS["agent"])
        deadline = time.monotonic() + SECONDS
        while not (said := doctor(spec, granted.kubeconfig)).problems:
            assert time.monotonic() < deadline
        assert said.problems == [f"configmaps in {granted.shop.control}"]
        assert said.code == 3
    finally:
        granted.apply(role)
