"""Undo: real API server, real resource, real controller; a stand-in of the daemon."""

from __future__ import annotations

import asyncio
import signal
import sys

import pytest

from chaosmem.drivers.kube import objects, stresschaos
from chaosmem.drivers.kube.kinds import STRESS_CHAOS, Ref
from chaosmem.drivers.kube.stresschaos import MIB
from chaosmem.drivers.kube.stressundo import recover
from chaosmem.errors import UndoIncomplete
from tests.chaosmesh.bench import LIMIT, NAME, RUN, Bench, ended
from tests.cluster.api import Access

# The first one builds the controller.
pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]


async def test_undo_before_apply_and_after_undo_finds_nothing(bench: Bench) -> None:
    fault = bench.fault()

    assert (await fault.undo()).said["rung"] == "absent"
    await fault.apply()
    assert (await fault.undo()).said["rung"] == "deleted"
    assert (await fault.undo()).said["rung"] == "absent"


async def test_a_recover_error_that_the_real_controller_swallows_is_mended_by_a_nudge(
    bench: Bench,
) -> None:
    before = bench.used
    await bench.fault().apply()
    bench.mesh.behave("cancel-fails")
    ref = Ref(kind=STRESS_CHAOS, namespace=bench.pod.namespace, name=NAME)
    await objects.delete(bench.cluster, ref)
    await bench.becomes("recovering")
    await asyncio.sleep(1)
    bench.mesh.behave()
    await asyncio.sleep(2)
    assert (await bench.becomes("recovering")).deleting  # it did not try again by itself

    done = await bench.fault(undo_within=8.0).undo()

    assert done.said["rung"] == "nudged"
    assert done.said["nudges"] == 1
    assert await bench.chaos() is None
    await bench.holds(before)


async def test_stuck_for_good_is_told_with_its_finalizer_its_process_and_what_to_do(
    bench: Bench,
) -> None:
    await bench.fault().apply()
    bench.mesh.behave("cancel-fails")
    fault = bench.fault(undo_within=4.0)

    with pytest.raises(UndoIncomplete) as told:
        await fault.undo()

    chaos = await bench.becomes("recovering")
    (pid,) = chaos.pids.values()
    assert f"StressChaos {bench.pod.namespace}/{NAME} is stuck 4 s" in str(told.value)
    assert "held by chaos-mesh/records" in str(told.value)
    assert f"{bench.pod.namespace}/target-0/app (pid {pid} on its node)" in str(told.value)
    assert "chaos-daemon of the pod's node" in told.value.hint
    assert "it ends no stressor" in told.value.hint
    assert bench.used > LIMIT / 2 - 2 * MIB  # nothing was forced: the stress is still there


async def test_an_undo_that_failed_succeeds_once_the_daemon_is_well(bench: Bench) -> None:
    await bench.fault().apply()
    bench.mesh.behave("cancel-fails")
    with pytest.raises(UndoIncomplete):
        await bench.fault(undo_within=2.0).undo()

    bench.mesh.behave()

    assert (await bench.fault().undo()).said["rung"] == "nudged"
    assert await bench.chaos() is None


async def test_a_controller_that_died_holds_the_object_until_it_is_back(bench: Bench) -> None:
    await bench.fault().apply()
    bench.mesh.kill()
    with pytest.raises(UndoIncomplete, match="held by chaos-mesh/records"):
        await bench.fault(undo_within=2.0).undo()

    bench.mesh.start()

    assert (await bench.fault().undo()).said["rung"] == "deleted"
    assert await bench.chaos() is None


async def test_another_runs_object_of_that_name_is_left_alone(bench: Bench) -> None:
    await stresschaos.create(bench.cluster, bench.order(run_id="another"))

    done = await recover(bench.cluster, bench.pod.namespace, NAME, run_id=RUN)

    assert done.rung == "not-ours"
    assert await bench.chaos() is not None


@pytest.mark.parametrize(
    ("where", "rung"), [("promise", "absent"), ("create", "deleted"), ("injected", "deleted")]
)
async def test_sigkill_at_any_step_leaves_what_undo_takes_back(
    cluster: Access, bench: Bench, where: str, rung: str
) -> None:
    before = bench.used
    words = [str(cluster.kubeconfig), bench.pod.model_dump_json(), where]
    killed = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.chaosmesh.killed", *words
    )
    assert await killed.wait() == -signal.SIGKILL
    assert (await bench.chaos() is None) == (where == "promise")

    done = await recover(bench.cluster, bench.pod.namespace, NAME, run_id=RUN)

    assert done.rung == rung
    assert await bench.chaos() is None
    await bench.holds(before)


async def test_a_deleted_pod_takes_its_stressor_with_it_and_undo_is_done(
    cluster: Access, bench: Bench
) -> None:
    ack = await bench.fault().apply()
    pid = int(ack.said["pids"])

    cluster.kubectl("delete", "pod", bench.pod.name, "-n", bench.pod.namespace)

    await ended(pid)  # by the node; the controller only forgets it
    assert (await bench.fault().undo()).said["rung"] == "deleted"
