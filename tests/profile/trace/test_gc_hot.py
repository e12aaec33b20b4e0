from __future__ import annotations

import pytest

from chaosmem.profile.trace import (
    GcCycles,
    HotReport,
    Match,
    Share,
    hot_periods,
    lifetime,
    parse_gctrace,
)

Cycle = tuple[float, float, float, tuple[int, int, int]]


def cycles(*rows: Cycle, first: int = 1) -> GcCycles:
    """Cycles of (start s, mark s, CPU share of two Ps while marking, heap MiB)."""
    text = ""
    for number, (start, mark, share, heap) in enumerate(rows, first):
        cpu = mark * 2 * share * 1000
        text += (
            f"gc {number} @{start:.3f}s 5%: 0+{mark * 1000:.0f}+0 ms clock, "
            f"0+0/{cpu:.0f}/0+0 ms cpu, {heap[0]}->{heap[1]}->{heap[2]} MB, 100 MB goal, 2 P\n"
        )
    return parse_gctrace(text.encode()).cycles


STEADY = (50, 50, 25)


def hot(run: GcCycles, *, share: Share = Share.CPU, threshold: float = 0.25) -> HotReport:
    return hot_periods(run, window_seconds=1.0, threshold=threshold, share=share)


def test_the_share_is_the_gc_time_within_the_window() -> None:
    report = hot(cycles((2.0, 0.5, 0.4, STEADY), (5.0, 0.1, 1.0, STEADY)), threshold=0.15)
    (period,) = report.periods
    assert report.peak_share == pytest.approx(0.5 * 0.4)
    # 0.4 of the capacity from 2.0 s on: 0.15 of the last second is reached at 2.375 s
    assert period.from_seconds == pytest.approx(2.375)
    assert period.to_seconds == pytest.approx(3.125)
    assert period.cycles == (1, 1)
    assert report.hot_seconds == pytest.approx(0.75)
    assert report.observed == pytest.approx((1.0, 5.1))


def test_wall_clock_and_cpu_are_different_shares() -> None:
    run = cycles((2.0, 0.5, 0.4, STEADY), (5.0, 0.1, 0.1, STEADY))
    assert hot(run, share=Share.CLOCK).peak_share == pytest.approx(0.5)
    assert hot(run, share=Share.CPU).peak_share == pytest.approx(0.2)
    assert hot(run, share=Share.PAUSE).peak_share == pytest.approx(0.0)


def test_neighbouring_cycles_make_one_period_and_distant_ones_two() -> None:
    near = [(2 + i * 0.25, 0.2, 0.5, STEADY) for i in range(8)]
    far = [(9 + i * 0.25, 0.2, 0.5, STEADY) for i in range(8)]
    report = hot(cycles(*near, *far))
    assert [p.cycles for p in report.periods] == [(1, 8), (9, 16)]


def test_a_trace_shorter_than_the_window_says_nothing() -> None:
    report = hot(cycles((0.1, 0.5, 1.0, STEADY)))
    assert (report.observed, report.peak_share, report.periods) == (None, None, ())
    assert hot(cycles()).observed is None


def test_a_log_that_starts_late_is_judged_from_its_first_cycle_on() -> None:
    run = cycles((7.0, 0.1, 1.0, STEADY), (9.0, 0.1, 1.0, STEADY), first=40)
    assert hot(run).observed == pytest.approx((8.0, 9.1))


def test_missing_cycles_are_said_because_the_shares_are_then_lower_bounds() -> None:
    run = cycles(*[(float(i), 0.1, 1.0, STEADY) for i in range(5)])
    without = parse_gctrace(
        b"".join(
            b"gc %d @%d.0s 5%%: 0+1+0 ms clock, 0+0/1/0+0 ms cpu, 1->1->1 MB, 4 MB goal, 2 P\n"
            % (n, n)
            for n in (1, 2, 5)
        )
    ).cycles
    assert (hot(run).missing_cycles, hot(without).missing_cycles) == (0, 2)


def test_two_processes_in_one_are_refused() -> None:
    run = cycles((2.0, 0.5, 0.4, STEADY))
    both = parse_gctrace(
        b"gc 1 @1s 5%: 0+1+0 ms clock, 0+0/1/0+0 ms cpu, 1->1->1 MB, 4 MB goal, 2 P\n" * 2
    )
    with pytest.raises(ValueError, match="several processes"):
        hot(both.cycles)
    with pytest.raises(ValueError, match="window"):
        hot_periods(run, window_seconds=0)


def beat(heap: tuple[int, int, int], count: int = 20) -> GcCycles:
    return cycles(*[(i * 0.5, 0.1, 0.5, heap) for i in range(count)])


def test_gogc_100_marks_each_byte_about_once_and_that_is_churn() -> None:
    found = lifetime(beat((190, 200, 100)))
    assert found.match == Match.CHURN
    assert found.marks_per_byte == pytest.approx(1.0)
    assert found.mean_seconds == pytest.approx(0.5)
    assert found.pairs == 19


def test_a_goal_close_above_the_live_heap_marks_the_same_bytes_again_and_again() -> None:
    found = lifetime(beat((105, 110, 100)))
    assert found.match == Match.MISMATCH
    assert found.marks_per_byte == pytest.approx(10.0)
    assert found.marks_range is not None
    assert found.marks_range[0] < 10.0 < found.marks_range[1]


def test_a_growing_live_heap_is_no_steady_state() -> None:
    run = cycles(*[(i * 0.5, 0.1, 0.5, (60 + 9 * i, 60 + 9 * i, 50 + 9 * i)) for i in range(9)])
    assert lifetime(run).match == Match.GROWTH


@pytest.mark.parametrize("heap", [(4, 4, 0), (100, 100, 100), (101, 101, 100)])
def test_whole_mebibytes_too_coarse_to_judge_give_unknown(heap: tuple[int, int, int]) -> None:
    found = lifetime(beat(heap))
    assert (found.match, found.marks_per_byte) == (Match.UNKNOWN, None)


def test_truncation_that_leaves_both_open_gives_unknown() -> None:
    assert lifetime(beat((103, 103, 95))).match == Match.MISMATCH
    assert lifetime(beat((13, 13, 9))).match == Match.UNKNOWN


def test_a_hot_period_tells_its_lifetime() -> None:
    run = cycles(*[(i * 0.5, 0.4, 0.9, (105, 110, 100)) for i in range(20)])
    (period,) = hot(run).periods
    assert period.lifetime.match == Match.MISMATCH
    assert period.peak_share == pytest.approx(0.72)
