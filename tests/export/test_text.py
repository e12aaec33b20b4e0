"""Prometheus text of finished runs: promtool reads it, and the numbers are the run's."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from chaosmem.errors import RunDirError
from chaosmem.export import facts, families, finished, grafana, text
from chaosmem.export.families import FAMILIES
from chaosmem.verify import verify
from tests.export.conftest import ZERO
from tests.verify.build import evidence, trial

DOCS = Path(__file__).parents[2] / "docs" / "export.md"


def promtool(data: bytes) -> tuple[int, bytes]:
    """What promtool says of a metrics page."""
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=data, capture_output=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def test_promtool_finds_nothing_to_say(run: facts.Run) -> None:
    assert promtool(text.text([finished.rows(run)])) == (0, b"")


def test_the_numbers_are_the_runs(run: facts.Run) -> None:
    page = text.text([finished.rows(run)]).decode()
    found = {
        (s.name, s.labels.get("phase", ""), s.labels.get("state", "")): s.value
        for f in text_string_to_metric_families(page)
        for s in f.samples
    }
    assert found["chaosmem_run_start_timestamp_seconds", "", ""] == ZERO
    assert found["chaosmem_phase_duration_seconds", "hold", ""] == 8.0
    assert found["chaosmem_fault_duration_seconds", "", ""] == 10.0
    assert found["chaosmem_fault_active", "", ""] == 0.0
    assert found["chaosmem_run_active", "", ""] == 0.0
    assert found["chaosmem_run_trials", "", "complete"] == 1.0


def test_one_outcome_is_one_and_the_others_are_zero(run: facts.Run) -> None:
    rows = list(finished.rows(run).of(families.OUTCOME))
    assert {row.labels[0] for row in rows if row.value} == {run.verdict.outcome.value}
    assert len(rows) == 3


def test_every_row_has_a_value_for_each_label(run: facts.Run) -> None:
    for row in finished.rows(run).rows:
        assert len(row.labels) == len(row.family.labels), row.family.name


def test_openmetrics_ends_with_its_mark(run: facts.Run) -> None:
    assert text.text([finished.rows(run)], openmetrics=True).endswith(b"# EOF\n")


def test_a_run_that_is_named_twice_is_told_once(run: facts.Run) -> None:
    rows = finished.rows(run)
    assert text.text([rows, rows]) == text.text([rows])


def test_names_are_unique_under_both_rules() -> None:
    assert len({f.prometheus for f in FAMILIES}) == len({f.otel for f in FAMILIES}) == len(FAMILIES)


def test_annotations_have_milliseconds(run: facts.Run) -> None:
    made = list(grafana.regions(run))
    last = made[-1]
    assert (last["time"], last["timeEnd"]) == ((ZERO + 10) * 1000, (ZERO + 20) * 1000)
    assert last["tags"] == ["chaosmem", "cart", run.evidence.run_id, "fault", "goroutines"]


def test_a_run_without_a_start_has_no_times() -> None:
    torn = evidence(trial(), started="")
    with pytest.raises(RunDirError, match="when the run began"):
        facts.of(torn, verify(torn))


def test_the_document_has_every_family_as_it_is() -> None:
    assert families.table() in DOCS.read_text()
