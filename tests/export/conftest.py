"""One judged run, and a receiver that is OTLP/HTTP as its specification has it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from chaosmem.export import facts
from chaosmem.verify import verify
from tests.verify.build import SURGE, capture, evidence, fault, pulse, surge, trial

ZERO = 1795456800  # 2026-11-23T18:00:00Z


@pytest.fixture
def run() -> facts.Run:
    """A run with a proven surge, one capture and one finding."""
    one = trial(
        surge(pulse(50, 550)),
        faults=[fault(SURGE)],
        captures=(capture("heap", "hold.end", 19.5, 19.6),),
    )
    made = evidence(one)
    return facts.of(made, verify(made))


@dataclass
class Received:
    """What came, decoded."""

    url: str = ""
    traces: list[ExportTraceServiceRequest] = field(default_factory=list)
    metrics: list[ExportMetricsServiceRequest] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)


class _Receiver(BaseHTTPRequestHandler):
    """One POST of protobuf to each signal's path; anything else is not found."""

    received: Received

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers["Content-Type"] != "application/x-protobuf":
            self.send_error(415)
            return
        if self.path == "/v1/traces":
            self.received.traces.append(ExportTraceServiceRequest.FromString(body))
        elif self.path == "/v1/metrics":
            self.received.metrics.append(ExportMetricsServiceRequest.FromString(body))
        else:
            self.send_error(404)
            return
        self.received.headers.append({k.lower(): v for k, v in self.headers.items()})
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def receiver() -> Iterator[Received]:
    """It, on a loopback port."""
    received = Received()
    server = HTTPServer(("127.0.0.1", 0), type("R", (_Receiver,), {"received": received}))
    received.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield received
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
