"""A run goes to an OTLP receiver as a trace and as metrics, with its true times."""

from __future__ import annotations

from typing import Any

import pytest

from chaosmem.drivers import otlp as receiver_of
from chaosmem.errors import ProbeFailed
from chaosmem.export import facts, otlp, otlp_metrics
from chaosmem.export.families import RUN_LABELS
from tests.export.conftest import ZERO, Received


def _spans(received: Received) -> dict[str, Any]:
    scopes = [sc for r in received.traces[0].resource_spans for sc in r.scope_spans]
    return {s.name: s for scope in scopes for s in scope.spans}


def _metrics(received: Received) -> dict[str, Any]:
    scopes = [sc for r in received.metrics[0].resource_metrics for sc in r.scope_metrics]
    return {m.name: m for scope in scopes for m in scope.metrics}


def _said(point: Any) -> dict[str, str]:
    return {a.key: a.value.string_value for a in point.attributes}


def test_a_receiver_gets_the_trace_with_true_times(run: facts.Run, receiver: Received) -> None:
    receiver_of.send_spans(otlp.spans(run), receiver.url)
    spans = _spans(receiver)
    assert len(spans) == 6
    hold, one, root = spans["hold"], spans["trial default-1"], spans["chaosmem cart"]
    assert (hold.start_time_unix_nano, hold.end_time_unix_nano) == (
        (ZERO + 12) * 10**9,
        (ZERO + 20) * 10**9,
    )
    assert (hold.parent_span_id, one.parent_span_id) == (one.span_id, root.span_id)
    assert [e.name for e in hold.events] == ["capture heap hold.end"]
    assert [e.name for e in spans["recover"].events] == ["fault undone goroutines-1"]


def test_exporting_twice_is_the_same_trace(run: facts.Run, receiver: Received) -> None:
    for _ in range(2):
        receiver_of.send_spans(otlp.spans(run), receiver.url)
    assert receiver.traces[0] == receiver.traces[1]


def test_a_receiver_gets_metrics_at_the_times_at_which_they_became_true(
    run: facts.Run, receiver: Received
) -> None:
    receiver_of.send_metrics(otlp_metrics.data(run), receiver.url)
    duration = _metrics(receiver)["chaosmem.phase.duration"]
    assert duration.unit == "s"
    points = {_said(p)["chaosmem.phase"]: p for p in duration.gauge.data_points}
    assert points["hold"].as_double == 8.0
    assert points["hold"].time_unix_nano == (ZERO + 20) * 10**9


def test_metrics_carry_the_run_and_their_own_attributes(run: facts.Run, receiver: Received) -> None:
    receiver_of.send_metrics(otlp_metrics.data(run), receiver.url)
    (point,) = _metrics(receiver)["chaosmem.fault.duration"].gauge.data_points
    assert point.as_double == 10.0
    assert _said(point) == {
        "chaosmem.experiment": "cart",
        "chaosmem.run": run.evidence.run_id,
        "chaosmem.trial": "default-1",
        "chaosmem.fault": "goroutines-1",
        "chaosmem.fault.kind": "goroutines",
    }
    resource = receiver.metrics[0].resource_metrics[0].resource
    assert {a.key: a.value.string_value for a in resource.attributes}["service.name"] == "chaosmem"


def test_what_only_grows_is_a_cumulative_monotonic_sum(run: facts.Run, receiver: Received) -> None:
    receiver_of.send_metrics(otlp_metrics.data(run), receiver.url)
    captures = _metrics(receiver)["chaosmem.captures"].sum
    assert captures.is_monotonic
    assert {p.start_time_unix_nano for p in captures.data_points} == {ZERO * 10**9}
    assert captures.aggregation_temporality == 2  # AGGREGATION_TEMPORALITY_CUMULATIVE
    assert {_said(p)["chaosmem.result"]: p.as_double for p in captures.data_points} == {
        "taken": 1.0,
        "failed": 0.0,
    }


def test_every_number_of_the_run_is_sent(run: facts.Run, receiver: Received) -> None:
    data = otlp_metrics.data(run)
    receiver_of.send_metrics(data, receiver.url)
    sent = [
        point
        for metric in _metrics(receiver).values()
        for point in (metric.gauge if metric.HasField("gauge") else metric.sum).data_points
    ]
    assert len(sent) == otlp_metrics.points(data) > 10
    assert all({f"chaosmem.{n}" for n in RUN_LABELS} <= set(_said(p)) for p in sent)


@pytest.mark.parametrize("tail", ["", "/", "/v1/traces", "/v1/metrics"])
def test_the_address_may_be_the_base_or_one_signals(
    run: facts.Run, receiver: Received, tail: str
) -> None:
    receiver_of.send_spans(otlp.spans(run), receiver.url + tail)
    receiver_of.send_metrics(otlp_metrics.data(run), receiver.url + tail)
    assert (len(receiver.traces), len(receiver.metrics)) == (1, 1)


def test_headers_are_sent(run: facts.Run, receiver: Received) -> None:
    receiver_of.send_metrics(otlp_metrics.data(run), receiver.url, {"X-Scope-OrgID": "shop"})
    assert receiver.headers[0]["x-scope-orgid"] == "shop"


def test_a_receiver_that_refuses_is_an_error(run: facts.Run, receiver: Received) -> None:
    with pytest.raises(ProbeFailed, match="did not take the spans"):
        receiver_of.send_spans(otlp.spans(run), f"{receiver.url}/elsewhere")
    with pytest.raises(ProbeFailed, match="did not take the metrics"):
        receiver_of.send_metrics(otlp_metrics.data(run), f"{receiver.url}/elsewhere")
