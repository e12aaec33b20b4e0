"""Claims about presets: a useful spec is twelve lines, and what it writes itself wins."""

from __future__ import annotations

import pytest

from chaosmem import spec
from chaosmem.spec import presets
from tests.spec.build import SECTIONS, said

TWELVE = """\
apiVersion: chaosmem/v1
kind: Experiment
metadata: {name: cart-heap}
preset: quick
target:
  process:
    go: {module: ./cart}
    args: ["-addr", "127.0.0.1:{port}"]
faults:
  - heap: {retain: 64MiB, churn: 80MiB/s, at: inventory.(*Cache).Fill}
  - goroutines: {count: 2000}
phases: {hold: 6s}
"""
HEAD = "".join(f"{k}: {SECTIONS[k]}\n" for k in ("apiVersion", "kind", "metadata"))
PROCESS = "target: {process: {command: [./app]}}\n"
PODS = "target: {kubernetes: {namespace: shop, selector: {app: cart}}}\n"
FAULTS = {
    "heap": "{heap: {retain: 64MiB, churn: 80MiB/s}}",
    "retain": "{heap: {retain: 64MiB}}",
    "churn": "{heap: {churn: 20MiB/s}}",
    "goroutines": "{goroutines: {count: 2000}}",
    "runtime": "{runtime: {gogc: 50}}",
    "load": "{load: {rate: 50/s, during: all, mix: [{path: /}]}}",
    "memory": "{memory: {via: helper, level: 80%}}",
}


def kinds(text: str) -> list[str]:
    return [check.kind for check in spec.loads(text, name="f").experiment.checks]


def test_a_useful_spec_is_twelve_lines() -> None:
    assert len(TWELVE.splitlines()) == 12
    loaded = spec.loads(TWELVE, name="f")
    assert loaded.warnings == ()
    assert {check.kind for check in loaded.experiment.checks} >= {
        "goroutine-recovery",
        "next-gc-prediction",
        "top-allocations",
        "stress-effect",
    }
    assert [capture.profile for capture in loaded.experiment.captures] == ["heap", "goroutine"]
    assert loaded.experiment.guards


def test_phases_are_merged_key_by_key() -> None:
    phases = spec.loads(TWELVE, name="f").experiment.phases
    assert (phases.baseline, phases.hold, phases.recover) == (5.0, 6.0, 8.0)


def test_a_section_of_the_spec_replaces_that_of_the_preset() -> None:
    assert kinds(TWELVE + "checks: [no-oom]\n") == ["no-oom"]


@pytest.mark.parametrize("preset", presets.NAMES)
@pytest.mark.parametrize("faults", FAULTS, ids=FAULTS)
def test_every_preset_fits_every_kind_of_fault(preset: str, faults: str) -> None:
    target = PODS if faults == "memory" else PROCESS
    text = f"{HEAD}{target}preset: {preset}\nfaults: [{FAULTS[faults]}]\n"
    if faults == "churn":  # growth of garbage is nothing that a preset asks for
        assert "top-allocations" not in kinds(text)
    assert said(text) == []


def test_pressure_from_outside_makes_growth_a_negative_control() -> None:
    text = f"{HEAD}{PODS}preset: quick\nfaults: [{FAULTS['memory']}]\n"
    checks = spec.loads(text, name="f").experiment.checks
    assert [c.expect for c in checks if c.kind == "top-allocations"] == ["absent"]
    assert "next-gc-prediction" not in kinds(text)


def test_a_problem_of_the_preset_points_to_its_line_and_says_so() -> None:
    text = TWELVE.replace("hold: 6s", "hold: 6s, recover: 3s")
    assert said(text) == [
        (
            "4:1: checks[0].goroutine-recovery: within 5s and dwell 1s need 6s after the release,"
            " but release and recover last 3s; write phases.recover: 6s or more"
            " (the preset quick says so; write your own `checks:`)"
        )
    ]
