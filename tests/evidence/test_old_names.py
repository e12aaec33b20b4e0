"""Run directories of older versions stay readable; what is from a newer one is never dropped.

`data/old-names` is a real run of the demo service, made before `gc.gomemlimit` had its second
version: no limit but in inject and hold, where it is 512 MiB.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from chaosmem import evidence, metrics, verify
from chaosmem.errors import Exit
from chaosmem.rundir import RunDir
from chaosmem.spec.base import Phase
from chaosmem.verify.encode import from_json
from chaosmem.verify.model import Finding, Outcome

OLD = Path(__file__).parent / "data/old-names/20261125T074205Z-179089"
SAMPLES = "series/t01-default/samples.col"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(OLD, tmp_path / "old-names" / OLD.name))


def _rename(run: Path, old: bytes, new: bytes) -> None:
    """Another name in the header of the samples."""
    data = (run / SAMPLES).read_bytes()
    assert old in data
    (run / SAMPLES).write_bytes(data.replace(old, new, 1))


def _judged(finding: Finding) -> tuple[object, ...]:
    return finding.name, finding.outcome, finding.observed, finding.numbers, finding.evidence


def test_an_old_run_gives_the_verdict_that_it_gave() -> None:
    then = from_json((OLD / "verdict.json").read_bytes())
    found = verify.verify(evidence.load(RunDir(OLD)))
    assert (found.outcome, found.exit_code) == (then.outcome, then.exit_code)
    assert [_judged(f) for f in found.findings] == [_judged(f) for f in then.findings]


def test_checks_see_the_names_and_values_of_now() -> None:
    (trial,) = evidence.load(RunDir(OLD)).trials
    limit = trial.of(metrics.GOMEMLIMIT)
    assert (limit.metric.name, limit.column) == ("gc.gomemlimit@v2", "gc.gomemlimit@v1")
    assert set(limit.within(trial.phases[Phase.BASELINE]).v) == {-1.0}
    assert set(limit.within(trial.phases[Phase.HOLD]).v) == {512 * 2.0**20}
    assert "gc.gomemlimit@v1" not in trial.series


def test_the_proof_rests_on_the_converted_series() -> None:
    found = verify.verify(evidence.load(RunDir(OLD))).findings[0]
    assert "512.0 MiB in 30 samples" in found.reason
    assert "gc.gomemlimit@v1" in {p.what for p in found.evidence}


def test_a_series_of_a_newer_chaosmem_makes_the_run_inconclusive(copy: Path) -> None:
    _rename(copy, b"gc.gomemlimit@v1", b"gc.gomemlimit@v9")
    found = verify.verify(evidence.load(RunDir(copy)))
    assert (found.outcome, found.exit_code) == (Outcome.INCONCLUSIVE, Exit.INCONCLUSIVE)
    assert (
        "gc.gomemlimit@v9 was made by a newer chaosmem; this one knows gc.gomemlimit@v2"
        in found.findings[0].reason
    )


def test_a_series_that_nobody_knows_makes_the_run_inconclusive(copy: Path) -> None:
    _rename(copy, b"cpu.gc.idle@v1", b"tea.cup.hot@v1")
    found = verify.verify(evidence.load(RunDir(copy)))
    assert found.outcome is Outcome.INCONCLUSIVE
    assert "tea.cup.hot@v1 was made by a newer chaosmem" in found.findings[0].reason


def test_what_was_not_measured_is_left_out_of_a_converted_series(copy: Path) -> None:
    data = bytearray((copy / SAMPLES).read_bytes())
    head = data.index(b"\n") + 1
    names = data[:head].decode().partition("[")[2].split(", ")
    place = next(i for i, n in enumerate(names) if "gomemlimit" in n)
    data[head + 8 * place : head + 8 * place + 8] = np.array([np.nan]).tobytes()
    (copy / SAMPLES).write_bytes(data)
    before, after = (evidence.load(RunDir(p)).trials[0].of(metrics.GOMEMLIMIT) for p in (OLD, copy))
    assert len(after) == len(before) - 1
