"""Injection: real API server, real resource, real controller; a stand-in of the daemon."""

from __future__ import annotations

import asyncio

import pytest

from chaosmem.drivers.kube import stresschaos
from chaosmem.drivers.kube.skew import measure_skew
from chaosmem.drivers.kube.stresschaos import MIB
from chaosmem.errors import ClusterNotFound, FaultRefused, TargetGone
from chaosmem.spec.faults import MemoryFault
from tests.chaosmesh.bench import HALF, LIMIT, Bench
from tests.cluster.api import Access

# The first one builds the controller.
pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]


async def test_the_container_is_brought_to_the_level_and_back(bench: Bench) -> None:
    before = bench.used
    fault = bench.fault()

    ack = await fault.apply()
    await bench.holds(LIMIT / 2)
    said = await fault.prove()
    done = await fault.undo()

    assert bench.promises == ["chaosmem-stress"]
    assert ack.said["size_bytes"] == (LIMIT // 2 - before) // MIB * MIB
    assert said["state"] == "injected"
    assert said["injected_count"] == 1
    assert done.said["rung"] == "deleted"
    assert await bench.chaos() is None
    await bench.holds(before)


async def test_the_acknowledgement_is_dated_within_what_was_seen(bench: Bench) -> None:
    skew = await measure_skew(bench.cluster)
    fault = bench.fault(skew=skew)
    begin = fault._clock.now()

    ack = await fault.apply()

    assert begin <= ack.t - ack.u
    assert ack.t + ack.u <= fault._clock.now()
    assert ack.u < 0.5


async def test_a_ramp_reaches_the_stressor_through_its_options(bench: Bench) -> None:
    await bench.fault(ramp=4.0).apply()

    early = bench.used
    await bench.holds(LIMIT / 2)

    assert early < LIMIT / 4


async def test_injected_in_status_and_nothing_in_memory_is_what_the_stand_in_can_show(
    bench: Bench,
) -> None:
    bench.mesh.behave("nothing")
    before = bench.used
    fault = bench.fault()

    await fault.apply()
    await asyncio.sleep(1)

    assert (await fault.prove())["state"] == "injected"
    assert bench.used < before + MIB
    assert (await fault.undo()).said["rung"] == "deleted"


async def test_without_workers_the_real_controller_says_injected_and_we_say_in_name_only(
    cluster: Access, bench: Bench
) -> None:
    body = stresschaos.body(bench.order())
    body["spec"]["stressors"]["memory"]["workers"] = 0
    body |= {"apiVersion": "chaos-mesh.org/v1alpha1", "kind": "StressChaos"}

    cluster.apply(body, namespace=bench.pod.namespace)

    chaos = await bench.becomes("injected in name only")
    assert chaos.records[0].phase == "Injected"


async def test_a_selector_that_matches_nothing_is_told_by_waiting(bench: Bench) -> None:
    await stresschaos.create(bench.cluster, bench.order(pod="nobody"))

    chaos = await bench.becomes("selecting")
    await asyncio.sleep(1)

    assert (await bench.becomes("selecting")).after_waiting() == "matched nothing"
    assert chaos.finalizers == ("chaos-mesh/records",)


async def test_a_daemon_that_cannot_inject_is_refused_with_its_words(bench: Bench) -> None:
    bench.mesh.behave("apply-fails")
    fault = bench.fault(inject_within=2.0)

    with pytest.raises(FaultRefused, match=r"injection failing: .*told to fail"):
        await fault.apply()

    assert (await fault.undo()).said["rung"] == "deleted"
    assert await bench.chaos() is None


async def test_without_a_controller_nothing_is_injected_and_nothing_is_left(bench: Bench) -> None:
    bench.mesh.kill()
    fault = bench.fault(inject_within=1.0)

    with pytest.raises(FaultRefused, match="not injected but no controller"):
        await fault.apply()

    assert (await fault.undo()).said["rung"] == "deleted"
    assert await bench.chaos() is None


async def test_another_stress_on_the_pod_is_refused_before_anything_is_promised(
    bench: Bench,
) -> None:
    await stresschaos.create(bench.cluster, bench.order(name="somebody", run_id="other"))

    with pytest.raises(FaultRefused, match=r"another StressChaos is on pod .*/somebody"):
        await bench.fault().apply()

    assert bench.promises == []
    assert await bench.chaos() is None


async def test_a_replaced_pod_is_not_stressed_though_it_has_the_name(
    cluster: Access, bench: Bench
) -> None:
    before = bench.pod.model_copy(update={"uid": "5f8b7a1e-0000-4000-8000-000000000000"})

    with pytest.raises(TargetGone, match="was replaced"):
        await bench.fault(target=before).apply()

    assert bench.promises == []


async def test_an_object_that_the_cluster_refuses_is_never_promised(bench: Bench) -> None:
    with pytest.raises(ClusterNotFound, match='namespaces "nowhere" not found'):
        await bench.fault(namespace="nowhere").apply()

    assert bench.promises == []


async def test_a_restarted_container_is_not_stressed(bench: Bench) -> None:
    before = bench.pod.model_copy(update={"container_id": "0" * 64})

    with pytest.raises(TargetGone, match="was restarted"):
        await bench.fault(target=before).apply()


async def test_at_the_level_already_nothing_is_made(bench: Bench) -> None:
    with pytest.raises(FaultRefused, match="already at the level"):
        await bench.fault(MemoryFault(via="chaos-mesh", level=0.001)).apply()

    assert bench.promises == []


async def test_chaos_mesh_ends_it_by_itself_when_nobody_comes_back(bench: Bench) -> None:
    before = bench.used
    await bench.fault(HALF, seconds=3).apply()

    await bench.becomes("recovered")

    await bench.holds(before)
    assert (await bench.fault().undo()).said == {
        "rung": "deleted",
        "nudges": 0.0,
        "last_state": "recovered",
    }
