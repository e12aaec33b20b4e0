from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from chaosmem.evidence.model import ProbeProblem, Trial, Window
from chaosmem.metrics import GOROUTINES
from chaosmem.spec.base import Phase
from chaosmem.spec.checks import GoroutineRecovery
from chaosmem.verify import Finding, Outcome, verify
from tests.verify.build import (
    PHASES,
    RELEASED,
    SURGE,
    TICKS,
    Curve,
    U,
    capture,
    evidence,
    fault,
    heap_series,
    pulse,
    series,
    steps,
    surge,
    trial,
)

PASS, FAIL, INCONCLUSIVE = Outcome.PASS, Outcome.FAIL, Outcome.INCONCLUSIVE


def judged(shown: Trial, **spec: Any) -> Finding:
    """The finding of goroutine-recovery on one trial."""
    run = evidence(shown, checks=[GoroutineRecovery(**spec)])
    found = next(f for f in verify(run).findings if f.check == "goroutine-recovery")
    assert "crashed" not in found.reason
    return found


def drained(after: float, **change: Any) -> Trial:
    """A surge of 500 over 20 goroutines that ends `after` seconds after release."""
    return trial(surge(pulse(20, 520, RELEASED + after)), faults=[fault(SURGE)], **change)


@pytest.mark.parametrize(
    ("after", "outcome"),
    [
        pytest.param(0.0, PASS, id="at-once"),
        pytest.param(4.8, PASS, id="just-in-time"),
        pytest.param(5.0, INCONCLUSIVE, id="the-deadline-between-two-samples"),
        pytest.param(5.2, FAIL, id="just-too-late"),
        pytest.param(8.0, FAIL, id="slow"),
        pytest.param(99.0, FAIL, id="leak"),
    ],
)
def test_the_recovery_time_is_compared_with_its_sampling_error(
    after: float, outcome: Outcome
) -> None:
    assert judged(drained(after)).outcome is outcome


@pytest.mark.parametrize("after", [0.0, 0.31, 1.0, 4.2, 7.77, 12.04])
def test_the_interval_holds_the_true_recovery_time_and_is_one_sample_wide(after: float) -> None:
    headline = judged(drained(after)).headline
    assert headline is not None
    assert headline.error is not None
    assert abs(headline.value - after) <= headline.error
    assert headline.unit == "s"
    assert headline.error <= (0.1 + 2 * U + 2 * 0.001) / 2 + 1e-9


def test_the_interval_is_the_two_samples_around_the_return_and_the_uncertainties() -> None:
    numbers = judged(drained(1.0)).numbers
    # Samples at 20.95 (out) and 21.05 (in), each ± 2 ms; release at 20 ± 1 ms.
    assert numbers["recovery time"].value == pytest.approx(1.0)
    assert numbers["recovery time"].error == pytest.approx(0.05 + U + 0.001)


def test_a_wider_uncertainty_of_the_release_makes_a_close_call_inconclusive() -> None:
    sharp = drained(4.8)
    vague = replace(sharp, faults=(fault(SURGE, undone_u=0.3),))
    assert (judged(sharp).outcome, judged(vague).outcome) == (PASS, INCONCLUSIVE)


def test_slow_sampling_makes_a_close_call_inconclusive() -> None:
    t = np.arange(0.5, 40, 1.0)
    found = judged(drained(4.8, t=t), dwell=2.0)
    assert found.outcome is INCONCLUSIVE
    assert "sampling cannot decide" in found.reason


def test_a_gap_over_the_deadline_cannot_be_decided() -> None:
    t = TICKS[(TICKS < 21) | (TICKS > 27)]
    found = judged(drained(2.0, t=t))
    assert found.outcome is INCONCLUSIVE
    assert "longest gap 6.1 s" in found.reason


def test_a_gap_while_still_out_does_not_excuse_a_leak() -> None:
    t = TICKS[(TICKS < 21) | (TICKS > 27)]
    assert judged(drained(9.0, t=t)).outcome is FAIL


def test_a_leak_is_counted() -> None:
    found = judged(trial(surge(steps((0, 20), (10.5, 520), (20, 57))), faults=[fault(SURGE)]))
    assert found.outcome is FAIL
    assert found.numbers["left over"].value == 37
    assert "37 goroutines" in found.observed
    assert found.headline is None


@pytest.mark.parametrize(
    ("left", "outcome"),
    [
        pytest.param(2, PASS, id="edge-of-the-band-belongs-to-it"),
        pytest.param(3, FAIL, id="one-above"),
        pytest.param(-2, PASS, id="lower-edge"),
        pytest.param(-3, FAIL, id="below-is-out-as-well"),
    ],
)
def test_the_band_is_at_least_two_goroutines_wide(left: int, outcome: Outcome) -> None:
    shown = trial(surge(steps((0, 20), (10.5, 520), (20, 20 + left))), faults=[fault(SURGE)])
    assert judged(shown).outcome is outcome


@pytest.mark.parametrize(("left", "outcome"), [(50, PASS), (51, FAIL)])
def test_the_band_is_five_percent_of_a_large_baseline(left: int, outcome: Outcome) -> None:
    shown = trial(surge(steps((0, 1000), (10.5, 1500), (20, 1000 + left))), faults=[fault(SURGE)])
    assert judged(shown).outcome is outcome


@pytest.mark.parametrize(("left", "outcome"), [(12, PASS), (13, FAIL)])
def test_the_band_is_three_times_the_mad_of_a_noisy_baseline(left: int, outcome: Outcome) -> None:
    noise = np.where(np.arange(len(TICKS)) % 2, 4.0, -4.0)  # MAD 4

    def curve(t: np.ndarray[Any, np.dtype[np.float64]]) -> np.ndarray[Any, np.dtype[np.float64]]:
        held = np.where((t >= 10.5) & (t < 20), 500.0, 0.0)
        return np.where(t < 20, 20 + noise + held, 20 + left)

    assert judged(trial(surge(curve), faults=[fault(SURGE)])).outcome is outcome


def test_a_dip_into_the_band_shorter_than_the_dwell_is_no_recovery() -> None:
    curve = steps((0, 20), (10.5, 520), (21, 20), (21.5, 400), (27, 20))
    found = judged(trial(surge(curve), faults=[fault(SURGE)]))
    assert found.outcome is FAIL
    assert found.numbers["recovery time"].value == pytest.approx(7.0, abs=0.06)


@pytest.mark.parametrize(
    ("long", "outcome"),
    [pytest.param(0.95, PASS, id="a-blip"), pytest.param(1.15, FAIL, id="a-relapse")],
)
def test_leaving_the_band_again_for_the_dwell_is_a_relapse(long: float, outcome: Outcome) -> None:
    curve = steps((0, 20), (10.5, 520), (21, 20), (30, 400), (30 + long, 20))
    found = judged(trial(surge(curve), faults=[fault(SURGE)]))
    assert found.outcome is outcome
    assert ("did not stay" in found.reason) is (outcome is FAIL)


@pytest.mark.parametrize(
    ("end", "after", "outcome"),
    [
        pytest.param(24.0, 3.5, INCONCLUSIVE, id="before-the-dwell"),
        pytest.param(24.0, 99.0, INCONCLUSIVE, id="before-the-deadline"),
        pytest.param(22.0, 0.5, PASS, id="recovered-early-and-dwelt"),
        pytest.param(26.0, 99.0, FAIL, id="the-deadline-was-seen"),
    ],
)
def test_a_recover_phase_that_ends_too_early_decides_nothing(
    end: float, after: float, outcome: Outcome
) -> None:
    phases = {**PHASES, Phase.RECOVER: Window(20.0, end)}
    assert judged(drained(after, phases=phases)).outcome is outcome


def test_samples_after_the_recover_phase_do_not_count() -> None:
    curve = steps((0, 20), (10.5, 520), (20.5, 20), (30, 9000))
    phases = {**PHASES, Phase.RECOVER: Window(20.0, 29.9)}
    assert judged(trial(surge(curve), faults=[fault(SURGE)], phases=phases)).outcome is PASS


def test_a_surge_that_never_left_the_band_proves_nothing() -> None:
    found = judged(trial(surge(20.0), faults=[fault(SURGE)]))
    assert found.outcome is INCONCLUSIVE
    assert "never seen outside the baseline band 20 ± 2" in found.reason


@pytest.mark.parametrize(
    ("base", "outcome"),
    [pytest.param(5000, PASS, id="half"), pytest.param(5020, INCONCLUSIVE, id="more-than-half")],
)
def test_a_surge_must_not_be_able_to_hide_in_the_band(base: int, outcome: Outcome) -> None:
    # The band is 5 % of the baseline: ±250 is half of the surge of 500.
    found = judged(trial(surge(pulse(base, base + 500)), faults=[fault(SURGE)]))
    assert found.outcome is outcome
    assert ("could hide in it" in found.reason) is (outcome is INCONCLUSIVE)


def test_a_drifting_baseline_is_no_steady_state() -> None:
    def ramp(t: np.ndarray[Any, np.dtype[np.float64]]) -> np.ndarray[Any, np.dtype[np.float64]]:
        return np.asarray(20 + np.floor(t) + np.where((t > 10.5) & (t < 20), 500, 0))

    found = judged(trial(surge(ramp), faults=[fault(SURGE)]))
    assert found.outcome is INCONCLUSIVE
    assert "not steady" in found.reason


@pytest.mark.parametrize(("count", "outcome"), [(9, INCONCLUSIVE), (10, PASS)])
def test_the_baseline_needs_min_samples(count: int, outcome: Outcome) -> None:
    t = np.concatenate((TICKS[:count], TICKS[TICKS > 10]))
    found = judged(drained(1.0, t=t))
    assert found.outcome is outcome
    assert (f"{count} samples of goroutines.count@v1" in found.reason) is (outcome is not PASS)


def test_a_failing_probe_is_named_when_samples_are_missing() -> None:
    problem = ProbeProblem(3.0, "agent", "HTTP 500 from /debug/chaosmem/v1/sample")
    shown = drained(1.0, t=TICKS[TICKS > 10], problems=(problem,))
    assert "HTTP 500" in judged(shown).reason


def test_without_release_there_is_nothing_to_judge() -> None:
    record = fault(SURGE, undone=None, undo_error="connection refused")
    found = judged(trial(surge(pulse(20, 520)), faults=[record]))
    assert found.outcome is INCONCLUSIVE
    assert "connection refused" in found.reason


@pytest.mark.parametrize(
    ("extra", "outcome"),
    [
        pytest.param(3, PASS, id="what-a-capture-adds"),
        pytest.param(500, FAIL, id="more-than-a-capture-can-add"),
    ],
)
def test_goroutines_of_our_own_captures_are_not_held_against_the_target(
    extra: int, outcome: Outcome
) -> None:
    # A capture from 24 to 26 s raises the count by its own goroutines.
    curve = steps((0, 20), (10.5, 520), (20.5, 20), (24, 20 + extra), (26, 20))
    shown = trial(
        surge(curve),
        faults=[fault(SURGE)],
        captures=(capture("heap", "recover+4s", 24.0, 26.0, file=""),),
    )
    assert judged(shown).outcome is outcome


def test_a_capture_over_the_return_widens_the_recovery_time() -> None:
    curve = steps((0, 20), (10.5, 520), (21, 23), (22, 20))
    plain = judged(trial(surge(curve), faults=[fault(SURGE)]))
    seen = capture("cpu", "recover+1s", 20.9, 21.99, file="")
    watched = judged(trial(surge(curve), faults=[fault(SURGE)], captures=(seen,)))
    assert plain.headline is not None
    assert watched.headline is not None
    assert watched.headline.error == pytest.approx((plain.headline.error or 0) + 0.45, abs=0.06)


def test_captures_do_not_widen_the_baseline() -> None:
    curve = steps((0, 20), (4, 23), (9.95, 20), (10.5, 520), (20.5, 20))
    seen = capture("goroutine", "baseline+4s", 3.99, 9.9, file="")
    found = judged(trial(surge(curve), faults=[fault(SURGE)], captures=(seen,)))
    assert found.numbers["baseline median"].value == 20
    assert found.outcome is PASS


def test_a_baseline_that_is_all_captures_has_no_samples() -> None:
    seen = capture("cpu", "baseline+1s", 0.5, 9.9, file="")
    found = judged(drained(1.0, captures=(seen,)))
    assert found.outcome is INCONCLUSIVE
    assert "while no capture was running" in found.reason


def test_a_heap_fault_that_moves_no_goroutine_recovers_at_once() -> None:
    from tests.verify.build import HEAP

    found = judged(trial(heap_series() | {GOROUTINES: 20.0}, faults=[fault(HEAP)]))
    assert found.outcome is PASS
    assert found.numbers["out of the band for at least"].value == 0


def test_the_finding_says_what_was_expected_and_where_the_evidence_is() -> None:
    found = judged(drained(1.0), within=3.0)
    assert "within 3 s" in found.expected
    assert found.threshold == "recovery time <= 3 s; band = baseline median ± max(3·MAD, 5 %, 2)"
    assert [p.file for p in found.evidence] == ["series/t.npz", "series/t.npz"]
    assert found.evidence[1].start == RELEASED
    assert "band 20 ± 2 from 100 samples" in found.reason


def test_the_unit_of_the_builder_is_one_series() -> None:
    made: Curve = 3.0
    assert series(GOROUTINES, made).v.tolist() == [3.0] * len(TICKS)


def test_a_relapse_is_told_from_its_begin_to_its_end() -> None:
    curve = steps((0, 20), (10.5, 520), (21, 20), (30, 400), (32, 20))
    found = judged(trial(surge(curve), faults=[fault(SURGE)]))
    assert "out of the band again from 10.1 s to 12 s after release" in found.observed


def test_an_early_end_is_told_with_the_last_sample() -> None:
    phases = {**PHASES, Phase.RECOVER: Window(20.0, 24.0)}
    found = judged(drained(99.0, phases=phases))
    assert found.observed == "observed for 3.95 s after release"


def test_a_sample_that_may_overlap_a_capture_is_not_of_the_baseline() -> None:
    # Half round trip 0.2 s: the samples at 3.85 and 6.15 may have met the capture from 4 to 6 s.
    seen = capture("cpu", "baseline+4s", 4.0, 6.0, file="")
    found = judged(drained(0.0, captures=(seen,), u=0.2))
    assert "from 76 samples" in found.reason
