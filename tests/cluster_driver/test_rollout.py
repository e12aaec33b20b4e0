"""A rollout on a real workload: followed to its end, and given back byte for byte."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from chaosmem.drivers.kube import objects, rollout
from chaosmem.drivers.kube.connect import Cluster
from chaosmem.drivers.kube.envpatch import EnvUndo
from chaosmem.drivers.kube.kinds import DEPLOYMENT, REPLICA_SET, Ref
from chaosmem.errors import UndoIncomplete
from tests.cluster import api, workloads

pytestmark = pytest.mark.cluster
HASH = "pod-template-hash"


@pytest.fixture
async def demo(cluster: api.Access, kube: Cluster, namespace: str) -> Ref:
    """A Deployment of one demo, with a GODEBUG from a ConfigMap."""
    body = workloads.demo("demo", replicas=1)
    debug = {"name": "GODEBUG", "valueFrom": {"configMapKeyRef": {"name": "app", "key": "debug"}}}
    body["spec"]["template"]["spec"]["containers"][0]["env"] = [debug, {"name": "A", "value": ""}]
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "app"}}
    config |= {"data": {"debug": "gctrace=1"}}
    await asyncio.to_thread(cluster.apply, config, body, namespace=namespace)
    ref = Ref(kind=DEPLOYMENT, namespace=namespace, name="demo")
    await rollout.follow(kube, ref, within=60)
    return ref


async def _template(kube: Cluster, ref: Ref) -> dict[str, Any]:
    body = await objects.read(kube, DEPLOYMENT, ref.namespace, ref.name)
    template: dict[str, Any] = body["spec"]["template"]
    return template


async def _hashes(kube: Cluster, ref: Ref) -> set[str]:
    sets = await objects.listed(kube, REPLICA_SET, ref.namespace)
    return {s["metadata"]["labels"][HASH] for s in sets if s["spec"]["replicas"]}


async def test_a_change_is_given_back_byte_for_byte(kube: Cluster, demo: Ref) -> None:
    before, hashes = await _template(kube, demo), await _hashes(kube, demo)
    planned = await rollout.plan_change(kube, demo, "demo", {"GODEBUG": "madvdontneed=0"})
    undo = EnvUndo.model_validate_json(planned.model_dump_json())
    await rollout.apply_change(kube, undo)
    await rollout.follow(kube, demo, within=60)
    env = (await _template(kube, demo))["spec"]["containers"][0]["env"]
    assert env[0] == {"name": "GODEBUG", "value": "gctrace=1,madvdontneed=0"}
    assert await _hashes(kube, demo) != hashes
    await rollout.revert(kube, undo, within=60)
    assert await _template(kube, demo) == before
    assert await _hashes(kube, demo) == hashes, "the former ReplicaSet is used again"
    await rollout.revert(kube, undo, within=60)


async def test_a_dry_run_changes_nothing(kube: Cluster, demo: Ref) -> None:
    before = await _template(kube, demo)
    undo = await rollout.plan_change(kube, demo, "demo", {"GOGC": "50"})
    await rollout.apply_change(kube, undo, dry_run=True)
    assert await _template(kube, demo) == before


async def test_what_somebody_else_changed_is_not_overwritten_but_named(
    kube: Cluster, cluster: api.Access, demo: Ref
) -> None:
    undo = await rollout.plan_change(kube, demo, "demo", {"GOGC": "50"})
    await rollout.apply_change(kube, undo)
    cluster.kubectl("set", "env", "deployment/demo", "-n", demo.namespace, "GOGC=75")
    with pytest.raises(UndoIncomplete, match="GOGC of container demo was changed by somebody"):
        await rollout.revert(kube, undo, within=60)
    env = (await _template(kube, demo))["spec"]["containers"][0]["env"]
    assert {"name": "GOGC", "value": "75"} in env


async def test_what_somebody_else_changed_beside_it_stays(
    kube: Cluster, cluster: api.Access, demo: Ref
) -> None:
    undo = await rollout.plan_change(kube, demo, "demo", {"GOGC": "50"})
    await rollout.apply_change(kube, undo)
    cluster.kubectl("set", "env", "deployment/demo", "-n", demo.namespace, "B=2")
    await rollout.revert(kube, undo, within=60)
    env = (await _template(kube, demo))["spec"]["containers"][0]["env"]
    assert [e["name"] for e in env] == ["GODEBUG", "A", "B"]


async def test_a_workload_that_is_gone_is_given_back(kube: Cluster, demo: Ref) -> None:
    undo = await rollout.plan_change(kube, demo, "demo", {"GOGC": "50"})
    await rollout.apply_change(kube, undo)
    assert (await objects.delete_and_confirm(kube, demo, within=20)).gone
    await rollout.revert(kube, undo, within=20)
