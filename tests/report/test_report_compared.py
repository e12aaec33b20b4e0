from __future__ import annotations

import re
from dataclasses import replace

import pytest

from chaosmem.report.compared import CheckGroup, check_groups
from chaosmem.report.words import difference
from chaosmem.verify.model import Comparison, Finding, Number, Outcome, Verdict
from chaosmem.verify.together import compare, summarise
from tests.report import sample

ARMS = ("default", "madvise")


def groups(*arms: str, trials: int = 3, kind: sample.Kind = "leak") -> dict[str, CheckGroup]:
    evidence = sample.evidence(kind, trials=trials, arms=arms or ("default",))
    verdict = sample.verdict(evidence)
    return {g.name: g for g in check_groups(verdict, [f.name for f in verdict.findings])}


def test_every_check_is_told_under_every_arm() -> None:
    found = groups(*ARMS)["goroutine-recovery"]
    assert [row.arm for row in found.rows] == ["default", "madvise"]
    assert [(row.outcome, row.tally) for row in found.rows] == [
        (Outcome.FAIL, "1 of 3"),
        (Outcome.PASS, "3 of 3"),
    ]


def test_each_later_arm_has_the_verdicts_own_comparison() -> None:
    evidence = sample.evidence("healthy", trials=3, arms=ARMS)
    verdict = sample.verdict(evidence)
    base, arm = check_groups(verdict, ["goroutine-recovery"])[0].rows
    assert base.against is None
    assert arm.against is verdict.comparisons[0]


def test_checks_without_a_number_that_pass_under_every_arm_are_one_row() -> None:
    evidence = sample.evidence("healthy", trials=3, arms=ARMS)
    findings = [
        replace(f, outcome=Outcome.PASS) for f in sample.verdict(evidence).findings
    ]  # `pause` has no headline number
    verdict = replace(sample.verdict(evidence), findings=tuple(findings))
    (row,) = check_groups(verdict, ["pause"])[0].rows
    assert (row.arm, row.tally, row.dots) == ("every arm", "6 of 6", None)


def test_findings_about_the_run_as_a_whole_are_no_row() -> None:
    finding = Finding("run", "run-end", Outcome.INCONCLUSIVE, "", "", "", "")
    verdict = Verdict("r", "x", Outcome.INCONCLUSIVE, "", (finding,))
    assert check_groups(verdict, ["run-end"]) == ()


def judged(values: list[float]) -> CheckGroup:
    """One check of one arm with these numbers."""
    findings = [
        Finding(
            "pause", "pause", Outcome.PASS, "", "", "", "",
            arm="default", trial=i, headline=Number(v, "s"),
        )
        for i, v in enumerate(values, 1)
    ]  # fmt: skip
    verdict = Verdict("r", "x", Outcome.PASS, "", tuple(findings), summarise(findings, ["default"]))
    return check_groups(verdict, ["pause"])[0]


def circles(group: CheckGroup) -> list[tuple[float, float]]:
    found = re.findall(r'cx="([\d.]+)" cy="([\d.]+)"', str(group.rows[0].dots))
    return [(float(x), float(y)) for x, y in found]


@pytest.mark.parametrize("values", [[2.0] * 5, [1.0, 1.01, 1.02, 4.0, 1.0, 1.01], [0.3]])
def test_no_dot_hides_another(values: list[float]) -> None:
    dots = circles(judged(values))
    assert len(dots) == len(values)
    for i, (x, y) in enumerate(dots):
        for a, b in dots[:i]:
            assert ((x - a) ** 2 + (y - b) ** 2) ** 0.5 >= 7.2


def test_thirty_trials_fit_their_row() -> None:
    group = judged([5.0] * 30)
    picture = str(group.rows[0].dots)
    height = re.search(r'viewBox="0 0 \d+ (\d+)"', picture)
    assert height is not None
    assert float(height[1]) <= 66
    assert all(3.6 <= y <= float(height[1]) - 3.6 for _, y in circles(group))
    assert len(circles(group)) == 30


def test_the_median_and_its_interval_stand_on_the_scale_of_the_dots() -> None:
    group = judged([1.0, 2.0, 3.0, 4.0, 5.0, 9.0])
    picture = str(group.rows[0].dots)
    dots = dict(zip([1.0, 2.0, 3.0, 4.0, 5.0, 9.0], circles(group), strict=True))
    median = re.search(r'class="median" x1="([\d.]+)"', picture)
    ends = re.search(r'class="interval" x1="([\d.]+)" x2="([\d.]+)"', picture)
    assert median is not None
    assert ends is not None
    assert float(median[1]) == pytest.approx((dots[3.0][0] + dots[4.0][0]) / 2, abs=0.1)
    assert [float(e) for e in ends.groups()] == [dots[1.0][0], dots[9.0][0]]
    assert (group.low, group.high) == ("1 s", "9 s")


@pytest.mark.parametrize(
    ("n", "moved", "says"),
    [
        (3, 5.0, "too few trials to show one (4 in each arm are the fewest)"),
        (6, 5.0, "a difference is shown"),
        (6, 0.0, "none is shown"),
    ],
)
def test_a_difference_is_called_what_the_verifier_calls_it(n: int, moved: float, says: str) -> None:
    findings = [
        Finding("c", "c", Outcome.PASS, "", "", "", "", arm=arm, trial=i, headline=Number(v, "s"))
        for arm, base in (("default", 0.0), ("madvise", moved))
        for i, v in enumerate((base + k / 100 for k in range(n)), 1)
    ]
    (found,) = compare(findings, ARMS)
    assert difference(found) == says


def test_an_arm_without_a_number_is_called_so() -> None:
    nothing = Comparison("c", "a", "b", "s", 0, 3, None, None, None, "")
    assert difference(nothing) == "an arm has no number"
