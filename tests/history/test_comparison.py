"""A run against its baseline: what passes, what fails, and what decides nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from chaosmem.errors import Exit
from chaosmem.history import against, reading
from chaosmem.history.against import Compared, Rules
from chaosmem.history.model import Baseline, Run
from chaosmem.verify.model import Finding, Outcome
from tests.history import build

STEADY = [2.0, 2.1, 1.9, 2.05, 1.95, 2.02, 1.98, 2.03]
"""Median 2.01, MAD 0.035; k(8) = 5.91: the band is ± 0.307."""
WHEN = "2026-01-01T00:00:00.000000Z"


def baseline(runs: Sequence[Run], *, approved: bool = True) -> Baseline:
    when, who = (WHEN, "ann") if approved else ("", "")
    ids = tuple(run.run_id for run in runs)
    return Baseline("cart", "default", 1, build.SHA, WHEN, "ann", ids, when, who)


def candidate(base: Path, *findings: Finding, **more: object) -> Run:
    return reading.read(build.directory(base, 90, findings, **more))  # type: ignore[arg-type]


def compared(
    base: Path, *findings: Finding, values: Sequence[float] = STEADY, approved: bool = True
) -> Compared:
    before = build.read_months(base, values)
    force = baseline(before, approved=approved)
    return against.compare(candidate(base, *findings), force, before, Rules())


def test_a_number_inside_the_band_passes_and_says_what_chance_does(tmp_path: Path) -> None:
    found = compared(tmp_path, build.finding(2.2))
    assert (found.outcome, found.exit_code) == (Outcome.PASS, Exit.PASS)
    (finding,) = found.findings
    assert "inside the band" in finding.reason
    assert "above 8 earlier ones with 1/9" in finding.reason
    assert finding.expected == "1.7 s to 2.32 s"


def test_a_number_above_the_band_and_every_run_fails(tmp_path: Path) -> None:
    found = compared(tmp_path, build.finding(2.5))
    assert (found.outcome, found.exit_code) == (Outcome.FAIL, Exit.FAIL)
    assert "above the band and above each of its 8 runs" in found.says


def test_less_of_a_cost_is_no_regression(tmp_path: Path) -> None:
    assert compared(tmp_path, build.finding(1.0)).outcome is Outcome.PASS


def test_where_nobody_knows_which_side_is_worse_both_are(tmp_path: Path) -> None:
    before = [
        reading.read(build.directory(tmp_path, n, [build.finding(v, check="top-allocations")]))
        for n, v in enumerate(STEADY)
    ]
    run = candidate(tmp_path, build.finding(1.0, check="top-allocations"))
    found = against.compare(run, baseline(before), before, Rules())
    assert found.outcome is Outcome.FAIL
    assert "outside the range of 8 earlier ones with 2/9" in found.findings[0].reason


def test_an_error_that_spans_the_edge_decides_nothing(tmp_path: Path) -> None:
    found = compared(tmp_path, build.finding(2.3, error=0.2))
    assert found.outcome is Outcome.INCONCLUSIVE
    assert "within the number's error" in found.findings[0].reason


def test_what_an_approved_run_reached_before_is_no_failure(tmp_path: Path) -> None:
    found = compared(tmp_path, build.finding(9.0), values=[*STEADY, 9.5])
    assert found.outcome is Outcome.INCONCLUSIVE
    assert "yet an approved run was as far out" in found.findings[0].reason


@pytest.mark.parametrize("value", [2.0, 99.0])
def test_too_little_history_never_passes_and_never_fails(tmp_path: Path, value: float) -> None:
    found = compared(tmp_path, build.finding(value), values=STEADY[:5])
    assert (found.outcome, found.exit_code) == (Outcome.INCONCLUSIVE, Exit.INCONCLUSIVE)
    assert "too little history: 5 earlier runs" in found.findings[0].reason


@pytest.mark.parametrize("value", [2.0, 99.0])
def test_a_baseline_that_nobody_approved_decides_nothing(tmp_path: Path, value: float) -> None:
    found = compared(tmp_path, build.finding(value), approved=False)
    assert found.outcome is Outcome.INCONCLUSIVE
    assert "is not approved" in found.says


def test_without_a_baseline_nothing_is_decided(tmp_path: Path) -> None:
    run = candidate(tmp_path, build.finding(2.0))
    found = against.compare(run, None, [], Rules())
    assert (found.outcome, found.exit_code) == (Outcome.INCONCLUSIVE, Exit.INCONCLUSIVE)


def test_another_spec_is_compared_only_when_told_and_says_the_difference(tmp_path: Path) -> None:
    before = build.read_months(tmp_path, STEADY)
    run = candidate(tmp_path, build.finding(2.0), sha="cd" * 32, hold=20.0)
    found = against.compare(run, baseline(before), before, Rules())
    assert found.outcome is Outcome.INCONCLUSIVE
    assert 'phases.hold: "8s" -> "20s"' in found.says
    told = against.compare(run, baseline(before), before, Rules(across_specs=True))
    assert told.outcome is Outcome.PASS


def test_a_run_is_not_held_against_itself(tmp_path: Path) -> None:
    before = build.read_months(tmp_path, [*STEADY[:5], 50.0])
    found = against.compare(before[-1], baseline(before), before, Rules(fewest=5))
    assert found.runs == tuple(run.run_id for run in before[:5])
    assert found.outcome is Outcome.FAIL


def test_a_number_of_an_undecided_check_is_not_judged(tmp_path: Path) -> None:
    found = compared(tmp_path, build.finding(2.0, outcome=Outcome.INCONCLUSIVE))
    assert found.outcome is Outcome.INCONCLUSIVE


def test_a_check_that_fails_within_its_band_fails_where_it_held_before(tmp_path: Path) -> None:
    found = compared(tmp_path, build.finding(2.0, outcome=Outcome.FAIL))
    assert found.outcome is Outcome.FAIL
    assert "held in all of the baseline" in found.findings[0].reason


def test_a_check_that_the_run_lacks_is_said(tmp_path: Path) -> None:
    found = compared(tmp_path, build.finding(None, check="no-oom"))
    told = {f.name: f.outcome for f in found.findings}
    assert told == {"no-oom": Outcome.INCONCLUSIVE, "goroutine-recovery": Outcome.INCONCLUSIVE}


def test_a_check_without_a_number_is_held_by_its_outcome(tmp_path: Path) -> None:
    plain = build.finding(None, check="no-oom")
    before = [reading.read(build.directory(tmp_path, n, [plain])) for n in range(6)]
    good = against.compare(candidate(tmp_path, plain), baseline(before), before, Rules())
    assert good.outcome is Outcome.PASS
    run = reading.read(
        build.directory(tmp_path, 91, [build.finding(None, check="no-oom", outcome=Outcome.FAIL)])
    )
    assert against.compare(run, baseline(before), before, Rules()).outcome is Outcome.FAIL


def test_values_without_scatter_fail_nothing_by_a_hair(tmp_path: Path) -> None:
    found = compared(tmp_path, build.finding(0.1), values=[0.0] * 8)
    assert found.outcome is Outcome.INCONCLUSIVE
    assert "no scatter known" in found.findings[0].reason


def test_another_unit_is_another_quantity(tmp_path: Path) -> None:
    found = compared(tmp_path, build.finding(2.0, unit="%"))
    assert found.outcome is Outcome.INCONCLUSIVE
    assert "another quantity" in found.findings[0].reason


def test_an_advisory_check_does_not_decide(tmp_path: Path) -> None:
    found = compared(tmp_path, build.finding(2.0), build.finding(1.0, check="pause", advisory=True))
    assert found.outcome is Outcome.PASS
    assert [f.advisory for f in found.findings] == [False, True]


def test_trials_are_one_level_their_median_with_the_largest_error(tmp_path: Path) -> None:
    findings = [
        build.finding(v, trial=n, error=e)
        for n, (v, e) in enumerate([(1.0, 0.1), (5.0, 0.3), (2.0, 0.2)], start=1)
    ]
    (level,) = candidate(tmp_path, *findings).levels
    assert (level.value, level.error, level.trials, level.counted) == (2.0, 0.3, 3, 3)


def test_a_copied_directory_is_the_same_run(tmp_path: Path) -> None:
    made = build.directory(tmp_path, 0, [build.finding()])
    moved = made.root.rename(made.root.with_name("copy"))
    assert reading.read(type(made)(moved)).run_id == build.run_id(0)


def test_a_run_without_a_verdict_is_judged_and_a_killed_one_is_unfinished(tmp_path: Path) -> None:
    run = reading.read(build.directory(tmp_path, 0, [], verdict=False, end=""))
    assert (run.state, run.outcome) == ("unfinished", "INCONCLUSIVE")
    assert run.started == "2025-01-01T12:00:00.000000Z"
