"""A run goes out with its true times: promtool reads the text, an OTLP receiver the trace."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from prometheus_client.parser import text_string_to_metric_families

from chaosmem.errors import ProbeFailed, RunDirError
from chaosmem.export import facts, grafana, otlp, text
from chaosmem.verify import verify
from tests.verify.build import SURGE, capture, evidence, fault, pulse, surge, trial

ZERO = 1795456800  # 2026-11-23T18:00:00Z


@pytest.fixture
def run() -> facts.Run:
    one = trial(
        surge(pulse(50, 550)),
        faults=[fault(SURGE)],
        captures=(capture("heap", "hold.end", 19.5, 19.6),),
    )
    made = evidence(one)
    return facts.of(made, verify(made))


def test_promtool_finds_nothing_to_say(run: facts.Run) -> None:
    done = subprocess.run(
        ["promtool", "check", "metrics"],
        input=text.text([run]),
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")


def test_the_numbers_are_the_runs(run: facts.Run) -> None:
    families = text_string_to_metric_families(text.text([run]).decode())
    samples = {(s.name, s.labels.get("phase", "")): s.value for f in families for s in f.samples}
    assert samples["chaosmem_run_start_timestamp_seconds", ""] == ZERO
    assert samples["chaosmem_phase_duration_seconds", "hold"] == 8.0
    assert samples["chaosmem_fault_active_seconds", ""] == 10.0


def test_openmetrics_ends_with_its_mark(run: facts.Run) -> None:
    assert text.text([run], openmetrics=True).endswith(b"# EOF\n")


class _Receiver(BaseHTTPRequestHandler):
    """OTLP/HTTP as its specification has it: one POST of protobuf."""

    got: list[ExportTraceServiceRequest]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path != "/v1/traces":
            self.send_error(404)
            return
        self.got.append(ExportTraceServiceRequest.FromString(body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def receiver() -> Iterator[tuple[str, list[Any]]]:
    got: list[Any] = []
    server = HTTPServer(("127.0.0.1", 0), type("R", (_Receiver,), {"got": got}))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", got
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _spans(got: list[Any]) -> dict[str, Any]:
    return {s.name: s for r in got[0].resource_spans for sc in r.scope_spans for s in sc.spans}


def test_a_receiver_gets_the_trace_with_true_times(
    run: facts.Run, receiver: tuple[str, list[Any]]
) -> None:
    url, got = receiver
    assert otlp.send(run, f"{url}/v1/traces") == 6
    spans = _spans(got)
    hold, one, root = spans["hold"], spans["trial default-1"], spans["chaosmem cart"]
    assert (hold.start_time_unix_nano, hold.end_time_unix_nano) == (
        (ZERO + 12) * 10**9,
        (ZERO + 20) * 10**9,
    )
    assert (hold.parent_span_id, one.parent_span_id) == (one.span_id, root.span_id)
    assert [e.name for e in hold.events] == ["capture heap hold.end"]
    assert [e.name for e in spans["recover"].events] == ["fault undone goroutines-1"]


def test_exporting_twice_is_the_same_trace(run: facts.Run, receiver: tuple[str, list[Any]]) -> None:
    url, got = receiver
    otlp.send(run, f"{url}/v1/traces")
    otlp.send(run, f"{url}/v1/traces")
    assert got[0] == got[1]


def test_a_receiver_that_refuses_is_an_error(
    run: facts.Run, receiver: tuple[str, list[Any]]
) -> None:
    with pytest.raises(ProbeFailed, match="did not take the spans"):
        otlp.send(run, f"{receiver[0]}/elsewhere")


def test_annotations_have_milliseconds(run: facts.Run) -> None:
    made = list(grafana.regions(run))
    last = made[-1]
    assert (last["time"], last["timeEnd"]) == ((ZERO + 10) * 1000, (ZERO + 20) * 1000)
    assert last["tags"] == ["chaosmem", "cart", run.evidence.run_id, "fault", "goroutines"]


def test_a_run_without_a_start_has_no_times() -> None:
    torn = evidence(trial(), started="")
    with pytest.raises(RunDirError, match="when the run began"):
        facts.of(torn, verify(torn))
