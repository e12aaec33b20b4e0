from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from chaosmem.evidence.model import Histogram, Log, TargetEvent, TargetState, Trial
from chaosmem.metrics import (
    GC_CPU,
    GC_CPU_IDLE,
    GC_CYCLES,
    GC_LIMITER,
    GO_CPU,
    GO_CPU_IDLE,
    GOROUTINES,
    HEAP_ALLOC,
    HEAP_ALLOCATED,
    HEAP_FREE,
    HEAP_LIVE,
    PROCESS_CPU,
    RSS,
)
from chaosmem.spec.checks import (
    CheckBase,
    GcCpu,
    HeapReturns,
    NoOom,
    NoRestart,
    Pause,
    RssReturns,
)
from chaosmem.verify import Finding, Outcome, verify
from chaosmem.verify.checks.pause import by_chance, difference, quantile
from chaosmem.verify.ruling import Undecided
from tests.verify.build import (
    END,
    HEAP,
    MIB,
    TICKS,
    Curve,
    capture,
    cycles,
    evidence,
    fault,
    heap_series,
    steps,
    trial,
)

PASS, FAIL, INCONCLUSIVE = Outcome.PASS, Outcome.FAIL, Outcome.INCONCLUSIVE


def judged(shown: Trial, spec: Any) -> Finding:
    check: CheckBase = spec
    kind = spec.kind
    found = next(f for f in verify(evidence(shown, checks=[check])).findings if f.check == kind)
    assert "crashed" not in found.reason
    return found


def stressed(curves: dict[Any, Curve] | None = None, **change: Any) -> Trial:
    return trial(heap_series() | (curves or {}), faults=[fault(HEAP)], **change)


EXITED = TargetEvent(15.0, TargetState.EXITED, pid=4242, detail="exit status 2", line=44)
OOM = TargetEvent(15.0, TargetState.OOM_KILLED, pid=4242, line=44)
READY = TargetEvent(0.0, TargetState.READY, pid=4242)
OURS = TargetEvent(15.0, TargetState.RESTARTED, pid=4243, by_us=True)
SILENT = TargetEvent(15.0, TargetState.UNREACHABLE, detail="timeout")


@pytest.mark.parametrize(
    ("events", "restart", "oom"),
    [
        pytest.param((READY,), PASS, PASS, id="lives"),
        pytest.param((READY, EXITED), FAIL, INCONCLUSIVE, id="exits"),
        pytest.param((READY, OOM), FAIL, FAIL, id="oom-killed"),
        pytest.param((READY, OURS), PASS, PASS, id="restarted-by-us"),
        pytest.param((READY, replace(OURS, by_us=False)), FAIL, INCONCLUSIVE, id="restarted"),
        pytest.param((READY, SILENT), INCONCLUSIVE, INCONCLUSIVE, id="silent"),
        pytest.param((READY, SILENT, replace(READY, t=17)), PASS, PASS, id="silent-for-a-while"),
        pytest.param(
            (TargetEvent(9.0, TargetState.NEVER_READY),), INCONCLUSIVE, INCONCLUSIVE, id="never"
        ),
    ],
)
def test_whether_the_process_lived(
    events: tuple[TargetEvent, ...], restart: Outcome, oom: Outcome
) -> None:
    shown = stressed(events=events)
    assert judged(shown, NoRestart()).outcome is restart
    assert judged(shown, NoOom()).outcome is oom


def test_an_exit_is_told_with_its_detail_and_journal_line() -> None:
    found = judged(stressed(events=(READY, EXITED)), NoRestart())
    assert found.observed == "the target ended by itself at t=15.00 s (exit status 2)"
    assert found.evidence[0].line == 44


def test_go_running_out_of_memory_is_an_oom() -> None:
    log = Log("logs/t.log", b"hello\nfatal error: runtime: out of memory\n", 0.0)
    found = judged(stressed(events=(READY, EXITED), log=log), NoOom())
    assert found.outcome is FAIL
    assert (found.evidence[0].file, found.evidence[0].line) == ("logs/t.log", 2)


def test_a_counter_that_falls_shows_another_process() -> None:
    found = judged(stressed({GC_CYCLES: steps((0, 90), (15, 2))}), NoRestart())
    assert found.outcome is FAIL
    assert "fell from 90 to 2" in found.reason


def test_a_counter_may_fall_at_our_own_restart() -> None:
    shown = stressed({GC_CYCLES: steps((0, 90), (15, 2))}, events=(READY, OURS))
    assert judged(shown, NoRestart()).outcome is PASS


@pytest.mark.parametrize(("until", "outcome"), [(END - 4.8, PASS), (END - 5.2, INCONCLUSIVE)])
def test_the_last_sample_must_be_from_the_end(until: float, outcome: Outcome) -> None:
    shown = stressed(t=TICKS[until > TICKS])
    assert judged(shown, NoRestart()).outcome is outcome


# The check heap-returns.


def live(*after: tuple[float, float], before: float = 8.0) -> dict[str, Any]:
    """Cycles as (time, live MiB) after release, beside one of the baseline and one of the hold."""
    rows = [(5.0, before), (15.0, 72.0), *after]
    return {
        "cycles": cycles([{"n": i + 1, "t": t, "live": m * MIB} for i, (t, m) in enumerate(rows)])
    }


@pytest.mark.parametrize(
    ("mib", "outcome"),
    [
        pytest.param(12.0, PASS, id="4-MiB-above-is-allowed"),
        pytest.param(12.01, FAIL, id="more-is-not"),
        pytest.param(1.0, PASS, id="less-than-before"),
    ],
)
def test_live_heap_may_be_4_mib_above_its_baseline(mib: float, outcome: Outcome) -> None:
    assert judged(stressed(**live((25, mib), (30, mib))), HeapReturns()).outcome is outcome


@pytest.mark.parametrize(("mib", "outcome"), [(110.0, PASS), (110.1, FAIL)])
def test_or_ten_percent_of_a_large_baseline(mib: float, outcome: Outcome) -> None:
    shown = stressed(**live((25, mib), (30, mib), before=100.0))
    assert judged(shown, HeapReturns()).outcome is outcome


def test_without_a_cycle_after_release_nobody_knows() -> None:
    found = judged(stressed(**live()), HeapReturns())
    assert found.outcome is INCONCLUSIVE
    assert "recover.end" in found.reason


def test_without_a_cycle_in_the_baseline_nobody_knows() -> None:
    found = judged(stressed(cycles=cycles([{"n": 9, "t": 30.0}])), HeapReturns())
    assert found.outcome is INCONCLUSIVE
    assert "baseline.end" in found.reason


@pytest.mark.parametrize(
    ("captures", "outcome"),
    [
        pytest.param((), INCONCLUSIVE, id="it-may-have-begun-before"),
        pytest.param((capture("heap", "recover.end", 24.9, 25.1),), FAIL, id="forced-after"),
        pytest.param(
            (capture("heap", "recover.end", 24.9, 25.1, gc=False),), INCONCLUSIVE, id="not-forced"
        ),
        pytest.param(
            (capture("heap", "hold.end", 19.0, 25.1),), INCONCLUSIVE, id="forced-before-release"
        ),
    ],
)
def test_the_only_cycle_after_release_must_have_begun_after_it(
    captures: tuple[Any, ...], outcome: Outcome
) -> None:
    shown = stressed(captures=captures, **live((25, 72)))
    assert judged(shown, HeapReturns()).outcome is outcome


@pytest.mark.parametrize(
    ("cycle", "outcome"),
    [
        pytest.param((24.9, 8), PASS, id="in-time"),
        pytest.param((25.1, 8), INCONCLUSIVE, id="too-late-to-tell"),
        pytest.param((25.1, 72), FAIL, id="still-there-after-the-deadline"),
    ],
)
def test_within_is_judged_by_the_cycles_on_both_sides(
    cycle: tuple[float, float], outcome: Outcome
) -> None:
    shown = stressed(**live((21, 72), (22, 72), cycle))
    assert judged(shown, HeapReturns(within=5.0)).outcome is outcome


def test_within_needs_a_cycle_after_the_last_one_above() -> None:
    found = judged(stressed(**live((21, 72), (22, 72))), HeapReturns(within=5.0))
    assert found.outcome is INCONCLUSIVE


def test_without_the_agent_the_samples_date_the_cycles() -> None:
    curves: dict[Any, Curve] = {
        GC_CYCLES: steps((0, 1), (5, 2), (15, 3), (25, 4), (30, 5)),
        HEAP_LIVE: steps((0, 1 * MIB), (5, 8 * MIB), (15, 72 * MIB), (25, 8 * MIB), (30, 9 * MIB)),
    }
    found = judged(stressed(curves), HeapReturns())
    assert found.outcome is PASS
    assert found.numbers["baseline live heap"].value == 8 * MIB
    assert found.numbers["last live heap"].value == 9 * MIB


def test_heap_that_grows_on_after_the_release_fails_at_the_end() -> None:
    shown = stressed(**live((21, 8), (25, 20), (35, 40)))
    assert judged(shown, HeapReturns()).outcome is FAIL


# The check rss-returns.


@pytest.mark.parametrize(
    ("mib", "base", "outcome"),
    [
        pytest.param(36, 20, PASS, id="16-MiB-above"),
        pytest.param(36.1, 20, FAIL, id="more"),
        pytest.param(240, 200, PASS, id="20-percent-above"),
        pytest.param(240.1, 200, FAIL, id="more-than-20-percent"),
    ],
)
def test_resident_memory_returns(mib: float, base: float, outcome: Outcome) -> None:
    shown = stressed({RSS: steps((0, base * MIB), (10, 900 * MIB), (30, mib * MIB))})
    assert judged(shown, RssReturns()).outcome is outcome


def test_resident_memory_that_stays_is_explained() -> None:
    curves: dict[Any, Curve] = {
        RSS: steps((0, 20 * MIB), (10, 99 * MIB)),
        HEAP_FREE: 70 * MIB,
        HEAP_ALLOC: 5 * MIB,
    }
    why = judged(trial(curves, faults=[fault(HEAP)]), RssReturns()).reason
    assert "5.0 MiB of heap objects" in why
    assert "70.0 MiB of free heap" in why


@pytest.mark.parametrize(("from_t", "outcome"), [(39.5, PASS), (39.6, INCONCLUSIVE)])
def test_resident_memory_needs_five_samples_at_the_end(from_t: float, outcome: Outcome) -> None:
    t = TICKS[(TICKS < 30) | (from_t < TICKS)]
    assert judged(stressed({RSS: 20 * MIB}, t=t), RssReturns()).outcome is outcome


# The check gc-cpu.


def cpu(
    gc: float, *, busy: float = 2.0, idle_marking: float | None = 0.0, cycles_: float = 1.0
) -> dict[Any, Curve]:
    """CPU seconds a second, of 4 available, in the whole trial."""
    curves: dict[Any, Curve] = {
        GC_CPU: lambda t: gc * t,
        GO_CPU: lambda t: 4 * t,
        GO_CPU_IDLE: lambda t: (4 - busy) * t,
        GC_CYCLES: lambda t: np.floor(cycles_ * t) + 5,
        GC_LIMITER: 0.0,
    }
    if idle_marking is not None:
        curves[GC_CPU_IDLE] = lambda t: idle_marking * t
    return curves


@pytest.mark.parametrize(
    ("gc", "busy", "idle_marking", "outcome"),
    [
        pytest.param(0.499, 2.0, 0.0, PASS, id="a-quarter-of-the-used"),
        pytest.param(0.501, 2.0, 0.0, FAIL, id="more-than-a-quarter-of-the-used"),
        pytest.param(0.249, 0.3, 0.0, PASS, id="a-quarter-of-one-core"),
        pytest.param(0.251, 0.3, 0.0, FAIL, id="more-than-a-quarter-of-one-core"),
        pytest.param(1.2, 2.0, 1.0, PASS, id="idle-marking-is-free"),
        pytest.param(1.26, 2.0, 1.0, FAIL, id="the-rest-is-not"),
        pytest.param(0.501, 2.0, None, INCONCLUSIVE, id="idle-marking-not-measured"),
        pytest.param(0.499, 2.0, None, PASS, id="low-even-with-idle-marking"),
    ],
)
def test_the_share_is_of_the_cpu_used_and_at_least_of_one_core(
    gc: float, busy: float, idle_marking: float | None, outcome: Outcome
) -> None:
    found = judged(stressed(cpu(gc, busy=busy, idle_marking=idle_marking)), GcCpu())
    assert found.outcome is outcome


@pytest.mark.parametrize(
    ("last", "limiter", "outcome"),
    [
        # 15 cycles had run when the fault was applied.
        pytest.param(14, "never", PASS, id="before-the-fault"),
        pytest.param(15, "never", FAIL, id="in-the-cycle-before"),
        pytest.param(20, "never", FAIL, id="under-pressure"),
        pytest.param(20, "allowed", PASS, id="allowed"),
    ],
)
def test_the_limiter_must_stay_off(last: float, limiter: Any, outcome: Outcome) -> None:
    shown = stressed(cpu(0.1) | {GC_LIMITER: last})
    assert judged(shown, GcCpu(limiter=limiter)).outcome is outcome


def test_a_limiter_that_was_not_measured_is_not_known_to_be_off() -> None:
    curves = cpu(0.1)
    del curves[GC_LIMITER]
    found = judged(stressed(curves), GcCpu())
    assert found.outcome is INCONCLUSIVE
    assert "/gc/limiter/last-enabled" in found.reason


def test_without_a_gc_cycle_the_collector_was_not_put_to_work() -> None:
    assert judged(stressed(cpu(0.0, cycles_=0.0)), GcCpu()).outcome is INCONCLUSIVE


def test_cpu_counters_that_fall_are_not_one_process() -> None:
    shown = stressed(cpu(0.1) | {GC_CPU: steps((0, 9), (15, 1))})
    assert judged(shown, GcCpu()).outcome is INCONCLUSIVE


def test_a_restart_in_the_window_is_two_counters() -> None:
    shown = stressed(cpu(0.1), events=(READY, OURS))
    assert judged(shown, GcCpu()).outcome is INCONCLUSIVE


# The check pause.

NAME = "/sched/pauses/total/gc:seconds"


def histograms(*buckets: tuple[float, float, int], name: str = NAME) -> tuple[Histogram, ...]:
    before = Histogram(name, "baseline.end", 9.9, ((0.0, 0.001, 50),), "captures/b.json")
    rows = ((0.0, 0.001, 50), *buckets)
    return before, Histogram(name, "hold.end", 19.9, rows, "captures/h.json")


@pytest.mark.parametrize(
    ("bucket", "outcome"),
    [
        pytest.param((0.008, 0.010, 100), PASS, id="bucket-ends-at-the-limit"),
        pytest.param((0.009, 0.011, 100), INCONCLUSIVE, id="limit-within-the-bucket"),
        pytest.param((0.010, 0.012, 100), FAIL, id="bucket-begins-at-the-limit"),
        pytest.param((0.010, np.inf, 100), FAIL, id="open-bucket"),
    ],
)
def test_a_quantile_is_known_to_its_bucket(
    bucket: tuple[float, float, int], outcome: Outcome
) -> None:
    assert judged(stressed(histograms=histograms(bucket)), Pause()).outcome is outcome


@pytest.mark.parametrize(
    ("short", "long", "outcome"),
    [
        pytest.param(99, 1, PASS, id="one-in-a-hundred-may"),
        pytest.param(98, 2, INCONCLUSIVE, id="two-are-still-chance"),
        pytest.param(96, 4, FAIL, id="four-are-not"),
        pytest.param(23, 1, INCONCLUSIVE, id="one-of-few-is-chance"),
        pytest.param(22, 2, FAIL, id="two-of-few-are-not"),
    ],
)
def test_fail_needs_more_long_pauses_than_chance_gives(
    short: int, long: int, outcome: Outcome
) -> None:
    pauses = histograms((0.002, 0.003, short), (0.5, 0.6, long))
    assert judged(stressed(histograms=pauses), Pause()).outcome is outcome


@pytest.mark.parametrize(("longer", "count", "q"), [(0, 9, 0.99), (1, 24, 0.99), (7, 90, 0.9)])
def test_chance_is_the_binomial_tail(longer: int, count: int, q: float) -> None:
    assert by_chance(longer, count, q) == pytest.approx(stats.binom.sf(longer - 1, count, 1 - q))


@pytest.mark.parametrize(
    ("q", "bucket"), [(0.5, (1.0, 2.0)), (0.51, (2.0, 3.0)), (0.99, (2.0, 3.0)), (0.01, (1.0, 2.0))]
)
def test_the_quantile_is_the_nearest_rank(q: float, bucket: tuple[float, float]) -> None:
    assert quantile(((1.0, 2.0, 50), (2.0, 3.0, 50)), q) == bucket


def test_only_pauses_between_the_two_histograms_count() -> None:
    before, after = ((0.0, 1.0, 5), (1.0, 2.0, 3)), ((0.0, 1.0, 5), (1.0, 2.0, 7), (4.0, 5.0, 1))
    assert difference(before, after) == ((1.0, 2.0, 4), (4.0, 5.0, 1))


@pytest.mark.parametrize(
    "after", [((0.0, 1.0, 4),), ((1.0, 2.0, 9),)], ids=["fewer", "bucket-gone"]
)
def test_counts_that_fall_are_not_of_one_process(
    after: tuple[tuple[float, float, int], ...],
) -> None:
    with pytest.raises(Undecided, match="not of one process"):
        difference(((0.0, 1.0, 5),), after)


def test_a_restart_by_us_between_starts_from_zero() -> None:
    pair = histograms((0.002, 0.003, 10))
    fresh = (pair[0], replace(pair[1], buckets=((0.002, 0.003, 10),)))
    assert judged(stressed(histograms=fresh), Pause()).outcome is INCONCLUSIVE
    restarted = stressed(histograms=fresh, events=(READY, OURS))
    assert judged(restarted, Pause()).numbers["pauses"].value == 10


@pytest.mark.parametrize(
    "given",
    [(), histograms((0.002, 0.003, 10))[:1], histograms((0.002, 0.003, 10))[1:]],
    ids=["none", "only-before", "only-after"],
)
def test_two_histograms_are_needed(given: tuple[Histogram, ...]) -> None:
    assert judged(stressed(histograms=given), Pause()).outcome is INCONCLUSIVE


def test_no_pause_is_nothing_to_judge() -> None:
    assert judged(stressed(histograms=histograms()), Pause()).outcome is INCONCLUSIVE


def test_the_name_of_go_before_1_22_is_known() -> None:
    old = histograms((0.002, 0.003, 10), name="/gc/pauses:seconds")
    assert judged(stressed(histograms=old), Pause()).outcome is PASS


def test_the_goroutine_series_is_no_memory_series() -> None:
    assert judged(trial({GOROUTINES: 3.0}, faults=[fault(HEAP)]), RssReturns()).outcome is (
        INCONCLUSIVE
    )


@pytest.mark.parametrize("spec", [GcCpu(), Pause()], ids=lambda s: s.kind)
def test_a_fault_that_was_never_released_has_no_window(spec: Any) -> None:
    record = fault(HEAP, undone=None, undo_error="no answer within 10 s")
    pauses = histograms((0.002, 0.003, 10))
    found = judged(trial(cpu(0.1), faults=[record], histograms=pauses), spec)
    assert found.outcome is INCONCLUSIVE
    assert "never released: no answer within 10 s" in found.reason


def test_cpu_that_was_not_sampled_to_the_end_is_not_known() -> None:
    t = TICKS[(TICKS < 15) | (TICKS > 21)]
    assert judged(stressed(cpu(0.1), t=t), GcCpu()).outcome is INCONCLUSIVE


@pytest.mark.parametrize(("count", "few"), [(99, True), (100, False)])
def test_too_few_pauses_for_the_quantile_are_told(count: int, few: bool) -> None:
    found = judged(stressed(histograms=histograms((0.002, 0.003, count))), Pause())
    assert ("it is the longest of them" in found.reason) is few


@pytest.mark.parametrize("fallen", [HEAP_ALLOCATED, PROCESS_CPU], ids=lambda m: m.name)
def test_every_counter_of_the_process_shows_a_replacement(fallen: Any) -> None:
    shown = stressed({fallen: steps((0, 9), (15, 8))})
    assert judged(shown, NoRestart()).outcome is FAIL


def test_a_live_heap_band_is_above_the_median_of_the_baselines_cycles() -> None:
    rows = [(3.0, 4.0), (5.0, 8.0), (7.0, 30.0), (15.0, 72.0), (25.0, 12.5), (30.0, 12.5)]
    records = [{"n": i + 1, "t": t, "live": m * MIB} for i, (t, m) in enumerate(rows)]
    found = judged(stressed(cycles=cycles(records)), HeapReturns())
    assert found.outcome is FAIL
    assert found.numbers["allowed live heap"].value == 12 * MIB
    assert "baseline 8.0 MiB (3 cycles), allowed 12.0 MiB" in found.reason


@pytest.mark.parametrize(
    ("cycle", "u", "outcome"),
    [
        pytest.param((24.95, 8), 0.001, PASS, id="sharp-in-time"),
        pytest.param((24.95, 8), 0.1, INCONCLUSIVE, id="the-release-may-have-been-earlier"),
        pytest.param((25.05, 72), 0.001, FAIL, id="sharp-too-late"),
        pytest.param((25.05, 72), 0.1, INCONCLUSIVE, id="the-release-may-have-been-later"),
    ],
)
def test_the_uncertainty_of_the_release_widens_the_return_of_the_heap(
    cycle: tuple[float, float], u: float, outcome: Outcome
) -> None:
    shown = trial(
        heap_series(), faults=[fault(HEAP, undone_u=u)], **live((21, 72), (22, 72), cycle)
    )
    assert judged(shown, HeapReturns(within=5.0)).outcome is outcome


def test_the_share_of_the_available_cpu_is_told_beside() -> None:
    numbers = judged(stressed(cpu(0.2, idle_marking=0.1)), GcCpu()).numbers
    assert numbers["GC share of CPU available"].value == pytest.approx(100 * 0.1 / 4)
    assert numbers["GC share of CPU used"].value == pytest.approx(100 * 0.1 / 1.9)
