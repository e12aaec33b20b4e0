"""The environment of a Go process: merged, nothing lost, the last setting wins."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaosmem.plan.environment import merge, merge_godebug, process_environment, runtime_changes
from chaosmem.spec.model import Arm
from chaosmem.spec.target import ProcessTarget


@pytest.mark.parametrize(
    ("value", "changes", "merged"),
    [
        ("", {"gctrace": "1"}, "gctrace=1"),
        ("a=1,b=2", {"b": "3"}, "a=1,b=3"),
        ("a=1", {"b": "2"}, "a=1,b=2"),
        ("a=1,a=2", {}, "a=2"),
        (" a=1 ,, b=2", {}, "a=1,b=2"),
    ],
    ids=["from nothing", "replaced in place", "appended", "last one wins", "odd spaces"],
)
def test_godebug_is_merged_key_by_key(value: str, changes: dict[str, str], merged: str) -> None:
    assert merge_godebug(value, changes) == merged


def test_gomemlimit_is_written_as_go_reads_it() -> None:
    assert runtime_changes(50, 64 * 2**20, {}) == {"GOGC": "50", "GOMEMLIMIT": "67108864B"}
    assert runtime_changes("off", "off", {}) == {"GOGC": "off", "GOMEMLIMIT": "off"}
    assert runtime_changes(None, None, {}) == {}


def test_the_arm_beats_the_target_and_the_target_what_was_inherited() -> None:
    target = ProcessTarget(
        command=("x",), env={"GOGC": "80", "GODEBUG": "madvdontneed=0", "A": "t"}
    )
    arm = Arm(name="a", gogc=50, godebug={"madvdontneed": "1"})
    inherited = {"GOGC": "100", "GODEBUG": "inittrace=1", "PATH": "/bin"}
    env = process_environment(inherited, target, arm, own={"CHAOSMEM_RUN": "r"})
    assert env == {
        "PATH": "/bin",
        "A": "t",
        "GOGC": "50",
        "GODEBUG": "inittrace=1,madvdontneed=1,gctrace=1",
        "CHAOSMEM_RUN": "r",
    }


def test_gctrace_can_be_left_out() -> None:
    target = ProcessTarget(command=("x",), gctrace=False)
    assert "GODEBUG" not in process_environment({}, target, Arm(name="a"), own={})


NAMES = st.sampled_from(["a", "b", "c"])


@given(
    base=st.dictionaries(NAMES, st.sampled_from("12")),
    changes=st.dictionaries(NAMES, st.sampled_from("34")),
)
def test_a_merge_loses_nothing_and_is_idempotent(
    base: dict[str, str], changes: dict[str, str]
) -> None:
    text = ",".join(f"{k}={v}" for k, v in base.items())
    once = merge({"GODEBUG": text}, {"GODEBUG": ",".join(f"{k}={v}" for k, v in changes.items())})
    pairs = dict(p.split("=") for p in once["GODEBUG"].split(",") if p)
    assert pairs == base | changes
    assert merge(once, once) == once
