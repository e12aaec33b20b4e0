"""What the helper will not do, and how it says so."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from chaosmem.clock import RunClock
from chaosmem.drivers.agent import Agent
from chaosmem.drivers.http import Http
from chaosmem.errors import FaultRefused
from tests.helper.conftest import Speak, Spoken
from tests.helper.harness import MIB, TOKEN, Container, command, container, tree


async def _refused(helper: Spoken, words: str, **body: object) -> None:
    with pytest.raises(FaultRefused, match=words):
        await helper.press(**body)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"level_percent": 99.5}, r"lower the level .* \(over-limit\)"),
        ({"level_bytes": 300 * MIB}, "over-limit"),
        ({"level_percent": 90, "reserve_bytes": 64 * MIB}, "over-limit"),
        ({}, "give one of level_bytes and level_percent"),
        ({"level_percent": 50, "level_bytes": MIB}, "give one of"),
        ({"level_percent": 0}, "bad-request"),
        ({"level_percent": 50, "oom": "maybe"}, "forbidden or expected"),
        ({"level_percent": 50, "ramp_ms": -1}, "bad-request"),
        ({"level_percent": 50, "reserve_bytes": 1}, "bad-request"),
        ({"level_percent": 50, "ramp": 1}, "unknown field"),
    ],
    ids=str,
)
async def test_a_level_that_cannot_be_is_refused_in_words(
    speak: Speak, target: Container, body: Mapping[str, object], words: str
) -> None:
    async with speak() as helper:
        await _refused(helper, words, **body)
    assert target.others() == []


async def test_a_container_without_a_limit_is_refused(
    programs: tuple[Path, Path], speak: Speak
) -> None:
    with tree() as top, container(top, programs[1], limit=None) as target:
        async with speak(of=target) as helper:
            assert (await helper.source.info()).cgroup.limit == 0
            await _refused(helper, "no-limit", level_bytes=MIB)


async def test_a_node_that_is_short_of_memory_is_left_alone(speak: Speak) -> None:
    async with speak("--node-reserve=4000GiB") as helper:
        await _refused(helper, "node-low", level_percent=80)


async def test_no_more_is_held_than_the_program_was_allowed(speak: Speak) -> None:
    async with speak("--max-bytes=32MiB") as helper:
        await _refused(helper, "over --max-bytes", level_percent=80)


async def test_an_observer_observes_and_refuses(speak: Speak) -> None:
    async with speak("--observe-only") as helper:
        assert (await helper.sample()).target.pids == 1
        assert (await helper.source.info()).stress.why == "started with --observe-only"
        await _refused(helper, "observe-only", level_percent=80)


async def test_an_act_needs_a_lease_and_one_run_has_it(speak: Speak) -> None:
    async with speak() as helper:
        with pytest.raises(FaultRefused, match="no-lease"):
            await helper.agent.act("memory", {"level_percent": 50})
        await helper.agent.lease(ttl=3, deadline=60)
        async with Http(helper.started.url, RunClock.start()) as http:
            other = Agent(http, path="", token=TOKEN, run_id="r2")
            with pytest.raises(FaultRefused, match=r"run \"r1\" holds the lease.*lease-held"):
                await other.lease(ttl=3, deadline=60)
            assert (await other.end()).said["released"] is False


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Chaosmem-Token": "wrong"}, 401),
        ({"Chaosmem-Token": TOKEN}, 200),
        ({"Authorization": f"Bearer {TOKEN}"}, 200),
        ({"Authorization": "Bearer of-the-proxy", "Chaosmem-Token": TOKEN}, 200),
    ],
    ids=str,
)
async def test_the_token_comes_in_either_header(
    speak: Speak, headers: Mapping[str, str], status: int
) -> None:
    async with speak() as helper, Http(helper.started.url, RunClock.start()) as http:
        answer = await http.request("GET", "/v1/info", timeout=5, headers=headers)
    assert answer.status == status
    assert TOKEN.encode() not in answer.body


def _ended(arguments: list[str], token: str = TOKEN) -> tuple[int, str]:
    done = subprocess.run(
        arguments,
        env={"CHAOSMEM_HELPER_TOKEN": token},
        capture_output=True,
        text=True,
        timeout=10,
        check=False,
    )
    return done.returncode, done.stderr


def test_a_container_that_is_not_there_ends_the_program_instead_of_another_cgroup(
    programs: tuple[Path, Path], target: Container
) -> None:
    other = "00000000-0000-0000-0000-000000000000"
    code, said = _ended(command(programs[0], target, pod=other))
    assert code == 3
    assert f"no cgroup of container {target.container_id} of pod {other}" in said


def test_it_does_not_start_without_a_deadline_or_a_token(
    programs: tuple[Path, Path], target: Container
) -> None:
    full = command(programs[0], target)
    without = [a for a in full if not a.startswith("--deadline")]
    assert _ended(without) == (
        2,
        "chaosmem-helper: --deadline is needed: what stresses must end by itself\n",
    )
    code, said = _ended(full, token="too short")
    assert (code, "at least 16" in said) == (2, True)
    assert "too short" not in said
