"""What the callers of the service see: requests, and how long they take."""

from __future__ import annotations

from functools import partial

from chaosmem.metrics.model import Kind, Layer, Metric

_counter = partial(Metric, layer=Layer.APP, kind=Kind.COUNTER)

LOAD_SENT = _counter("load.sent@v1", "1", "chaosmem load", "Requests sent.")
LOAD_OK = _counter("load.ok@v1", "1", "chaosmem load", "Requests answered below 500.")
LOAD_FAILED = _counter("load.failed@v1", "1", "chaosmem load", "Requests failed.")
LOAD_LATENCY = Metric(
    "load.latency@v1", "s", "chaosmem load", "Latency of each answered request.", Layer.APP
)

METRICS = (LOAD_SENT, LOAD_OK, LOAD_FAILED, LOAD_LATENCY)
