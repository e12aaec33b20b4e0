"""Whatever ends the helper or its lease, nothing stays in the container."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from chaosmem.errors import FaultRefused
from tests.helper.conftest import Speak, Spoken
from tests.helper.harness import MIB, Container, eventually


def _back(target: Container, usage: int) -> Callable[[], bool]:
    return lambda: not target.others() and abs(target.usage() - usage) < MIB


async def _holding(helper: Spoken, **press: float) -> None:
    await helper.press(level_percent=80, **press)
    await helper.until("holding", lambda s: s.stress.state == "holding")


@pytest.mark.parametrize(
    ("what", "within"),
    [(signal.SIGKILL, 1.0), (signal.SIGTERM, 1.0), (signal.SIGINT, 1.0), (signal.SIGSTOP, 3.7)],
    ids=lambda v: v.name if isinstance(v, signal.Signals) else f"{v}s",
)
async def test_a_helper_that_is_ended_or_hangs_leaves_nothing(
    speak: Speak, target: Container, what: signal.Signals, within: float
) -> None:
    async with speak() as helper:
        before = target.usage()
        await _holding(helper)
        helper.started.process.send_signal(what)
        await asyncio.to_thread(eventually, "all back", _back(target, before), within=within)


async def test_a_lost_heartbeat_ends_it_and_the_run_cannot_come_back(
    speak: Speak, target: Container
) -> None:
    async with speak() as helper:
        before = target.usage()
        await _holding(helper, ttl=0.6)
        await asyncio.to_thread(eventually, "all back", _back(target, before), within=1.0)
        sample = await helper.sample()
        with pytest.raises(FaultRefused, match="lease-expired"):
            await helper.agent.lease(ttl=3, deadline=60)
    assert sample.stress.state == "off"


async def test_heartbeats_keep_it_until_the_leases_deadline(
    speak: Speak, target: Container
) -> None:
    async with speak() as helper:
        before, begin = target.usage(), time.monotonic()
        await _holding(helper, ttl=0.5, deadline=1.5)
        while time.monotonic() - begin < 1.2:
            await helper.agent.lease(ttl=0.5, deadline=60)
            await asyncio.sleep(0.1)
        assert len(target.others()) == 1
        await asyncio.to_thread(eventually, "all back", _back(target, before), within=1.0)
    assert time.monotonic() - begin < 2.3


async def test_the_programs_own_deadline_ends_it_whatever_the_lease(
    speak: Speak, target: Container
) -> None:
    async with speak(seconds=1.5) as helper:
        before = target.usage()
        await _holding(helper)
        code = await asyncio.to_thread(helper.started.process.wait, 3)
        assert code == 0
        await asyncio.to_thread(eventually, "all back", _back(target, before), within=0.5)


async def test_the_end_of_the_lease_is_idempotent_and_complete(
    speak: Speak, target: Container
) -> None:
    async with speak() as helper:
        before = target.usage()
        await _holding(helper)
        first = await helper.agent.end()
        assert _back(target, before)()
        second = await helper.agent.end()
    assert (first.said["released"], first.said["held.bytes"]) == (True, 0)
    assert second.said["released"] is False


async def test_when_the_container_ends_the_hog_leaves_its_cgroup(
    speak: Speak, target: Container
) -> None:
    async with speak() as helper:
        await _holding(helper)
        target.service.kill()
        await asyncio.to_thread(eventually, "empty", lambda: not target.pids(), within=0.5)
        assert (await helper.sample()).stress.state == "gone"
        target.directory.rmdir()
        sample = await helper.sample()
        with pytest.raises(FaultRefused, match="target-gone"):
            await helper.agent.act("memory", {"level_percent": 50})
        target.directory.mkdir()  # the fixture removes it
    assert (sample.stress.state, sample.cgroup, sample.held.bytes) == ("gone", None, 0)


async def test_a_hog_that_somebody_kills_is_not_started_again(
    speak: Speak, target: Container
) -> None:
    async with speak() as helper:
        await _holding(helper)
        os.kill(target.others()[0], signal.SIGKILL)
        sample = await helper.until("refused", lambda s: s.stress.state == "refused")
    assert "ended without being told" in sample.stress.why
    assert target.others() == []


async def test_a_hog_that_hangs_is_killed_and_its_memory_is_back(
    speak: Speak, target: Container
) -> None:
    async with speak() as helper:
        await _holding(helper)
        os.kill(target.others()[0], signal.SIGSTOP)
        target.tell(f"grow {120 * MIB} {400 * MIB}")
        sample = await helper.sample()
        assert sample.stress.kills >= 1
        assert target.kills() == 0
        target.tell(f"shrink {120 * MIB}")
        await helper.until("held again", lambda s: s.stress.state == "holding")


async def test_the_hog_knows_no_secret(speak: Speak, target: Container) -> None:
    async with speak() as helper:
        await _holding(helper)
        environment = Path(f"/proc/{target.others()[0]}/environ").read_text()
        line = Path(f"/proc/{target.others()[0]}/cmdline").read_text()
    assert "TOKEN" not in environment + line
