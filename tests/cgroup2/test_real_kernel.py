"""The helper on a real kernel with cgroup v2, in emulation: what most users' nodes have.

Emulation is 10 to 50 times slower than a machine, and its clock is coarse, so the times asked
here are wide; sizes and events are exact.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from chaosmem.drivers import gotool
from chaosmem.drivers.helper import CgroupPlace, HelperSample
from tests.cluster import qemu
from tests.helper.harness import MIB, build

LIMIT = 128 * MIB
LEVEL = LIMIT * 80 // 100
Facts = dict[str, Any]

pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Facts]:
    """What each scenario saw, by name; all in one boot."""
    out = tmp_path_factory.mktemp("cgroup2")
    here = Path(__file__).parent
    ran = qemu.run_under_v2(
        build(here / "scenario", ".", out / "scenario"),
        files={
            "/bin/helper": build(gotool.builtin_module(), "./helper", out / "helper"),
            "/bin/target": build(here.parent / "helper" / "target", ".", out / "target"),
        },
        memory_mib=1024,
        timeout=300,
    )
    assert ran.code == 0, ran.output
    lines = [json.loads(line) for line in ran.output.splitlines() if line.startswith("{")]
    found = {facts["scenario"]: facts for facts in lines}
    assert not [facts for facts in lines if "panic" in facts]
    return found


@pytest.mark.parametrize(
    ("name", "driver", "runtime", "end"),
    [
        ("hold-systemd", "systemd", "containerd", ".scope"),
        ("hold-cgroupfs", "cgroupfs", "", "abe"),
    ],
)
def test_the_container_is_found_by_either_driver(
    seen: dict[str, Facts], name: str, driver: str, runtime: str, end: str
) -> None:
    place = CgroupPlace.model_validate(seen[name]["info"]["cgroup"])
    assert (place.version, place.driver, place.runtime) == (2, driver, runtime)
    assert place.limit == LIMIT
    assert place.path.startswith("/kubepods")
    assert place.path.endswith(end)


@pytest.mark.parametrize("name", ["hold-systemd", "hold-cgroupfs"])
def test_the_level_is_held_within_one_percent_and_given_back(
    seen: dict[str, Facts], name: str
) -> None:
    facts = seen[name]
    sample = HelperSample.model_validate(facts["holding"])
    assert sample.cgroup is not None
    assert sample.psi is not None
    assert facts["worst"] <= LIMIT / 100
    asked = LEVEL - facts["service_alone_before"]
    assert abs(sample.cgroup.working_set - facts["service_alone_before"] - asked) <= LIMIT / 100
    assert sample.events is not None
    assert (sample.events.oom_kill, sample.events.max) == (0, 0)
    assert facts["release"]["held"]["bytes"] == 0
    assert (facts["back_by"] < MIB, facts["pids"]) == (True, 1)


def test_it_gives_way_where_an_oom_kill_would_take_all(seen: dict[str, Facts]) -> None:
    facts = seen["yield"]
    sample = HelperSample.model_validate(facts["sample"])
    assert "memory.oom.group is set" in facts["answer"]["warnings"][0]
    assert facts["alive"] is True
    assert sample.stress.yields >= 1
    assert "oom 0\noom_kill 0\noom_group_kill 0\n" in facts["events"]


def test_a_hog_without_cpu_gives_its_memory_back(seen: dict[str, Facts]) -> None:
    facts = seen["frozen"]
    assert facts["released"] == {"released": True, "held": {"bytes": 0}}
    assert facts["let_go"] > 70 * MIB
    assert facts["seconds_to_release"] < 2


@pytest.mark.parametrize("name", ["killed", "heartbeat"])
def test_nothing_stays_when_the_helper_is_killed_or_not_heard_of(
    seen: dict[str, Facts], name: str
) -> None:
    assert 0 <= seen[name]["back_after"] < 3
    assert seen["killed"]["held"] > 70 * MIB


def test_an_expected_kill_takes_the_container_and_ends_the_hog(seen: dict[str, Facts]) -> None:
    facts = seen["expected"]
    sample = HelperSample.model_validate(facts["sample"])
    assert (facts["alive"], sample.stress.state) == (False, "oom")
    assert sample.held.bytes == 0
    assert sample.hog is None
    assert "oom_group_kill 1" in facts["events"]


def test_a_level_above_memory_high_is_warned_of(seen: dict[str, Facts]) -> None:
    facts = seen["high"]
    assert facts["info"]["cgroup"]["high"] == 100 * MIB
    assert "above memory.high (104857600)" in facts["answer"]["warnings"][0]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("namespace-bare", "CAP_SYS_PTRACE"),
        ("namespace-admin", "CAP_SYS_PTRACE"),
        ("namespace-ptrace", "CAP_SYS_ADMIN"),
    ],
)
def test_from_a_namespace_of_its_own_it_cannot_join_and_says_what_is_missing(
    seen: dict[str, Facts], name: str, why: str
) -> None:
    facts = seen[name]
    assert facts["info"]["stress"]["possible"] is False
    assert why in facts["info"]["stress"]["why"]
    assert facts["answer"]["code"] == "cannot-join"
    assert why in facts["answer"]["error"]


def test_with_two_capabilities_it_can(seen: dict[str, Facts]) -> None:
    facts = seen["namespace-able"]
    assert facts["info"]["stress"] == {"possible": True, "why": ""}
    assert facts["sample"]["stress"]["state"] == "holding"
