"""The registry is whole: names are unique, replaced ones lead to those of now, docs are equal."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from chaosmem import metrics
from chaosmem.errors import UsageError
from chaosmem.metrics import Layer, words
from chaosmem.metrics.conversions import CONVERSIONS, RETIRED
from chaosmem.metrics.exported import EXPORTED
from chaosmem.metrics.registry import REGISTRY, find, newest, successors

DOCS = Path(__file__).parents[2] / "docs"


def test_every_name_has_a_version_a_unit_a_source_and_a_sentence() -> None:
    for metric in [*REGISTRY.values(), *RETIRED.values()]:
        assert re.fullmatch(r"[a-z]+(\.[a-z_]+)*@v[1-9][0-9]*", metric.name)
        assert metric.unit in ("By", "1", "s", "%")
        assert metric.source
        assert metric.meaning.endswith(".")


def test_no_constant_is_left_out_of_the_registry() -> None:
    constants = {m.name for m in vars(metrics).values() if isinstance(m, metrics.Metric)}
    assert constants == set(REGISTRY)


def test_every_name_has_one_version_of_now() -> None:
    assert len({m.base for m in REGISTRY.values()}) == len(REGISTRY)


def test_every_replaced_metric_leads_to_one_of_now() -> None:
    assert {c.replaces for c in CONVERSIONS} == set(RETIRED)
    for name in RETIRED:
        assert name not in REGISTRY
        assert successors(name)[-1].name in REGISTRY


def test_every_layer_counts_something() -> None:
    assert {m.layer for m in REGISTRY.values()} == set(Layer)


def test_a_metric_is_found_by_each_of_its_names() -> None:
    for name in ("gc.gomemlimit@v2", "gc.gomemlimit", "go_gc_gomemlimit_bytes"):
        assert find(name) is metrics.GOMEMLIMIT
    assert newest("memory.rss") is metrics.RSS


def test_a_replaced_metric_is_still_found() -> None:
    assert find("gc.gomemlimit@v1").meaning == "GOMEMLIMIT; MaxInt64 (in float64: 2^63) is none."
    assert successors("memory.cgroup.rss@v1") == (metrics.CGROUP_ANON,)
    assert find("memory.cgroup.rss").name == "memory.cgroup.rss@v1"


def test_an_unknown_name_is_told_with_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"no metric 'memory.heap.alive'") as told:
        find("memory.heap.alive")
    assert "memory.heap.live" in told.value.hint


def test_exporters_names_are_unique_and_have_the_metrics_unit() -> None:
    assert len({e.name for e in EXPORTED}) == len(EXPORTED)
    assert [e.name for e in EXPORTED if e.same_as and e.same_as.unit != e.unit] == []


def test_the_document_is_the_registrys() -> None:
    said = "run: chaosmem metrics --format markdown > docs/metrics.md"
    assert (DOCS / "metrics.md").read_text() == words.markdown(), said
