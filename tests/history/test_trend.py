"""A check over the months: shifts, since which version, and what is left out."""

from __future__ import annotations

from dataclasses import replace

from chaosmem.history import text
from chaosmem.history.model import Point
from chaosmem.history.trend import NEAR, Facts, Trend, series, trend

STEADY = [2.0, 2.1, 1.9, 2.05, 1.95, 2.02]
SLOWER = [3.0, 3.1, 2.9, 3.05, 2.95, 3.02]


def points(values: list[float | None], check: str = "goroutine-recovery") -> list[Point]:
    return [
        Point(
            f"run-{n:02}", f"2025-01-{n + 1:02}T00:00:00.000000Z", "ab" * 32, check, "default",
            "demo", "PASS", v, "s", None, "", "", "go1.26",
        )
        for n, v in enumerate(values)
    ]  # fmt: skip


def facts(count: int, at: int, *, name: str = "target.image_id") -> dict[str, dict[str, str]]:
    return {f"run-{n:02}": {name: "sha256:new" if n >= at else "sha256:old"} for n in range(count)}


def looked(values: list[float | None], known: dict[str, dict[str, str]] | None = None) -> Trend:
    return trend(points(values), lambda _: known or {})


def test_a_shift_is_dated_to_its_first_run_and_the_image_that_changed_there() -> None:
    found = looked([*STEADY, *SLOWER], facts(12, 6))
    (moved,) = found.moved
    assert (moved.last_before, moved.run_id) == ("run-05", "run-06")
    assert (moved.before, moved.after) == (2.01, 3.01)
    assert moved.facts[0].changes == (("target.image_id", "sha256:old", "sha256:new"),)
    assert found.outcome == "FAIL"
    assert found.says == "regressed since run-06; target.image_id: sha256:old -> sha256:new"


def test_a_fact_that_changed_a_run_beside_is_named_with_its_distance() -> None:
    found = looked([*STEADY, *SLOWER], facts(12, 5))
    assert found.moved[0].facts[0].offset == -1
    assert "1 run(s) earlier" in found.says


def test_a_shift_without_a_known_cause_says_so() -> None:
    assert looked([*STEADY, *SLOWER]).says.endswith("no known fact changed there")


def test_the_way_back_is_an_improvement() -> None:
    found = looked([*SLOWER, *STEADY])
    assert (found.outcome, found.moved[0].regression) == ("PASS", False)


def test_too_little_history_is_inconclusive() -> None:
    found = looked([2.0, 2.1, 1.9, 3.0, 3.1, 2.9, 3.05])
    assert (found.outcome, found.moved) == ("INCONCLUSIVE", ())
    assert "too little history: 7 runs" in found.says


def test_the_band_is_that_of_the_present_level() -> None:
    band = looked([*STEADY, *SLOWER]).band
    assert band is not None
    assert (band.n, band.median) == (6, 3.01)


def test_undecided_runs_are_shown_and_not_counted() -> None:
    given = points([*STEADY, *SLOWER])
    given[3] = replace(given[3], outcome="INCONCLUSIVE", value=999.0)
    found = trend(given, lambda _: {})
    assert (len(found.points), found.counted) == (12, 11)


def test_only_the_facts_around_a_shift_are_asked_for() -> None:
    asked: list[tuple[str, ...]] = []

    def known(run_ids: tuple[str, ...]) -> Facts:
        asked.append(run_ids)
        return {}

    trend(points([*STEADY, *STEADY, *SLOWER, *SLOWER]), known)
    assert asked[0] == tuple(f"run-{n:02}" for n in range(12 - NEAR - 1, 12 + NEAR + 1))


def test_arms_and_subjects_are_apart() -> None:
    given = points([1.0, 2.0, 3.0])
    given[1] = replace(given[1], arm="other")
    assert [len(group) for group in series(given)] == [2, 1]


def test_a_sparkline_shows_the_newest_values_and_what_is_unknown() -> None:
    assert text.sparkline([9.0, 0.0, None, 7.0, 3.0], 4) == "▁·█▄"
    assert text.sparkline([5.0, 5.0], 9) == "▄▄"
    assert text.sparkline([], 9) == ""


def test_words_from_a_target_do_not_steer_the_terminal() -> None:
    known = {f"run-{n:02}": {"target.image": "\x1b[2J" * (n >= 6)} for n in range(12)}
    shown = "\n".join(text.trend(looked([*STEADY, *SLOWER], known), width=80))
    assert "\x1b" not in shown
    assert "[2J" in shown
