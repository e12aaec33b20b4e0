"""Objects of a real API server: made once, removed for sure, refused with words that help."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Any

import pytest

from chaosmem.drivers.kube import leases, objects
from chaosmem.drivers.kube.access import Access, may
from chaosmem.drivers.kube.connect import Cluster
from chaosmem.drivers.kube.kinds import CONFIG_MAP, LEASE, POD, RUN_LABEL, Ref
from chaosmem.drivers.kube.skew import Skew, measure_skew
from chaosmem.errors import (
    AdmissionRefused,
    ClusterConflict,
    ClusterForbidden,
    ClusterNotFound,
    ClusterUnreachable,
    LeaseHeld,
    UsageError,
)
from tests.cluster import api
from tests.cluster_driver.objects import account, teller_pod

pytestmark = pytest.mark.cluster
NOW = Skew(0, 0.5)


def _map(namespace: str, run: str = "r1", **more: Any) -> dict[str, Any]:
    meta = {"name": "record", "namespace": namespace, "labels": {RUN_LABEL: run}, **more}
    return {"metadata": meta, "data": {"a": "1"}}


async def test_we_know_who_and_where_we_are_and_show_no_secret(kube: Cluster) -> None:
    identity, version = await kube.identity(), await kube.version()
    assert "system:masters" in identity.groups
    assert version.major == 1
    assert repr(kube) == f"Cluster({kube.server}, context {kube.context_name})"
    left = list(Path(tempfile.gettempdir()).glob("chaosmem-kube-*/*"))
    assert not left, "no key is left in a file"


async def test_one_asked_for_twice_is_made_once(kube: Cluster, namespace: str) -> None:
    first = await objects.create(kube, CONFIG_MAP, _map(namespace))
    again = await objects.create(kube, CONFIG_MAP, _map(namespace))
    assert again["metadata"]["uid"] == first["metadata"]["uid"]
    with pytest.raises(ClusterConflict, match="it belongs to run r1"):
        await objects.create(kube, CONFIG_MAP, _map(namespace, "r2"))


async def test_a_dry_run_makes_nothing(kube: Cluster, namespace: str) -> None:
    await objects.create(kube, CONFIG_MAP, _map(namespace), dry_run=True)
    with pytest.raises(ClusterNotFound, match="record"):
        await objects.read(kube, CONFIG_MAP, namespace, "record")


async def test_changes_from_two_sides_are_both_kept(kube: Cluster, namespace: str) -> None:
    await objects.create(kube, CONFIG_MAP, _map(namespace))

    def adding(key: str) -> objects.Change:
        return lambda body: body | {"data": body["data"] | {key: "x"}}

    keys = [f"k{i}" for i in range(5)]
    changes = (objects.update(kube, CONFIG_MAP, namespace, "record", adding(k)) for k in keys)
    await asyncio.gather(*changes)
    there = await objects.read(kube, CONFIG_MAP, namespace, "record")
    assert set(there["data"]) == {"a", *keys}


async def test_what_a_finalizer_holds_is_not_gone_and_it_is_named(
    kube: Cluster, namespace: str
) -> None:
    body = _map(namespace, finalizers=["example.com/stuck"])
    ref = Ref.to(CONFIG_MAP, await objects.create(kube, CONFIG_MAP, body))
    held = await objects.delete_and_confirm(kube, ref, within=0.5)
    assert (held.gone, held.finalizers) == (False, ("example.com/stuck",))
    assert "held by the finalizer example.com/stuck" in held.why
    await objects.merge_patch(kube, ref, {"metadata": {"finalizers": None}})
    assert (await objects.delete_and_confirm(kube, ref, within=5)).gone


async def test_a_later_object_of_the_same_name_is_left_alone(kube: Cluster, namespace: str) -> None:
    old = Ref.to(CONFIG_MAP, await objects.create(kube, CONFIG_MAP, _map(namespace)))
    assert (await objects.delete_and_confirm(kube, old, within=5)).gone
    await objects.create(kube, CONFIG_MAP, _map(namespace))
    assert (await objects.delete_and_confirm(kube, old, within=5)).gone
    await objects.read(kube, CONFIG_MAP, namespace, "record")


async def test_only_one_of_many_gets_a_lease(kube: Cluster, namespace: str) -> None:
    claims = [leases.Claim(namespace, "cart", f"run {i}", ttl=30) for i in range(6)]
    tries = (leases.acquire(kube, claim, NOW) for claim in claims)
    got = await asyncio.gather(*tries, return_exceptions=True)
    held = [g for g in got if isinstance(g, leases.Held)]
    refused = [g for g in got if isinstance(g, LeaseHeld)]
    assert (len(held), len(refused)) == (1, 5)
    assert {r.holder for r in refused} == {held[0].state.holder}
    await held[0].renew()
    await held[0].release()
    await held[0].release()
    with pytest.raises(ClusterNotFound):
        await leases.read_lease(kube, namespace, "cart")


async def test_a_lease_that_ran_out_is_taken_over_and_its_old_holder_told(
    kube: Cluster, namespace: str
) -> None:
    skew = await measure_skew(kube)
    old = await leases.acquire(kube, leases.Claim(namespace, "cart", "old", ttl=1), skew)
    new = leases.Claim(namespace, "cart", "new", ttl=30)
    with pytest.raises(LeaseHeld, match="is held by old until 1 s after"):
        await leases.acquire(kube, new, skew)
    await asyncio.sleep(1 + skew.uncertainty + 1.2)
    await leases.acquire(kube, new, skew)
    with pytest.raises(LeaseHeld) as caught:
        await old.renew()
    assert caught.value.holder == "new"
    await old.release()
    assert (await leases.read_lease(kube, namespace, "cart")).holder == "new"


async def test_the_skew_of_one_machine_with_itself_is_within_its_bound(kube: Cluster) -> None:
    skew = await measure_skew(kube)
    assert abs(skew.offset) <= skew.uncertainty
    assert skew.uncertainty < 0.5


async def test_a_narrow_role_says_what_is_missing(
    cluster: api.Access, namespace: str, tmp_path: Path
) -> None:
    pods = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}
    cluster.apply(*account(pods), namespace=namespace)
    path = cluster.account(tmp_path / "narrow", namespace, "narrow")
    asked = [Access.to("get", POD, namespace), Access.to("create", POD, namespace, "portforward")]
    async with Cluster.open(kubeconfig=path) as narrow:
        user = f"system:serviceaccount:{namespace}:narrow"
        assert (await narrow.identity()).user == user
        assert [p.allowed for p in await may(narrow, asked)] == [True, False]
        missing = f"{user} may not list pods in namespace {namespace}"
        with pytest.raises(ClusterForbidden, match=missing):
            await objects.listed(narrow, POD, namespace)
        missing = f"may not get leases.coordination.k8s.io in namespace {namespace}"
        with pytest.raises(ClusterForbidden, match=missing):
            await objects.read(narrow, LEASE, namespace, "x")


async def test_what_pod_security_refuses_is_no_missing_permission(
    kube: Cluster, cluster: api.Access, namespace: str
) -> None:
    cluster.kubectl(
        "label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted"
    )
    body = teller_pod()
    body["metadata"]["namespace"] = namespace
    body["spec"]["hostPID"] = True
    with pytest.raises(AdmissionRefused, match="violates PodSecurity") as caught:
        await objects.create(kube, POD, body, dry_run=True)
    assert "enforce=privileged" in caught.value.hint


async def test_a_context_that_is_not_there_is_named(cluster: api.Access) -> None:
    with pytest.raises(UsageError, match="name nowhere"):
        async with Cluster.open("nowhere", cluster.kubeconfig):
            pass


async def test_a_server_that_is_not_there_is_said_within_its_patience(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(
        "{apiVersion: v1, kind: Config, current-context: c,"
        " clusters: [{name: k, cluster: {server: 'http://127.0.0.1:9'}}], users: [],"
        " contexts: [{name: c, context: {cluster: k}}]}"
    )
    async with Cluster.open(kubeconfig=path) as nowhere:
        with pytest.raises(
            ClusterUnreachable, match=r"no answer from http://127\.0\.0\.1:9: cannot"
        ):
            async with asyncio.timeout(30):
                await nowhere.version()
