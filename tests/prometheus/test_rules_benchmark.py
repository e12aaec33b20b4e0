"""Claims about how the rules are scored: what counts as detected, as false, and as not judged."""

from __future__ import annotations

import yaml

from benchmarks.prometheus.rules import ROOT, TRUTH, Subject, rules, scaled, score, share

LEAK = "GoGoroutineLeak"


def _seen(program: str, acted: float = 100.0, scraped: float = 190.0, *times: float) -> Subject:
    return Subject(program, 0, scraped, acted, {LEAK: list(times)} if times else {})


def test_an_alert_after_the_fault_is_a_detection_one_before_it_is_none() -> None:
    found = score(LEAK, [_seen("goroutine-leak", 100, 190, 126.0, 127.0)])
    assert (found.wrong, found.detected, found.after) == (1, 1, [26.0])
    found = score(LEAK, [_seen("goroutine-leak", 100, 190, 50.0)])
    assert (found.wrong, found.detected) == (1, 0)


def test_any_alert_on_a_program_without_that_defect_is_false() -> None:
    found = score(LEAK, [_seen("healthy", 100, 190, 50.0), _seen("retained-heap")])
    assert (found.right, found.false, found.falsely) == (2, 1, ["healthy"])


def test_what_was_hardly_scraped_or_never_acted_on_detects_nothing_and_misses_nothing() -> None:
    found = score(LEAK, [_seen("goroutine-leak", 0.0), _seen("goroutine-leak", 100, 30.0)])
    assert (found.wrong, found.right) == (0, 0)
    assert share(found.detected, found.wrong) == "none to detect"


def test_a_leak_from_the_start_is_detected_whenever_it_is() -> None:
    early = Subject("background-leak", 0, 190, 100, {"GoHeapLeak": [60.0]})
    assert score("GoHeapLeak", [early]).detected == 1


def test_the_interval_is_wilsons() -> None:
    assert share(9, 10) == "9 of 10 (60% to 98 %)"
    assert share(0, 18) == "0 of 18 (0% to 18 %)"


def test_lengths_are_scaled_and_nothing_else() -> None:
    text = "rate(a_total[5m]) > 2 and a offset 1h > 64 * 1024 and quantile_over_time(0.1, b[30s])"
    assert scaled(text) == (
        "rate(a_total[5000ms]) > 2 and a offset 60000ms > 64 * 1024 and"
        " quantile_over_time(0.1, b[500ms])"
    )


def test_every_rule_of_the_manifest_has_a_truth_but_the_one_that_needs_cadvisor() -> None:
    names = {r["alert"] for g in rules()["groups"] for r in g["rules"]}
    assert names - set(TRUTH) == {"ContainerOOMRisk"}
    kept = yaml.safe_load((ROOT / "manifests" / "prometheus" / "rules.yaml").read_text("utf-8"))
    assert names == {r["alert"] for g in kept["groups"] for r in g["rules"]}
