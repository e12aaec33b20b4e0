"""The object that is asked for, how much it asks for, and when it was acknowledged. Pure."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chaosmem.drivers.kube.skew import Skew
from chaosmem.drivers.kube.stresschaos import MIB, StressOrder, body
from chaosmem.errors import FaultRefused
from chaosmem.faults.chaos_mesh import Size, acknowledged, reserve_of, size_of
from chaosmem.spec.faults import MemoryFault

ORDER = StressOrder(
    run_id="20261123T180501Z-3fa9c1",
    namespace="chaosmem",
    name="chaosmem-3fa9c1-0",
    pod_namespace="payments",
    pod="api-6c9f-abcde",
    container="api",
    mib=512,
    seconds=300,
)


def test_the_whole_object() -> None:
    assert body(ORDER) == {
        "metadata": {
            "name": "chaosmem-3fa9c1-0",
            "namespace": "chaosmem",
            "labels": {
                "app.kubernetes.io/managed-by": "chaosmem",
                "chaosmem.io/run-id": "20261123T180501Z-3fa9c1",
            },
        },
        "spec": {
            "mode": "all",
            "selector": {"pods": {"payments": ["api-6c9f-abcde"]}},
            "containerNames": ["api"],
            "stressors": {"memory": {"workers": 1, "size": "512MiB", "oomScoreAdj": 1000}},
            "duration": "300s",
        },
    }


@pytest.mark.parametrize(
    ("ramp", "options"),
    [(60.0, ["--time", "60000ms"]), (0.25, ["--time", "250ms"]), (0.0, None), (0.0009, None)],
)
def test_a_ramp_goes_through_the_options_and_never_below_a_millisecond(
    ramp: float, options: list[str] | None
) -> None:
    memory = body(replace(ORDER, ramp=ramp))["spec"]["stressors"]["memory"]

    assert memory.get("options") == options


@pytest.mark.parametrize("wrong", [{"mib": 0}, {"mib": -3}, {"seconds": 0}])
def test_an_order_for_nothing_or_for_ever_cannot_be_made(wrong: dict[str, int]) -> None:
    with pytest.raises(FaultRefused, match="both must be 1 or more"):
        replace(ORDER, **wrong)  # type: ignore[arg-type]


def fault(level: float, oom: str = "forbidden") -> MemoryFault:
    return MemoryFault.model_validate({"via": "chaos-mesh", "level": f"{level}%", "oom": oom})


def test_the_size_is_the_level_less_what_is_in_use_in_whole_mib_rounded_down() -> None:
    size = size_of(fault(80), 200 * MIB, 41 * MIB + 1)

    assert size == Size(level=160 * MIB, working_set=41 * MIB + 1, bytes=118 * MIB, bounded=False)


def test_an_amount_is_a_level_too() -> None:
    spec = MemoryFault.model_validate({"via": "chaos-mesh", "level": "100MiB", "of": "absolute"})

    assert size_of(spec, 200 * MIB, 40 * MIB).bytes == 60 * MIB


def test_a_level_inside_the_reserve_is_bounded_by_it_and_says_so() -> None:
    size = size_of(fault(99), 200 * MIB, 40 * MIB)

    assert (size.bytes, size.bounded) == (150 * MIB, True)


def test_an_expected_oom_kill_is_not_held_back_by_the_reserve() -> None:
    assert size_of(fault(100, "expected"), 200 * MIB, 40 * MIB).bytes == 160 * MIB


@pytest.mark.parametrize(("limit", "reserve"), [(64, 3.2), (128, 6.4), (320, 16), (4096, 16)])
def test_the_reserve_is_a_twentieth_of_the_limit_and_at_most_16_mib(
    limit: int, reserve: float
) -> None:
    assert reserve_of(limit * MIB) == int(reserve * MIB)


@pytest.mark.parametrize("used", [79 * MIB + 1, 80 * MIB, 90 * MIB])
def test_less_than_a_mib_to_go_is_already_at_the_level(used: int) -> None:
    with pytest.raises(FaultRefused, match=r"already at the level of 80(\.0)? ?MiB"):
        size_of(fault(80), 100 * MIB, used)


def test_no_room_below_the_limit_is_another_thing_than_being_at_the_level() -> None:
    with pytest.raises(FaultRefused, match="no room to press without an OOM kill") as told:
        size_of(fault(99), 100 * MIB, 96 * MIB)

    assert "oom: expected" in told.value.hint


EXACT = Skew(offset=2.0, uncertainty=0.0)
COARSE = Skew(offset=0.0, uncertainty=0.5)


@pytest.mark.parametrize(
    ("event_at", "skew", "first", "last"),
    [
        (None, EXACT, 10.0, 14.0),  # no event: between asking and seeing
        (12.0, None, 10.0, 14.0),  # an event that cannot be placed
        (14.0, EXACT, 12.0, 13.0),  # two seconds ahead, and anywhere in its second
        (12.0, COARSE, 11.5, 13.5),
        (11.5, EXACT, 10.0, 10.5),  # not before it was asked for
        (15.25, EXACT, 13.25, 14.0),  # not after it was seen
        (40.0, EXACT, 10.0, 14.0),  # a clock that cannot be right is not believed
    ],
)
def test_the_acknowledgement_lies_where_all_that_is_known_agrees(
    event_at: float | None, skew: Skew | None, first: float, last: float
) -> None:
    t, u = acknowledged(event_at, skew, begin=10.0, end=14.0)

    assert (t - u, t + u) == (first, last)
