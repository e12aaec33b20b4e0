"""The working set goes where it is asked, stays there, and gives way to the service."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from chaosmem import metrics
from chaosmem.drivers.helper import HelperSample
from tests.helper.conftest import Speak, Spoken
from tests.helper.harness import MIB, Container, container, tree

LIMIT = 256 * MIB
ONE_PERCENT = LIMIT // 100


def _working_set(sample: HelperSample) -> int:
    assert sample.cgroup is not None
    return sample.cgroup.working_set


async def _holding(helper: Spoken) -> HelperSample:
    return await helper.until("holding", lambda s: s.stress.state == "holding")


async def test_the_container_is_described(speak: Speak, target: Container) -> None:
    async with speak() as helper:
        info = await helper.source.info()
    assert info.cgroup.path.endswith(f"/burstable/pod{target.pod_uid}/{target.container_id}")
    assert (info.cgroup.driver, info.cgroup.limit) == ("cgroupfs", LIMIT)
    assert (info.stress.possible, info.stress.why) == (True, "")


async def test_watching_costs_the_container_nothing_and_names_its_numbers(speak: Speak) -> None:
    async with speak() as helper:
        reading = await helper.source.read(timeout=5)
        again = await helper.source.read(timeout=5)
    service = reading.values[metrics.TARGET_RSS.name]
    assert 40 * MIB <= service < 50 * MIB
    assert reading.values[metrics.CGROUP_LIMIT.name] == LIMIT
    assert reading.values[metrics.STRESS_HELD.name] == 0
    usage = metrics.CGROUP_USAGE.name
    assert abs(again.values[usage] - reading.values[usage]) < MIB


async def test_the_rise_is_what_was_asked_and_the_service_is_left_alone(speak: Speak) -> None:
    async with speak() as helper:
        before = await helper.sample()
        await helper.press(level_percent=80)
        after = await _holding(helper)
    rise = _working_set(after) - _working_set(before)
    asked = LIMIT * 80 // 100 - _working_set(before)
    assert abs(rise - asked) <= ONE_PERCENT
    assert abs(after.held.bytes - asked) <= ONE_PERCENT
    assert abs(after.target.rss - before.target.rss) < MIB
    assert (after.target.pids, before.target.pids) == (1, 1)


async def test_an_observer_beside_it_does_not_take_the_hog_for_the_service(speak: Speak) -> None:
    async with speak() as helper, speak("--observe-only") as observer:
        before = await observer.sample()
        await helper.press(level_percent=80)
        await _holding(helper)
        after = await observer.sample()
    assert _working_set(after) - _working_set(before) > 100 * MIB
    assert (after.target.pids, before.target.pids) == (1, 1)
    assert abs(after.target.rss - before.target.rss) < MIB


async def test_it_is_held_within_one_percent_of_the_limit(speak: Speak) -> None:
    async with speak() as helper:
        await helper.press(level_bytes=180 * MIB)
        await _holding(helper)
        errors = []
        for _ in range(60):
            errors.append(abs(_working_set(await helper.sample()) - 180 * MIB))
            await asyncio.sleep(0.02)
    assert max(errors) <= ONE_PERCENT


async def test_the_ramp_is_a_straight_line(speak: Speak) -> None:
    async with speak() as helper:
        before = _working_set(await helper.sample())
        await helper.press(level_percent=80, ramp_ms=1500)
        seen = []
        while (sample := await helper.sample()).stress.state != "holding":
            seen.append(sample)
            await asyncio.sleep(0.05)
    assert {s.stress.state for s in seen} == {"ramping"}
    start, end = seen[1].stress.setpoint, LIMIT * 80 // 100
    speed = (end - before) / 1.5
    for sample in seen[1:-1]:
        passed = (sample.now_unix_ns - seen[1].now_unix_ns) / 1e9
        assert abs(start + speed * passed - sample.stress.setpoint) < 2 * ONE_PERCENT
        assert abs(_working_set(sample) - sample.stress.setpoint) < 2 * ONE_PERCENT


async def test_another_level_is_reached_by_the_same_hog(speak: Speak) -> None:
    async with speak() as helper:
        await helper.press(level_percent=80)
        first = await _holding(helper)
        await helper.press(level_percent=50)
        second = await helper.until(
            "the lower level",
            lambda s: s.stress.state == "holding" and s.stress.level == LIMIT // 2,
        )
    assert abs(_working_set(second) - LIMIT // 2) <= ONE_PERCENT
    assert first.hog is not None
    assert second.hog is not None
    assert first.hog.pid == second.hog.pid


async def test_released_memory_is_back_when_the_answer_comes(
    speak: Speak, target: Container
) -> None:
    async with speak() as helper:
        before = target.usage()
        await helper.press(level_percent=80)
        await _holding(helper)
        said = await helper.agent.act("release", {})
        after = target.usage()
        sample = await helper.sample()
    assert said.said["held.bytes"] == 0
    assert abs(after - before) < MIB
    assert (sample.stress.state, sample.hog, target.others()) == ("off", None, [])


@pytest.mark.parametrize(
    "speed", [20 * MIB, 200 * MIB, 800 * MIB], ids=lambda s: f"{s // MIB}MiB/s"
)
async def test_it_gives_way_to_a_growing_service_without_an_oom_kill(
    speak: Speak, target: Container, speed: int
) -> None:
    async with speak() as helper:
        await helper.press(level_percent=80)
        await _holding(helper)
        target.ask(f"grow {170 * MIB} {speed}")
        sample = await helper.until(
            "all given back",
            lambda s: s.stress.state == "yielding" and s.held.bytes == 0,
            within=15,
        )
        held, _ = await asyncio.to_thread(target.answer)
    assert held == 210 * MIB
    assert sample.stress.yields >= 1
    assert target.kills() == 0


async def test_it_comes_back_to_the_level_when_the_service_shrinks(
    speak: Speak, target: Container
) -> None:
    async with speak() as helper:
        await helper.press(level_percent=80)
        await _holding(helper)
        target.tell(f"grow {60 * MIB} {400 * MIB}")
        await helper.until("less held", lambda s: s.held.bytes < 110 * MIB)
        target.tell(f"shrink {60 * MIB}")
        sample = await helper.until(
            "held again",
            lambda s: s.stress.state == "holding" and s.held.bytes > 150 * MIB,
        )
    assert abs(_working_set(sample) - LIMIT * 80 // 100) <= ONE_PERCENT


async def test_page_cache_is_neither_working_set_nor_growth(
    speak: Speak, target: Container, tmp_path: Path
) -> None:
    async with speak() as helper:
        await helper.press(level_percent=60)
        before = await _holding(helper)
        target.tell(f"cache {tmp_path / 'file'} {60 * MIB}")
        after = await _holding(helper)
    assert after.cgroup is not None
    assert before.cgroup is not None
    assert after.cgroup.usage - before.cgroup.usage > 50 * MIB
    assert abs(_working_set(after) - LIMIT * 60 // 100) <= ONE_PERCENT
    assert after.held.bytes > before.held.bytes - ONE_PERCENT


async def test_an_expected_kill_takes_the_service_and_ends_the_stress(
    programs: tuple[Path, Path], speak: Speak
) -> None:
    with tree() as top, container(top, programs[1], limit=64 * MIB, oom_score_adj=1000) as victim:
        victim.tell(f"grow {30 * MIB} 0")
        async with speak(of=victim) as helper:
            await helper.press(level_percent=120, oom="expected")
            sample = await helper.until("a kill", lambda s: s.stress.state == "oom")
            assert await asyncio.to_thread(victim.service.wait, 5) == -9
        assert victim.kills() >= 1
        assert (sample.held.bytes, victim.pids()) == (0, [])
        assert "for want of memory" in sample.stress.why
