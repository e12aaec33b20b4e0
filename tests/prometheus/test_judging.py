"""From kept answers alone: stale, coarse, doubtful and late are told apart."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chaosmem.spec.checks import Alert, PromQl
from chaosmem.verify.checks import alerts, promql
from chaosmem.verify.model import Outcome
from chaosmem.verify.ruling import Ruling, Undecided
from tests.verify.build import SURGE, evidence, fault, trial

Z = 1000.0  # Unix time of the run's start
CHECK = PromQl(query="go_goroutines", at_most=100)


def _series(times: list[float], value: str = "50", **labels: str) -> dict[str, Any]:
    return {"metric": labels, "values": [[Z + t, value] for t in times]}


def _said(spec: PromQl | Alert, **kept: Any) -> Ruling | str:
    base = {"zero": Z, "skew_error": 0.0, "warnings": [], "resolved": "go_goroutines"}
    file = promql.file_of("default-1", spec)
    made = trial(faults=[fault(SURGE)], files={file: json.dumps(base | kept).encode()})
    try:
        if isinstance(spec, Alert):
            return alerts.judge(spec, made, evidence(made))
        return promql.judge(spec, made, evidence(made))
    except Undecided as undecided:
        return undecided.reason


def _asked(raw: list[float], answer: list[dict[str, Any]] | None = None) -> Ruling | str:
    points = [12.0 + i for i in range(9)]
    return _said(
        CHECK,
        start=Z + 12,
        end=Z + 20,
        raw={"go_goroutines": [_series(raw)] if raw else []},
        answer=[_series(points)] if answer is None else answer,
    )


def test_fresh_samples_decide() -> None:
    said = _asked([10.0, 12.0, 14.0, 16.0, 18.0, 20.0])
    assert isinstance(said, Ruling)
    assert (said.outcome, said.observed) == (Outcome.PASS, "max 50")


def test_an_answer_out_of_the_lookback_is_stale_though_prometheus_gives_it() -> None:
    assert _asked([2.0, 4.0, 6.0]) == "`go_goroutines` is stale: its last sample is 14 s old"


def test_a_series_that_ends_in_the_window_went_stale() -> None:
    assert "went stale" in str(_asked([11.0, 12.0, 13.0, 14.0, 15.0]))


def test_a_scrape_every_six_seconds_cannot_tell_about_eight() -> None:
    assert "2 samples (one every 6 s) in 8 s, and 3 are needed" in str(
        _asked([1.0, 7.0, 13.0, 19.0])
    )


def test_no_series_is_no_pass() -> None:
    assert "no series `go_goroutines`" in str(_asked([]))


def test_no_number_is_no_pass() -> None:
    fresh = [12.0, 14.0, 16.0, 18.0, 20.0]
    assert "NaN" in str(_asked(fresh, [_series(fresh, "NaN")]))


def test_missing_evidence_is_no_pass() -> None:
    made = trial(faults=[fault(SURGE)])
    with pytest.raises(Undecided, match="no answer of Prometheus was kept"):
        promql.judge(CHECK, made, evidence(made))


def _alerted(firing: list[float], interval: float = 1.0, end: float = 40.0) -> Ruling | str:
    spec = Alert(alert="A", fires_within=5.0, resolves_within=5.0)
    return _said(
        spec,
        end=Z + end,
        rules=[{"name": "A", "interval": interval}],
        answer=[_series(firing, "1", alertstate="firing")] if firing else [],
    )


def _outcome(said: Ruling | str) -> Outcome:
    assert isinstance(said, Ruling), said
    return said.outcome


def test_an_alert_in_time_passes() -> None:
    assert _outcome(_alerted([float(t) for t in range(13, 22)])) is Outcome.PASS


def test_an_alert_that_is_late_fails() -> None:
    assert _outcome(_alerted([17.5, 18.5, 19.5, 20.5])) is Outcome.FAIL


def test_an_evaluation_that_straddles_the_limit_cannot_tell() -> None:
    assert _outcome(_alerted([15.5, 16.5, 17.5, 18.5, 19.5])) is Outcome.INCONCLUSIVE


def test_an_alert_that_never_ends_fails() -> None:
    assert _outcome(_alerted([float(t) for t in range(13, 41)])) is Outcome.FAIL


def test_an_alert_that_fired_before_the_faults_shows_nothing() -> None:
    assert "was firing before the faults" in str(_alerted([5.0, 6.0]))
