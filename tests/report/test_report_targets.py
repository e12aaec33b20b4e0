"""Reports of a run on several targets, and of pods with what their helpers read."""

from __future__ import annotations

import numpy as np
import pytest

from chaosmem import metrics
from chaosmem.report import html, markdown, text
from chaosmem.report.chart import Chart
from chaosmem.report.memory import container, layers
from chaosmem.report.page import page
from chaosmem.report.rows import by_target, check_rows
from chaosmem.verify.model import Outcome
from tests.report import sample
from tests.report.sample_profiles import MIB

PODS = ("shop/shop-7d9f-aaaaa", "shop/shop-7d9f-bbbbb")


def lines(chart: Chart | None) -> dict[str, np.ndarray]:
    assert chart is not None
    (columns,) = chart.columns
    return {line.label: v for line, v in zip(columns.lines, columns.v, strict=True)}


def test_a_containers_bands_are_its_usage_and_the_helpers_part_is_apart() -> None:
    trial = sample.evidence(pods=PODS).trials[0]
    found = lines(container(trial, 10_000))
    bands = (
        found["the service (anonymous)"]
        + found["held by chaosmem's helper"]
        + found["page cache"]
        + found["kernel and other"]
    )
    assert bands == pytest.approx(trial.of(metrics.CGROUP_USAGE).v)
    assert found["held by chaosmem's helper"].max() == 40 * MIB
    assert found["limit"].max() == 256 * MIB


def test_a_container_without_a_limit_has_no_line_for_it() -> None:
    trial = sample.evidence(pods=PODS).trials[0]
    limit = trial.series[metrics.CGROUP_LIMIT.name]
    limit.v[:] = 0
    assert "limit" not in lines(container(trial, 10_000))


def test_a_process_without_a_helper_has_no_container() -> None:
    assert container(sample.evidence().trials[0], 1_000) is None


def test_the_layers_of_a_pod_are_held_against_what_the_helper_reads() -> None:
    trial = sample.evidence(pods=PODS).trials[0]
    made = layers(trial, 10_000)
    assert "resident (RSS)" in lines(made)
    assert made is not None
    assert made.source.endswith(metrics.TARGET_RSS.source)


def test_each_target_is_told_with_what_decided_it_worst_first() -> None:
    evidence = sample.evidence("leak", trials=2, pods=PODS)
    rows = by_target(sample.verdict(evidence), evidence)
    assert [(r.name, r.outcome, r.why) for r in rows] == [
        (PODS[0], Outcome.FAIL, "goroutine-recovery"),
        (PODS[1], Outcome.PASS, "every check holds"),
    ]
    assert rows[0].detail == "container shop, limit 256.0 MiB"


def test_a_row_of_several_targets_names_the_shown_one() -> None:
    evidence = sample.evidence("leak", trials=2, pods=PODS)
    row = check_rows(sample.verdict(evidence))[0]
    assert row.count == "1 of 4 on 2 targets"
    assert row.where == "trial 2 of shop-7d9f-aaaaa"


def test_the_choice_of_trials_has_a_row_for_each_arm_and_target() -> None:
    evidence = sample.evidence(trials=2, arms=("default", "madvise"), pods=PODS)
    made = page(sample.verdict(evidence), evidence)
    assert [(row.label, [label for label, _ in row.trials]) for row in made.switch] == [
        (f"{arm} \u00b7 {pod}", ["1", "2"])
        for arm in ("default", "madvise")
        for pod in ("shop-7d9f-aaaaa", "shop-7d9f-bbbbb")
    ]


def test_one_trial_on_each_of_several_targets_is_one_row() -> None:
    evidence = sample.evidence(pods=PODS)
    (row,) = page(sample.verdict(evidence), evidence).switch
    assert [label for label, _ in row.trials] == ["shop-7d9f-aaaaa", "shop-7d9f-bbbbb"]


def test_targets_stand_side_by_side_on_one_scale() -> None:
    evidence = sample.evidence("leak", trials=2, pods=PODS)
    found = page(sample.verdict(evidence), evidence).beside
    assert found is not None
    assert found.titles == ("Goroutines", "Heap, live", "Working set and limit", "Resident (RSS)")
    assert found.most[2] == "256.0 MiB"
    assert [(drawn.target, drawn.outcome) for drawn, _ in found.rows] == [
        (PODS[0], Outcome.FAIL),
        (PODS[1], Outcome.PASS),
    ]


def test_one_target_has_nothing_beside_it() -> None:
    evidence = sample.evidence(trials=2)
    assert page(sample.verdict(evidence), evidence).beside is None


def test_every_form_names_every_target_with_its_outcome() -> None:
    evidence = sample.evidence("leak", pods=PODS)
    verdict = sample.verdict(evidence)
    terminal = text(verdict, evidence, color=False, width=100)
    forms = html(verdict, evidence), markdown(verdict, evidence), terminal
    assert all(pod.rpartition("-")[2] in form for pod in PODS for form in forms)
    assert "\u2717 FAIL shop/shop-7d9f-aaaaa: goroutine-recovery" in terminal
