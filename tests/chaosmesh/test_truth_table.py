"""What a status means, row by row. The statuses are as the controller writes them."""

from __future__ import annotations

from typing import Any

import pytest

from chaosmem.drivers.kube.kinds import RUN_LABEL
from chaosmem.drivers.kube.stressstatus import Chaos, Meaning, read_chaos
from chaosmem.errors import ClusterError

ID = "shop/cart-0/app"
PROCESS = {ID: {"memoryUid": "4711", "startTime": "1970-01-01T00:00:00Z"}}


def record(phase: str, injected: int, recovered: int, name: str = ID) -> dict[str, Any]:
    return {
        "id": name,
        "selectorKey": ".",
        "phase": phase,
        "injectedCount": injected,
        "recoveredCount": recovered,
    }


def chaos(desired: str, *records: dict[str, Any], instances: dict[str, Any] | None = None) -> Chaos:
    experiment: dict[str, Any] = {"desiredPhase": desired, "containerRecords": list(records)}
    status = {"experiment": experiment, "instances": instances}
    return read_chaos(made() | {"status": status}, RUN_LABEL)


def made(**meta: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "c", "namespace": "shop", "uid": "u", **meta},
        "spec": {"selector": {"pods": {"shop": ["cart-0"]}}},
    }


OTHER = "shop/cart-1/app"
ROWS = [
    ("fresh, without desiredPhase", chaos(""), "unseen", "no controller"),
    ("no records", chaos("Run"), "selecting", "matched nothing"),
    (
        "not injected, never was",
        chaos("Run", record("Not Injected", 0, 0)),
        "injection failing",
        "injection failing",
    ),
    (
        "injected, with a process",
        chaos("Run", record("Injected", 1, 0), instances=PROCESS),
        "injected",
        "injected",
    ),
    (
        "injected, without an instance",
        chaos("Run", record("Injected", 1, 0)),
        "injected in name only",
        "injected in name only",
    ),
    (
        "injected, the instance has no memory stressor",
        chaos("Run", record("Injected", 1, 0), instances={ID: {"memoryUid": "", "uid": "12"}}),
        "injected in name only",
        "injected in name only",
    ),
    (
        "one of two",
        chaos(
            "Run",
            record("Injected", 1, 0),
            record("Not Injected", 0, 0, OTHER),
            instances=PROCESS,
        ),
        "partial",
        "partial",
    ),
    (
        "paused and run again, in vain",
        chaos("Run", record("Not Injected", 1, 1)),
        "injection failing",
        "injection failing",
    ),
    (
        "to be stopped",
        chaos("Stop", record("Injected", 1, 0), instances=PROCESS),
        "recovering",
        "stuck",
    ),
    (
        "one of two taken back",
        chaos("Stop", record("Not Injected", 1, 1), record("Injected", 1, 0, OTHER)),
        "recovering",
        "stuck",
    ),
    (
        "phase and counts contradict each other",
        chaos("Stop", record("Not Injected", 2, 1)),
        "recovering",
        "stuck",
    ),
    ("taken back", chaos("Stop", record("Not Injected", 1, 1)), "recovered", "recovered"),
    (
        "stopped before it began",
        chaos("Stop", record("Not Injected", 0, 0)),
        "never injected",
        "never injected",
    ),
    ("stopped before it selected", chaos("Stop"), "never injected", "never injected"),
]


@pytest.mark.parametrize(("row", "said", "now", "late"), ROWS, ids=[row[0] for row in ROWS])
def test_row(row: str, said: Chaos, now: str, late: str) -> None:
    assert said.meaning == now
    assert said.after_waiting() == late


def test_every_meaning_has_a_row() -> None:
    assert {now for _, _, now, _ in ROWS} | {late for *_, late in ROWS} == set(Meaning)


@pytest.mark.parametrize("name", ["api", "nobody"])
def test_one_that_names_the_pod_acts_on_it_before_it_is_taken_up(name: str) -> None:
    fresh = read_chaos(made(), RUN_LABEL)

    assert fresh.acts_on("shop", "cart-0")
    assert not fresh.acts_on("shop", name)
    assert not fresh.acts_on("other", "cart-0")


def test_one_that_selected_the_pod_by_labels_acts_on_it_by_its_record() -> None:
    said = chaos("Run", record("Injected", 1, 0, OTHER), instances=PROCESS)

    assert said.acts_on("shop", "cart-1")
    assert not said.acts_on("shop", "cart")


@pytest.mark.parametrize("left", [record("Not Injected", 1, 1), record("Not Injected", 0, 0)])
def test_one_that_is_over_acts_on_nothing(left: dict[str, Any]) -> None:
    assert not chaos("Stop", left).acts_on("shop", "cart-0")


def test_the_newest_event_of_a_kind_is_found_among_all_records() -> None:
    def event(second: int, kind: str, message: str) -> dict[str, str]:
        stamp = f"2026-11-23T18:05:{second:02d}Z"
        return {"operation": "Apply", "type": kind, "message": message, "timestamp": stamp}

    first = record("Not Injected", 0, 0) | {"events": [event(1, "Failed", "old")]}
    other = record("Injected", 1, 0, OTHER) | {
        "events": [event(3, "Failed", "new"), event(4, "Succeeded", "")]
    }
    said = chaos("Run", first, other)

    failed = said.last_event("Apply", "Failed")
    assert failed is not None
    assert failed.message == "new"
    assert said.last_event("Recover", "Failed") is None


def test_finalizers_run_and_deletion_are_read() -> None:
    said = read_chaos(
        made(
            finalizers=["chaos-mesh/records"],
            labels={RUN_LABEL: "r1"},
            deletionTimestamp="2026-11-23T18:05:01Z",
        ),
        RUN_LABEL,
    )

    assert (said.finalizers, said.run_id, said.deleting) == (("chaos-mesh/records",), "r1", True)


def test_a_status_that_cannot_be_understood_names_its_place() -> None:
    broken = made() | {"status": {"experiment": {"desiredPhase": "Perhaps"}}}

    with pytest.raises(ClusterError, match=r"status\.experiment\.desiredPhase"):
        read_chaos(broken, RUN_LABEL)
