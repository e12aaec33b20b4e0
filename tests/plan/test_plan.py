"""The plan: what will be done, when, in which order, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from chaosmem.errors import PlanRefused
from chaosmem.plan import Inventory, Plan, PlannedTarget, make_plan
from chaosmem.spec.model import Experiment

ONE = Inventory((PlannedTarget(name="process", kind="process", detail=""),))


def _plan(inventory: Inventory = ONE, **changes: Any) -> Plan:
    sections = {
        "metadata": {"name": "x"},
        "target": {"process": {"command": ["x"]}},
        "phases": {"baseline": "4s", "inject": "2s", "hold": "3s", "recover": "5s"},
        "faults": [{"kind": "goroutines", "count": 10}],
    }
    return make_plan(Experiment.model_validate(sections | changes), "sha", inventory)


def test_phases_follow_each_other_without_gaps() -> None:
    planned = [(p.phase.value, p.start, p.end) for p in _plan().phases]
    assert planned == [
        ("warmup", 0, 0),
        ("baseline", 0, 4),
        ("inject", 4, 6),
        ("hold", 6, 9),
        ("release", 9, 9),
        ("recover", 9, 14),
    ]


def test_a_fault_lasts_from_the_first_to_the_last_of_its_phases() -> None:
    faults = [{"kind": "goroutines", "count": 1, "during": ["baseline", "inject", "hold"]}]
    planned = _plan(faults=faults).faults[0]
    assert (planned.id, planned.begin, planned.end) == ("f1-goroutines", "baseline", "hold")


def test_every_fault_says_what_it_does_how_it_is_proven_and_undone() -> None:
    planned = _plan().faults[0]
    assert planned.does == "start 10 goroutines (blocked) at once"
    assert planned.proof
    assert planned.undo


def test_arms_are_interleaved_and_every_second_round_reversed() -> None:
    plan = _plan(trials=3, arms=[{"name": "a"}, {"name": "b"}])
    assert [t.key for t in plan.trials] == ["t01-a", "t02-b", "t03-b", "t04-a", "t05-a", "t06-b"]
    assert plan.seconds == 6 * 14


def test_a_forced_gc_comes_after_the_other_captures_of_its_moment() -> None:
    captures = [
        {"profile": "heap", "at": ["hold.end"]},
        {"profile": "goroutine", "at": ["hold.end", "hold+1s"]},
    ]
    planned = [(c.profile, str(c.moment), c.at, c.gc) for c in _plan(captures=captures).captures]
    assert planned == [
        ("goroutine", "hold+1s", 7.0, False),
        ("goroutine", "hold.end", 9.0, False),
        ("heap", "hold.end", 9.0, True),
    ]


def test_two_faults_of_a_kind_that_is_released_as_one_are_refused() -> None:
    twice = [{"kind": "goroutines", "count": 1}, {"kind": "goroutines", "count": 2}]
    with pytest.raises(PlanRefused, match="2 goroutines faults"):
        _plan(faults=twice)


def test_all_reasons_to_refuse_come_at_once() -> None:
    twice = [{"kind": "goroutines", "count": 1}, {"kind": "goroutines", "count": 2}]
    with pytest.raises(PlanRefused, match=r"goroutines faults(.|\n)*no target was found"):
        _plan(Inventory(()), faults=twice)


def test_more_targets_than_the_blast_radius_are_refused() -> None:
    with pytest.raises(PlanRefused, match=r"2 targets are over limits.pods = 1"):
        _plan(Inventory(ONE.targets * 2))


def test_a_plan_survives_its_json() -> None:
    plan = _plan(trials=2)
    assert Plan.model_validate_json(plan.model_dump_json()) == plan


def test_a_heap_that_grows_longer_than_the_inject_phase_is_noted() -> None:
    plan = _plan(faults=[{"kind": "heap", "retain": "64MiB", "rate": "8MiB/s"}])
    assert "grows for 8 s" in plan.notes[0]
