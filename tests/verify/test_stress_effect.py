from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chaosmem.evidence.model import Trial
from chaosmem.metrics import (
    CHURNED,
    GC_CYCLES,
    GOGC,
    GOMEMLIMIT,
    GOROUTINES,
    GOROUTINES_HELD,
    HEAP_ALLOC,
    HEAP_ALLOCATED,
    HEAP_HELD,
    HEAP_LIVE,
    LOAD_FAILED,
    LOAD_OK,
    LOAD_SENT,
)
from chaosmem.spec.checks import GoroutineRecovery, StressEffect
from chaosmem.spec.faults import HeapFault, LoadFault, Request, RuntimeFault
from chaosmem.verify import Finding, Outcome, verify
from tests.verify.build import (
    HEAP,
    MIB,
    SURGE,
    TICKS,
    Curve,
    evidence,
    fault,
    heap_series,
    pulse,
    steps,
    surge,
    trial,
)

PASS, FAIL, INCONCLUSIVE = Outcome.PASS, Outcome.FAIL, Outcome.INCONCLUSIVE


def judged(shown: Trial, **spec: Any) -> Finding:
    checks = [StressEffect(**spec)] if spec else []
    found = next(
        f for f in verify(evidence(shown, checks=checks)).findings if f.check == "stress-effect"
    )
    assert "crashed" not in found.reason
    return found


def ramp(rate: float, start: float = 0.0, end: float = 99.0) -> Curve:
    return lambda t: rate * np.clip(t - start, 0, end - start)


def test_stress_effect_is_judged_although_no_spec_asks_for_it() -> None:
    verdict = verify(evidence(trial(surge(pulse(20, 520)), faults=[fault(SURGE)])))
    assert [f.check for f in verdict.findings] == ["stress-effect"]
    assert verdict.outcome is PASS


@pytest.mark.parametrize(
    ("held", "risen", "outcome"),
    [
        pytest.param(500, 500, PASS, id="all"),
        pytest.param(450, 450, PASS, id="at-the-tolerance"),
        pytest.param(449, 500, INCONCLUSIVE, id="agent-holds-too-few"),
        pytest.param(500, 449, INCONCLUSIVE, id="runtime-counts-too-few"),
        pytest.param(500, 0, INCONCLUSIVE, id="lying-agent"),
        pytest.param(500, 900, PASS, id="the-service-starts-more-itself"),
    ],
)
def test_a_surge_is_proven_by_the_agent_and_by_the_runtime(
    held: float, risen: float, outcome: Outcome
) -> None:
    shown = trial(surge(pulse(20, 20 + risen), held=held), faults=[fault(SURGE)])
    assert judged(shown).outcome is outcome


def test_a_lying_agent_is_shown_with_both_numbers() -> None:
    found = judged(trial(surge(21.0), faults=[fault(SURGE)]))
    assert "claims 500 goroutines" in found.reason
    assert "rose by only 0 above its baseline of 21" in found.reason
    assert found.table[1] == ("goroutines-1", "goroutines", "500", "500 held", "+0 above 21", "no")


@pytest.mark.parametrize(
    ("held", "risen", "outcome"),
    [
        pytest.param(64, 64, PASS, id="all"),
        pytest.param(57.7, 57.7, PASS, id="within-the-tolerance"),
        pytest.param(57.5, 64, INCONCLUSIVE, id="not-grown-in-time"),
        pytest.param(64, 57.5, INCONCLUSIVE, id="runtime-lacks-it"),
        pytest.param(64, 0, INCONCLUSIVE, id="lying-agent"),
    ],
)
@pytest.mark.parametrize("collected", [False, True], ids=["no-cycle", "after-a-cycle"])
def test_retained_heap_is_proven_by_the_agent_and_by_the_runtime(
    held: float, risen: float, outcome: Outcome, collected: bool
) -> None:
    heap = pulse(8 * MIB, (8 + risen) * MIB)
    curves = {HEAP_HELD: pulse(0, held * MIB), HEAP_ALLOC: heap}
    if collected:
        # After a cycle the live heap counts; the objects may be garbage.
        curves |= {HEAP_ALLOC: 999 * MIB, HEAP_LIVE: heap, GC_CYCLES: steps((0, 5), (15, 6))}
    assert judged(trial(curves, faults=[fault(HEAP)])).outcome is outcome


def test_a_live_heap_from_before_the_fault_is_not_held_against_it() -> None:
    # No cycle ended while the heap was held: /gc/heap/live still says what was before.
    curves = heap_series() | {HEAP_LIVE: 8 * MIB, GC_CYCLES: 5.0}
    found = judged(trial(curves, faults=[fault(HEAP)]))
    assert found.outcome is PASS
    assert "heap objects +64.0 MiB" in found.reason


@pytest.mark.parametrize(
    ("said", "allocated", "outcome"),
    [
        pytest.param(20, 21, PASS, id="all"),
        pytest.param(18.1, 19.1, PASS, id="within-the-tolerance"),
        pytest.param(17.9, 21, INCONCLUSIVE, id="agent-too-slow"),
        pytest.param(20, 18.9, INCONCLUSIVE, id="runtime-lacks-it-beyond-the-service's-own-1"),
    ],
)
def test_churn_is_a_rate_of_allocation_above_the_baseline(
    said: float, allocated: float, outcome: Outcome
) -> None:
    def total(t: Any) -> Any:
        return MIB * (np.minimum(t, 10) + allocated * np.clip(t - 10, 0, 10))

    curves = {CHURNED: ramp(said * MIB, 10, 20), HEAP_ALLOCATED: total}
    shown = trial(curves, faults=[fault(HeapFault(churn=20 * MIB))])
    assert judged(shown).outcome is outcome


def test_a_heap_fault_with_churn_must_prove_both() -> None:
    both = HeapFault(retain=64 << 20, churn=20 * MIB)
    found = judged(trial(heap_series(), faults=[fault(both)]))
    assert found.outcome is INCONCLUSIVE
    assert "memory.heap.churned@v1" in found.reason


@pytest.mark.parametrize(
    ("spec", "metric", "read", "outcome"),
    [
        pytest.param({"gogc": 50}, GOGC, 50, PASS, id="gogc"),
        pytest.param({"gogc": 50}, GOGC, 100, INCONCLUSIVE, id="gogc-unchanged"),
        pytest.param({"gogc": "off"}, GOGC, -1, PASS, id="gogc-off"),
        pytest.param({"gogc": "off"}, GOGC, 2.0**64 - 1, PASS, id="gogc-off-as-uint64"),
        pytest.param({"gogc": "off"}, GOGC, 100, INCONCLUSIVE, id="gogc-still-on"),
        pytest.param({"gomemlimit": 128 << 20}, GOMEMLIMIT, 128 * MIB, PASS, id="limit"),
        pytest.param({"gomemlimit": 128 << 20}, GOMEMLIMIT, 2.0**63, INCONCLUSIVE, id="no-limit"),
        pytest.param({"gomemlimit": "off"}, GOMEMLIMIT, 2.0**63 - 1, PASS, id="limit-off"),
        pytest.param({"gomemlimit": "off"}, GOMEMLIMIT, 1e9, INCONCLUSIVE, id="limit-still-on"),
    ],
)
def test_a_setting_must_read_back_as_it_was_asked(
    spec: dict[str, Any], metric: Any, read: float, outcome: Outcome
) -> None:
    shown = trial({metric: pulse(100, read)}, faults=[fault(RuntimeFault(**spec))])
    # The fault acts from t=10; the reading must be right from its acknowledgement on.
    shown = trial({metric: steps((0, 77), (10, read), (20, 77))}, faults=shown.faults)
    assert judged(shown).outcome is outcome


def test_a_setting_that_falls_back_while_the_fault_acts_is_unproven() -> None:
    curve = steps((0, 100), (10, 50), (15, 100))
    found = judged(trial({GOGC: curve}, faults=[fault(RuntimeFault(gogc=50))]))
    assert found.outcome is INCONCLUSIVE
    assert "GOGC read back as 100 in 50 of 100 samples" in found.reason


@pytest.mark.parametrize(
    ("spec", "readback", "outcome"),
    [
        pytest.param({"gogc": 50}, {"environ.GOGC": "50"}, PASS, id="environment"),
        pytest.param({"gogc": 50}, {"environ.GOGC": "100"}, INCONCLUSIVE, id="other-environment"),
        pytest.param({"gogc": 50}, {"runtime.gogc": 50.0}, PASS, id="agent"),
        pytest.param({"gogc": 50}, {}, INCONCLUSIVE, id="nothing"),
        pytest.param(
            {"godebug": {"madvdontneed": "0"}},
            {"environ.GODEBUG": "gctrace=1,madvdontneed=0"},
            PASS,
            id="godebug",
        ),
        pytest.param(
            {"godebug": {"madvdontneed": "0"}},
            {"environ.GODEBUG": "gctrace=1,madvdontneed=1"},
            INCONCLUSIVE,
            id="other-godebug",
        ),
        pytest.param({"godebug": {"a": "1"}}, {}, INCONCLUSIVE, id="no-godebug"),
        pytest.param({}, {}, INCONCLUSIVE, id="no-setting-at-all"),
    ],
)
def test_without_a_series_a_setting_is_proven_by_what_was_read_back(
    spec: dict[str, Any], readback: dict[str, Any], outcome: Outcome
) -> None:
    record = fault(RuntimeFault(via="restart", **spec), readback=readback)
    assert judged(trial({GOROUTINES: 20.0}, faults=[record])).outcome is outcome


@pytest.mark.parametrize(
    ("sent", "ok", "outcome"),
    [
        pytest.param(50, 50, PASS, id="all"),
        pytest.param(45.6, 45.6, PASS, id="within-the-tolerance"),
        pytest.param(44.9, 44.9, INCONCLUSIVE, id="too-slow"),
        pytest.param(50, 25.1, PASS, id="half-answered"),
        pytest.param(50, 24.9, INCONCLUSIVE, id="mostly-refused"),
        pytest.param(50, 0, INCONCLUSIVE, id="refused"),
    ],
)
def test_load_must_be_sent_at_its_rate_and_half_of_it_answered(
    sent: float, ok: float, outcome: Outcome
) -> None:
    curves = {
        LOAD_SENT: ramp(sent, 10, 20),
        LOAD_OK: ramp(ok, 10, 20),
        LOAD_FAILED: ramp(sent - ok, 10, 20),
    }
    load = LoadFault(rate=50, mix=(Request(path="/"),))
    assert judged(trial(curves, faults=[fault(load)])).outcome is outcome


@pytest.mark.parametrize(
    ("tolerance", "outcome"), [pytest.param(0.3, PASS), pytest.param(0.2, INCONCLUSIVE)]
)
def test_the_tolerance_is_the_specs(tolerance: float, outcome: Outcome) -> None:
    shown = trial(surge(pulse(20, 395), held=375), faults=[fault(SURGE)])
    assert judged(shown, tolerance=tolerance).outcome is outcome


def test_a_fault_that_was_never_applied_is_unproven_with_its_error() -> None:
    record = fault(SURGE, applied=None, undone=None, apply_error="HTTP 422 over-limit")
    found = judged(trial(surge(pulse(20, 520)), faults=[record]))
    assert found.outcome is INCONCLUSIVE
    assert "HTTP 422 over-limit" in found.reason


def test_a_planned_fault_without_a_record_is_unproven() -> None:
    whole = trial(surge(pulse(20, 520)), faults=[fault(SURGE)])
    bare = trial(surge(pulse(20, 520)))
    found = [f for f in verify(evidence(whole, bare)).findings if f.check == "stress-effect"]
    assert [f.outcome for f in found] == [PASS, INCONCLUSIVE]
    assert "goroutines-1 was planned and never applied" in found[1].reason


def test_an_experiment_without_faults_shows_nothing() -> None:
    verdict = verify(evidence(trial({GOROUTINES: 20.0}), checks=[GoroutineRecovery()]))
    assert verdict.outcome is INCONCLUSIVE
    assert "declares no fault" in verdict.says


def test_an_unproven_fault_takes_a_pass_away_and_leaves_a_fail() -> None:
    # The surge is seen to leave the band, so recovery alone would PASS; but half of it is missing.
    half = trial(surge(pulse(20, 270), held=250), faults=[fault(SURGE)])
    leak = trial(surge(steps((0, 20), (10.5, 270)), held=250), faults=[fault(SURGE)])
    for shown, outcome in ((half, INCONCLUSIVE), (leak, FAIL)):
        found = verify(evidence(shown, checks=[GoroutineRecovery()])).findings
        recovery = next(f for f in found if f.check == "goroutine-recovery")
        assert recovery.outcome is outcome
        assert ("the fault was not proven" in recovery.reason) is (outcome is INCONCLUSIVE)


def test_an_advisory_stress_effect_still_takes_a_pass_away() -> None:
    half = trial(surge(pulse(20, 270), held=250), faults=[fault(SURGE)])
    checks = [StressEffect(advisory=True), GoroutineRecovery()]
    assert verify(evidence(half, checks=checks)).outcome is INCONCLUSIVE


def test_the_agents_claim_alone_is_no_proof_when_the_runtime_was_not_measured() -> None:
    found = judged(trial({GOROUTINES_HELD: pulse(0, 500)}, faults=[fault(SURGE)]))
    assert found.outcome is INCONCLUSIVE
    assert "0 samples of goroutines.count@v1" in found.reason


@pytest.mark.parametrize(
    ("held", "outcome"),
    [pytest.param(550, PASS, id="at-the-tolerance"), pytest.param(551, INCONCLUSIVE, id="above")],
)
def test_an_agent_that_claims_more_than_was_asked_is_not_believed(
    held: float, outcome: Outcome
) -> None:
    shown = trial(surge(pulse(20, 1020), held=held), faults=[fault(SURGE)])
    assert judged(shown).outcome is outcome


def test_a_surge_that_ended_before_its_release_is_unproven() -> None:
    # The agent's dead man let go at t=15: nothing acted at the end of the hold.
    curves = surge(pulse(20, 520)) | {GOROUTINES_HELD: pulse(0, 500, end=15.0)}
    found = judged(trial(curves, faults=[fault(SURGE)]))
    assert found.outcome is INCONCLUSIVE
    assert "let go of it at t=15.05 s, while the fault still acted" in found.reason


@pytest.mark.parametrize(
    ("until", "outcome"),
    [pytest.param(19.1, PASS, id="within-a-second"), pytest.param(18.9, INCONCLUSIVE, id="more")],
)
def test_a_fault_must_be_watched_to_its_end(until: float, outcome: Outcome) -> None:
    t = TICKS[(until > TICKS) | (TICKS > 21)]
    found = judged(trial(surge(pulse(20, 520)), faults=[fault(SURGE)], t=t))
    assert found.outcome is outcome
    assert ("was not sampled for" in found.reason) is (outcome is INCONCLUSIVE)


@pytest.mark.parametrize(("gap", "outcome"), [(0.8, PASS), (1.2, INCONCLUSIVE)])
def test_a_fault_must_be_watched_all_along(gap: float, outcome: Outcome) -> None:
    t = TICKS[(TICKS < 14) | (14 + gap < TICKS)]
    assert judged(trial(surge(pulse(20, 520)), faults=[fault(SURGE)], t=t)).outcome is outcome


def test_slow_sampling_alone_is_no_gap() -> None:
    t = np.arange(0.25, 40, 2.0)
    assert judged(trial(surge(pulse(20, 520)), faults=[fault(SURGE)], t=t)).outcome is PASS


def test_requests_before_the_fault_do_not_count_as_its_load() -> None:
    earlier = {LOAD_SENT: ramp(25, 0, 20), LOAD_OK: ramp(25, 0, 20)}
    load = LoadFault(rate=50, mix=(Request(path="/"),))
    found = judged(trial(earlier, faults=[fault(load)]))
    assert found.outcome is INCONCLUSIVE
    assert found.numbers["load-1 sent"].value == pytest.approx(25, rel=0.02)
