from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from chaosmem.errors import Exit
from chaosmem.gate.validation import offline, problems
from chaosmem.spec import loads
from chaosmem.spec.errors import Severity
from tests.gate.lab import SPEC, Lab

REPOSITORY = Path(__file__).parents[2]
SHIPPED = sorted((REPOSITORY / "experiments").glob("*.yaml"))
ON_PODS = [
    p for p in (REPOSITORY / "experiments" / "kubernetes").glob("*.yaml") if p.name != "shop.yaml"
]
SCHEMA = json.loads((Path(__file__).parent / "data" / "sarif-2.1.0-rtm.5.json").read_bytes())


@pytest.mark.parametrize("spec", [*SHIPPED, *ON_PODS], ids=lambda p: p.name)
def test_nothing_is_wrong_with_a_shipped_experiment_and_no_cluster_is_asked(spec: Path) -> None:
    assert [p for p in problems(spec) if p.severity is Severity.ERROR] == []


def _written(base: Path, text: str) -> list[str]:
    spec = base / "spec.yaml"
    spec.write_text(text)
    return [str(p).removeprefix(f"{base}/") for p in problems(spec)]


def test_what_the_plan_refuses_whatever_the_target_is_has_its_place(tmp_path: Path) -> None:
    loaded = loads(SPEC, name="spec.yaml")
    twice = {"faults": loaded.experiment.faults * 2}
    doubled = replace(loaded, experiment=loaded.experiment.model_copy(update=twice))
    (said,) = offline(doubled, tmp_path / "spec.yaml")
    assert str(said).partition("spec.yaml:")[2].startswith("10:1: faults: 2 goroutines faults")


def test_a_go_module_that_is_not_there_has_its_place(tmp_path: Path) -> None:
    text = SPEC.replace("command: [./service]", "go: {module: ../nowhere}")
    (said,) = _written(tmp_path, text)
    assert said.startswith("spec.yaml:6:18: target.process.go.module: ../nowhere holds no go.mod")


def test_a_package_that_the_module_has_not_is_named(tmp_path: Path) -> None:
    (tmp_path / "go.mod").write_text("module cart\n")
    text = SPEC.replace("command: [./service]", "go: {package: ./cmd/cart}")
    (said,) = _written(tmp_path, text)
    assert "target.process.go.package: the module has no directory ./cmd/cart" in said


def test_every_problem_of_every_file_is_said_at_once(lab: Lab) -> None:
    (lab.base / "good.yaml").write_text(SPEC)
    (lab.base / "bad.yaml").write_text(SPEC.replace("count: 300", "count: many"))
    (lab.base / "worse.yaml").write_text(
        SPEC.replace("pause:", "paws:").replace("{duration: 2m}", "{duration: 2}")
    )
    files = ("good.yaml", "bad.yaml", "worse.yaml", "missing.yaml")
    done = lab.call("validate", *files, "--sarif", "found.sarif", "--annotations", "github")
    assert done.code == Exit.SPEC_INVALID
    places = [line.split(": ")[0] for line in done.stderr.splitlines()]
    assert places == ["bad.yaml:11:25", "worse.yaml:15:5", "worse.yaml:16:20", "missing.yaml:1:1"]
    log = json.loads((lab.base / "found.sarif").read_bytes())
    jsonschema.Draft4Validator(SCHEMA).validate(log)
    assert len(log["runs"][0]["results"]) == 4
    assert done.stdout.count("::error file=") == 4


def test_a_warning_is_shown_and_is_no_error(lab: Lab) -> None:
    lab.spec(SPEC + "arms: [{name: a}, {name: b, gogc: 50}]\ntrials: 4\n")
    done = lab.call("validate", "spec.yaml")
    assert done.code == Exit.PASS, done.said
    assert "spec.yaml:18:9: warning: trials: 4 trial(s)" in done.stderr
