"""Pressure from beside the process is proven by the kernel's numbers, never by anybody's word."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chaosmem.evidence.model import FaultRecord, TargetEvent, TargetState, Trial
from chaosmem.metrics import CGROUP_LIMIT, CGROUP_WORKING_SET, STRESS_HELD, TARGET_RSS, Metric
from chaosmem.spec.base import Phase
from chaosmem.spec.checks import CheckBase, GoroutineRecovery, NoOom, NoRestart
from chaosmem.spec.faults import MemoryFault
from chaosmem.verify import Finding, Outcome, verify
from tests.verify.build import MIB, PHASES, SURGE, Curve, evidence, fault, pulse, trial

OOM = TargetState.OOM_KILLED
PASS, INCONCLUSIVE = Outcome.PASS, Outcome.INCONCLUSIVE
LIMIT, LEVEL, BASE, OWN = 256 * MIB, 204.8 * MIB, 40 * MIB, 30 * MIB
ADDED = LEVEL - BASE


def judged(curves: dict[Metric, Curve], acknowledged: dict[str, Any], **spec: Any) -> Finding:
    pressed = MemoryFault.model_validate({"via": "helper", "level": 0.8} | spec)
    shown = trial(curves, faults=[fault(pressed, acknowledged=acknowledged)])
    return next(f for f in verify(evidence(shown)).findings if f.check == "stress-effect")


def seen(top: float = LEVEL, own: float = 0.0, held: float | None = None) -> dict[Metric, Curve]:
    found = {CGROUP_WORKING_SET: pulse(BASE, top), TARGET_RSS: pulse(OWN, OWN + own)}
    found[CGROUP_LIMIT] = LIMIT
    return found | {STRESS_HELD: pulse(0, top - BASE - own if held is None else held)}


ASKED = {"level_bytes": LEVEL}


@pytest.mark.parametrize(
    ("curves", "outcome", "says"),
    [
        pytest.param(seen(), PASS, "held", id="held-at-the-level"),
        pytest.param(seen(LEVEL + 4 * MIB), PASS, "held", id="within-two-percent-of-the-limit"),
        pytest.param(seen(LEVEL + 6 * MIB), INCONCLUSIVE, "was asked for", id="over-the-level"),
        pytest.param(seen(150 * MIB), INCONCLUSIVE, "was asked for", id="short-of-the-level"),
        pytest.param(seen(own=60 * MIB), PASS, "held", id="a-heap-fault-takes-its-part"),
        pytest.param(seen(own=ADDED), INCONCLUSIVE, "process itself grew", id="only-the-process"),
        pytest.param(
            seen(BASE, held=ADDED), INCONCLUSIVE, "beyond the process", id="a-stressor-that-lies"
        ),
        pytest.param(
            seen(own=ADDED, held=ADDED), INCONCLUSIVE, "beyond the process", id="it-was-the-process"
        ),
    ],
)
def test_the_rise_must_be_what_the_stressor_holds(
    curves: dict[Metric, Curve], outcome: Outcome, says: str
) -> None:
    found = judged(curves, ASKED)
    assert found.outcome is outcome
    assert says in found.reason


def test_a_stresschaos_has_no_own_count_so_its_size_stands_for_it() -> None:
    curves = {k: v for k, v in seen().items() if k is not STRESS_HELD}
    observing = curves | {STRESS_HELD: 0.0}  # a helper that only observes says what it itself holds
    for told in (curves, observing):
        assert judged(told, ASKED | {"size_bytes": ADDED}, via="chaos-mesh").outcome is PASS
    nothing = judged(curves, ASKED, via="chaos-mesh")
    assert nothing.outcome is INCONCLUSIVE
    assert "the size_bytes that was asked of this container is not known" in nothing.reason


@pytest.mark.parametrize(
    "lacks",
    [CGROUP_WORKING_SET, TARGET_RSS, CGROUP_LIMIT],
    ids=["working-set", "rss", "limit"],
)
def test_what_was_not_measured_is_not_proven(lacks: Metric) -> None:
    curves = {k: v for k, v in seen().items() if k is not lacks}
    assert judged(curves, ASKED).outcome is INCONCLUSIVE


def test_an_oom_that_is_expected_may_take_the_working_set_beyond_the_level() -> None:
    assert judged(seen(LEVEL + 40 * MIB), ASKED, oom="expected").outcome is PASS


# --- the kill that an experiment wants to see

BEYOND = {"level_bytes": 281 * MIB}
KILLED = 13.0


def ended(state: TargetState = OOM, *, at: float = KILLED, held: float = ADDED) -> Trial:
    """A trial that ended with its target; the helper held more and more until then."""
    events = (
        TargetEvent(0.0, TargetState.READY, line=3),
        TargetEvent(at, state, detail="OOMKilled, exit code 137", line=31),
    )
    phases = {name: PHASES[name] for name in (Phase.BASELINE, Phase.INJECT)}
    curves, record = seen(LIMIT, held=held), pressed()
    return trial(curves, faults=[record], complete=False, phases=phases, events=events)


def pressed(oom: str = "expected", **change: Any) -> FaultRecord:
    """The fault that goes beyond the limit."""
    asked = {"via": "helper", "level": "281MiB", "of": "absolute", "oom": oom}
    spec = MemoryFault.model_validate(asked)
    return fault(spec, acknowledged=BEYOND, **{"undone": KILLED + 1} | change)


def outcomes(shown: Trial, *checks: CheckBase) -> dict[str, Finding]:
    return {f.check: f for f in verify(evidence(shown, checks=checks)).findings}


def test_an_oom_kill_that_is_expected_is_the_effect_itself() -> None:
    found = outcomes(ended())["stress-effect"]
    assert found.outcome is PASS
    assert "OOM-killed" in found.reason
    assert "held before it" in found.reason
    assert 31 in [p.line for p in found.evidence]


def test_of_a_process_that_was_killed_as_expected_nothing_else_passes() -> None:
    found = outcomes(ended(), GoroutineRecovery(), NoOom(), NoRestart())
    assert found["goroutine-recovery"].outcome is INCONCLUSIVE
    assert found["no-oom"].outcome is Outcome.FAIL
    assert found["no-restart"].outcome is Outcome.FAIL


@pytest.mark.parametrize(
    "shown",
    [
        pytest.param(replace(ended(), faults=(pressed("forbidden"),)), id="forbidden"),
        pytest.param(ended(TargetState.EXITED), id="it-ended-otherwise"),
        pytest.param(ended(at=9.0), id="before-the-fault"),
        pytest.param(ended(at=KILLED + 2), id="after-the-release"),
        pytest.param(replace(ended(), faults=(pressed(applied=None),)), id="never-applied"),
        pytest.param(ended(held=0.01 * LIMIT), id="the-stressor-held-next-to-nothing"),
        pytest.param(replace(ended(), series={}), id="nothing-was-measured"),
    ],
)
def test_any_other_end_proves_nothing(shown: Trial) -> None:
    assert outcomes(shown)["stress-effect"].outcome is INCONCLUSIVE


def test_another_fault_beside_it_has_to_be_proven_all_the_same() -> None:
    shown = ended()
    found = outcomes(replace(shown, faults=(*shown.faults, fault(SURGE, undone=KILLED + 1))))
    assert found["stress-effect"].outcome is INCONCLUSIVE
