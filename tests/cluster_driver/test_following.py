"""Pods and logs are followed through what happens to a real cluster: nothing is lost or doubled."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from chaosmem.clock import RunClock
from chaosmem.drivers.kube.changes import What
from chaosmem.drivers.kube.connect import Cluster
from chaosmem.drivers.kube.logs import ContainerLog, LogFollower
from chaosmem.drivers.kube.notes import EventWatch, Note
from chaosmem.drivers.kube.watch import Noticed, PodWatch
from tests.cluster import api
from tests.cluster_driver.objects import teller_pod

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]


@contextlib.asynccontextmanager
async def _running(*runs: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(run) for run in runs]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _until(done: Callable[[], bool], seconds: float = 90) -> None:
    async with asyncio.timeout(seconds):
        while not done():  # noqa: ASYNC110 - what is awaited is outside of this process
            await asyncio.sleep(0.05)


def _whats(seen: list[Noticed]) -> list[What]:
    return [noticed.change.what for noticed in seen]


def _bring(cluster: api.Access, teller: Path) -> None:
    assert isinstance(cluster, api.Cluster), "the teller's image comes from here"
    cluster.image_of("chaosmem/teller:test", teller)


def _wait_for_run(cluster: api.Cluster, namespace: str, number: int) -> None:
    """Wait until the node itself, without the API server, has begun the teller's run."""
    log = f"/var/log/pods/{namespace}_teller_*/teller/{number - 1}.log"
    look = ("sh", "-c", f"ls {log} 2>/dev/null || true")
    api.wait_for(lambda: bool(cluster.inside(*look).strip()), 60, f"run {number} of the teller")


def _runs(text: str) -> list[list[str]]:
    """What was said, run by run."""
    pairs = [line.split(" ", 1) for line in text.splitlines()]
    return [[said for _, said in run] for _, run in groupby(pairs, key=lambda pair: pair[0])]


async def test_a_log_is_whole_over_restarts(
    cluster: api.Access, kube: Cluster, namespace: str, teller: Path, tmp_path: Path
) -> None:
    await asyncio.to_thread(_bring, cluster, teller)
    clock, log, path = RunClock.start(), ContainerLog(namespace, "teller", "teller"), tmp_path / "l"
    pod = teller_pod("-lines=500", "-every=1ms")
    await asyncio.to_thread(cluster.apply, pod, namespace=namespace)
    follower = LogFollower(kube, log, path, clock)
    async with _running(follower.run()):
        await _until(lambda: path.exists() and path.read_text().count(" end\n") >= 3)
        await follower.drain(within=5)
    whole = [*(str(i) for i in range(500)), "end"]
    runs = _runs(path.read_text())
    assert [len(r) for r in runs[:3]] == [501] * 3
    assert runs[:3] == [whole] * 3
    assert follower.report.gaps == []
    assert follower.report.lines == sum(len(r) for r in runs)


async def test_a_log_is_whole_over_a_restart_while_the_api_server_is_away(
    breakable: api.Cluster, fragile: Cluster, place: str, teller: Path, tmp_path: Path
) -> None:
    await asyncio.to_thread(_bring, breakable, teller)
    clock, log, path = RunClock.start(), ContainerLog(place, "teller", "teller"), tmp_path / "l"
    seen: list[Noticed] = []
    watch = PodWatch(fragile, place, clock, seen.append)
    pod = teller_pod("-lines=3000", "-every=5ms")
    await asyncio.to_thread(breakable.apply, pod, namespace=place)
    follower = LogFollower(fragile, log, path, clock)
    async with _running(follower.run(), watch.run()):
        await _until(lambda: path.exists() and path.read_text().count("\n") > 2800)
        with breakable.without("kube-apiserver"):
            await asyncio.sleep(2)  # the first run ends now, and the second outlasts the outage
        await _until(lambda: path.read_text().count(" end\n") >= 2)
        await follower.drain(within=5)
        await _until(lambda: What.WATCH_BACK in _whats(seen))
        await _until(lambda: What.RESTARTED in _whats(seen))
    runs = _runs(path.read_text())
    assert follower.report.gaps == []
    assert runs[:2] == [[*(str(i) for i in range(3000)), "end"]] * 2
    assert What.WATCH_LOST in _whats(seen)


async def test_what_nobody_keeps_of_a_log_is_said(
    breakable: api.Cluster, fragile: Cluster, place: str, teller: Path, tmp_path: Path
) -> None:
    await asyncio.to_thread(_bring, breakable, teller)
    clock, log, path = RunClock.start(), ContainerLog(place, "teller", "teller"), tmp_path / "l"
    pod = teller_pod("-lines=1500", "-every=3ms")
    await asyncio.to_thread(breakable.apply, pod, namespace=place)
    follower = LogFollower(fragile, log, path, clock)
    async with _running(follower.run()):
        await _until(lambda: path.exists() and path.read_text().count("\n") > 20)
        with breakable.without("kube-apiserver"):
            assert " end\n" not in path.read_text(), "the first run goes on"
            # the third run begins, so that the run before it, which the kubelet keeps, is another
            await asyncio.to_thread(_wait_for_run, breakable, place, 3)
        await _until(lambda: " end\n" in path.read_text())
        await follower.drain(within=5)
    said = path.read_text().splitlines()
    assert len(said) == len(set(said)), "nothing is doubled"
    assert follower.report.gaps, "the first run's end is lost, and that is known"


async def test_each_change_of_a_pod_is_told(
    cluster: api.Access, kube: Cluster, namespace: str, teller: Path
) -> None:
    await asyncio.to_thread(_bring, cluster, teller)
    seen: list[Noticed] = []
    notes: list[Note] = []
    clock = RunClock.start()
    watch = PodWatch(kube, namespace, clock, seen.append, selector={"app": "teller"})
    events = EventWatch(kube, namespace, clock, notes.append)
    async with _running(watch.run(), events.run()):
        await watch.synced.wait()
        await events.synced.wait()
        pod = teller_pod("-lines=50", "-every=1ms")
        await asyncio.to_thread(cluster.apply, pod, namespace=namespace)
        await _until(lambda: What.RESTARTED in _whats(seen))
        await asyncio.to_thread(cluster.kubectl, "delete", "pod", "teller", "-n", namespace)
        await _until(lambda: What.DELETED in _whats(seen))
        await _until(lambda: any(note.reason == "BackOff" for note in notes))
    assert What.ENDED in _whats(seen)
    assert all(note.about == f"Pod {namespace}/teller" for note in notes)
    assert [n.t for n in seen] == sorted(n.t for n in seen)


async def test_a_pod_that_kubelet_evicts_is_told_so(
    breakable: api.Cluster, fragile: Cluster, place: str, teller: Path
) -> None:
    await asyncio.to_thread(_bring, breakable, teller)
    seen: list[Noticed] = []
    watch = PodWatch(fragile, place, RunClock.start(), seen.append)
    pod = teller_pod("-lines=1000000", "-every=100ms")
    async with _running(watch.run()):
        await asyncio.to_thread(breakable.apply, pod, namespace=place)
        await _until(lambda: What.READY_BACK in _whats(seen))
        with breakable.pressure(evict=True):
            await _until(lambda: What.EVICTED in _whats(seen))
