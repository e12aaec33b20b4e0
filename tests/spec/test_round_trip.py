"""Claims about printing: what a spec is dumped as is read back as the very same spec."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from chaosmem import spec
from chaosmem.spec.base import Moment, Phase
from chaosmem.spec.faults import GoroutinesFault, HeapFault, LoadFault, MemoryFault, RuntimeFault
from chaosmem.spec.model import Arm, Experiment, Phases
from tests.spec.build import said

EXPERIMENTS = sorted(Path(__file__).parents[2].joinpath("experiments").glob("*.yaml"))
BYTES = st.integers(1, 2**50)
SECONDS = st.floats(0, 1e5).map(lambda s: round(s, 9))
RATES = st.floats(1e-3, 1e9)
DURING = st.sampled_from([(Phase.INJECT,), (Phase.INJECT, Phase.HOLD), (Phase.HOLD,), tuple(Phase)])
FAULTS = st.one_of(
    st.builds(HeapFault, retain=BYTES, rate=st.none() | RATES, churn=RATES, during=DURING),
    st.builds(GoroutinesFault, count=st.integers(1, 10**6), rate=st.none() | RATES),
    st.builds(
        RuntimeFault,
        gogc=st.none() | st.just("off") | st.integers(1, 1000),
        gomemlimit=st.none() | st.just("off") | BYTES,
        godebug=st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3),
    ),
    st.builds(LoadFault, rate=RATES, mix=st.just(({"path": "/"},)), timeout=SECONDS),
    st.builds(MemoryFault, via=st.just("helper"), level=st.floats(0.01, 1), ramp=SECONDS),
    st.builds(MemoryFault, via=st.just("helper"), level=BYTES.map(str), of=st.just("absolute")),
)
MOMENTS = st.one_of(
    st.builds(Moment, phase=st.sampled_from(Phase), edge=st.sampled_from(["start", "end"])),
    st.builds(Moment, phase=st.sampled_from(Phase), after=SECONDS),
)


@given(FAULTS)
def test_a_fault_survives_json(
    fault: HeapFault | GoroutinesFault | RuntimeFault | LoadFault | MemoryFault,
) -> None:
    assert type(fault).model_validate_json(fault.model_dump_json(by_alias=True)) == fault


@given(MOMENTS)
def test_a_moment_survives_being_written(moment: Moment) -> None:
    assert Moment.parse(str(moment)) == moment


@given(
    st.builds(
        Phases, baseline=SECONDS, inject=SECONDS, hold=SECONDS, release=SECONDS, recover=SECONDS
    )
)
def test_phases_survive_json(phases: Phases) -> None:
    assert Phases.model_validate_json(phases.model_dump_json(by_alias=True)) == phases


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.stem)
def test_an_experiment_survives_json(path: Path) -> None:
    experiment = spec.load(path).experiment
    assert Experiment.model_validate_json(experiment.model_dump_json(by_alias=True)) == experiment


def test_quantities_are_dumped_unambiguously() -> None:
    arm = Arm(name="a", gomemlimit=512 * 2**20, gogc="off")
    assert json.loads(arm.model_dump_json(exclude_defaults=True)) == {
        "name": "a",
        "gogc": "off",
        "gomemlimit": "512MiB",
    }


def test_numbers_in_code_need_no_unit_but_in_text_they_do() -> None:
    assert Phases(hold=2.5).hold == 2.5
    with pytest.raises(ValidationError, match=r"has no unit; write 2\.5s"):
        Phases.model_validate({"hold": 2.5}, context={"written": True})


def test_a_frozen_experiment_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Phases().hold = 3.0  # type: ignore[misc]


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda b: b.decode("latin-1")))
def test_any_text_is_refused_with_a_place_at_least(text: str) -> None:
    with pytest.raises(spec.SpecInvalid) as caught:
        spec.loads(text, name="f")
    assert caught.value.problems
    assert min((p.line, p.column) for p in caught.value.problems) >= (1, 1)


@given(st.sampled_from(EXPERIMENTS), st.data())
def test_a_damaged_experiment_is_read_or_refused_but_never_breaks(
    path: Path, data: st.DataObject
) -> None:
    lines = path.read_text("utf-8").splitlines(keepends=True)
    at = data.draw(st.integers(0, len(lines) - 1))
    column = data.draw(st.integers(0, len(lines[at]) - 1))
    junk = data.draw(st.sampled_from(["", "{", "]", ": ", "- ", "&a ", "*a", "!x ", "'", "80m"]))
    lines[at] = lines[at][:column] + junk + lines[at][column + 1 :]
    assert all(re.match(r"\d+:\d+: ", line) for line in said("".join(lines)))
