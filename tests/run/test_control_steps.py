"""The steps that an operator is asked for: what is done, and to whom."""

from __future__ import annotations

from chaosmem.plan.model import PlannedTarget, PlannedTrial
from chaosmem.run.steps import phase_step, round_step
from chaosmem.spec.base import Phase
from tests.plan.test_plan import _plan

ONE = PlannedTarget(name="shop/cart-1", kind="endpoint", detail="")
TWO = PlannedTarget(name="shop/cart-2", kind="endpoint", detail="")
LANES = tuple(PlannedTrial(key=f"t01-a.{n}", arm="a", trial=1, target=n) for n in (0, 1))
PLAN = _plan().model_copy(update={"targets": (ONE, TWO), "trials": LANES})


def test_a_round_names_its_arm_and_its_targets() -> None:
    step = round_step(PLAN, LANES)
    assert step.name == "round 1"
    assert step.does == "round 1 of 1, arm a, on shop/cart-1, shop/cart-2"


def test_a_step_names_each_fault_that_begins_or_ends_and_whom_it_hits() -> None:
    (fault, *_) = PLAN.faults
    inject = phase_step(PLAN, LANES[0], fault.begin)
    assert f"{fault.id}: {fault.does}" in inject.does
    assert inject.does.endswith("on shop/cart-1, shop/cart-2")
    every = list(Phase)
    release = phase_step(PLAN, LANES[0], every[every.index(fault.end) + 1])
    assert f"undo {fault.id}" in release.does
    assert release.asks


def test_all_targets_of_a_round_share_a_step_and_no_other_round_does() -> None:
    first, second = (phase_step(PLAN, lane, Phase.INJECT) for lane in LANES)
    assert first.key == second.key
    later = LANES[0].model_copy(update={"trial": 2})
    plan = PLAN.model_copy(update={"trials": (*LANES, later)})
    assert phase_step(plan, later, Phase.INJECT).key != first.key


def test_a_phase_of_no_length_in_which_nothing_happens_is_not_asked_for() -> None:
    phases = tuple(
        p.model_copy(update={"end": p.start}) if p.phase is Phase.HOLD else p for p in PLAN.phases
    )
    plan = PLAN.model_copy(update={"phases": phases})
    assert not phase_step(plan, LANES[0], Phase.HOLD).asks
    assert not phase_step(plan, LANES[0], next(iter(Phase))).asks


def test_a_long_list_of_targets_is_cut() -> None:
    many = tuple(ONE.model_copy(update={"name": f"pod-{n}"}) for n in range(8))
    lanes = tuple(PlannedTrial(key=f"t01-a.{n}", arm="a", trial=1, target=n) for n in range(8))
    plan = PLAN.model_copy(update={"targets": many, "trials": lanes})
    assert round_step(plan, lanes).does.endswith("pod-3, pod-4 and 3 more")
