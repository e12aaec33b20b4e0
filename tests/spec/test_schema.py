"""Claims about the JSON Schema: it accepts what the reader accepts, and says every field."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from chaosmem import spec
from chaosmem.spec import nodes, presets
from tests.spec.build import CASES, Case, table, written

EXPERIMENTS = sorted(Path(__file__).parents[2].joinpath("experiments").glob("*.yaml"))
VALIDATOR = jsonschema.Draft202012Validator(spec.json_schema())


def complaints(text: str) -> list[str]:
    """What an editor would underline in `text`."""
    value = nodes.read(text, file="f").value
    return [f"{error.json_path}: {error.message}" for error in VALIDATOR.iter_errors(value)]


def test_the_schema_is_valid_draft_2020_12() -> None:
    jsonschema.Draft202012Validator.check_schema(spec.json_schema())
    assert spec.json_schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_there_are_experiments_to_check() -> None:
    assert "quickstart.yaml" in {path.name for path in EXPERIMENTS}


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.stem)
def test_every_experiment_is_valid_without_a_warning(path: Path) -> None:
    assert spec.load(path).warnings == ()
    assert complaints(path.read_text("utf-8")) == []


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.stem)
def test_editors_that_read_yaml_1_1_accept_every_experiment(path: Path) -> None:
    assert list(VALIDATOR.iter_errors(yaml.safe_load(path.read_text("utf-8")))) == []


def test_the_template_is_valid_and_names_its_schema() -> None:
    assert spec.loads(spec.template(), name="f").warnings == ()
    assert complaints(spec.template()) == []
    assert spec.template().startswith("# yaml-language-server: $schema=")


BEYOND_A_SCHEMA = {
    "capture-at-no-moment",
    "capture-at-no-time",  # letters of a unit, but no unit
    "not-consecutive",
    "empty-mix",
    "level-amount-of-limit",
    "level-share-of-absolute",
    "both",  # exactly one of three fields
    "none",
    "neither-go-nor-command",
    "empty-selector",
    "fixed-without-value",
    "value-without-need",
    "too-many-percent",
}


@pytest.mark.parametrize("case", table("fields").values(), ids=table("fields"))
def test_a_wrong_field_is_underlined_where_a_schema_can(
    case: Case, request: pytest.FixtureRequest
) -> None:
    name = request.node.callspec.id
    assert bool(complaints(written(**case.changes))) is (name not in BEYOND_A_SCHEMA)


def test_every_mistake_of_the_long_list_is_underlined_but_one() -> None:
    text, lines = (CASES / "all-at-once.txt").read_text("utf-8").split("---\n")
    beyond = ["is no regular expression"]
    places = [line for line in lines.splitlines() if not any(words in line for words in beyond)]
    assert len(complaints(text)) >= len(places)


def test_every_field_has_a_description() -> None:
    missing = [path for path, prop in _properties(spec.json_schema()) if not prop["description"]]
    assert missing == []


def test_defaults_are_shown_as_people_write_them() -> None:
    defaults = {path: prop.get("default") for path, prop in _properties(spec.json_schema())}
    assert defaults["HeapFault.object"] == "1KiB"
    assert defaults["Phases.hold"] == "10s"
    assert defaults["Capture.at"] == ["baseline.end", "hold.end", "recover.end"]
    assert defaults["Band.share"] == "5%"


def _properties(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, definition in {**schema["$defs"], "": schema}.items():
        for field, prop in definition.get("properties", {}).items():
            yield f"{name}.{field}", prop


ACCEPTED = {
    "numbers-as-arguments": {"target": "{process: {command: [./app, 5, true]}}"},
    "numbers-as-environment": {"target": "{process: {command: [./app], env: {PORT: 80, A: ''}}}"},
    "zero-phase": {"phases": "{warmup: 0, baseline: 5s, inject: 2s, hold: 4s, recover: 8s}"},
    "plain-bytes": {"faults": "[{heap: {retain: 67108864}}]"},
    "plain-share": {"checks": "[{gc-cpu: {max: 0.25}}]"},
    "one-moment": {"captures": "[{profile: heap, at: hold.end}]"},
    "one-phase": {"faults": "[{heap: {retain: 64MiB, during: hold}}]"},
    "all-phases": {"faults": "[{load: {rate: 5/s, during: all, mix: [{path: /}]}}]"},
    "null-agent": {"target": "{process: {command: [a]}, agent: null}", "faults": "[]"},
    "gogc-off": {"arms": "[{name: a, gogc: off, gomemlimit: 512MiB}]"},
    "check-with-nothing-below": {"checks": "[no-oom: ]"},
    "preset": {"preset": "quick"},
}


@pytest.mark.parametrize("changes", ACCEPTED.values(), ids=ACCEPTED)
def test_schema_and_reader_accept_the_same_forms(changes: dict[str, str]) -> None:
    text = written(**changes)
    assert spec.loads(text, name="f").experiment
    assert complaints(text) == []


def test_the_schema_offers_the_presets_that_exist() -> None:
    assert spec.json_schema()["properties"]["preset"]["enum"] == list(presets.NAMES)
